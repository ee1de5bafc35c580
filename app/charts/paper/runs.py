"""Which runs a figure shows, how a caption names them, and in what they differ."""

from collections.abc import Mapping, Sequence

from smd import export, registry
from smd.config.schema import TrainConfig
from smd.registry.open_networks import WHOLE
from smd.runs.folders import Run
from smd.store import reader

from ... import data
from ...components import run_names, states
from .figure import Kind


def newest(runs: Sequence[Run]) -> list[Run]:
    """Those that are trained and can be read."""
    return [run for run in runs if run.trained and states.readable(run)]


def candidates(runs: Sequence[Run], defense: str = "") -> list[Run]:
    """The trained runs that a figure may show, the newest first: those with the settings of tables
    before others, and those in L∞ before all."""
    trained = [run for run in newest(runs) if defense in ("", run.config.defense)]
    return sorted(trained, key=lambda run: (run.config.norm != "Linf", bool(run.config.params)))


def usual(kind: Kind, runs: Sequence[Run]) -> list[Run]:
    """What a figure shows as long as nobody chooses: the newest run that fits, or of each defense
    one."""
    trained = candidates(runs, kind.defense)
    if kind.defense:
        return trained[:1]
    return list({run.config.defense: run for run in reversed(trained)}.values())[::-1]


def described(run: Run) -> str:
    """A run as a caption names it: what it is, how long it was trained, from which seed, on how
    much."""
    config = run.config
    n = len(data.read(reader.samples, run.store, "train"))
    if config.imported:
        about = (
            f"{run_names.shown(run.id)}: trained elsewhere, {registry.network_title(config.net)}"
        )
        return f"{export.defense_title(config)} ({about})"
    about = (
        f"{run_names.shown(run.id)}: {config.epochs} epochs, seed {config.seed}, {config.net},"
        f" {n:,} training images"
    )
    return f"{export.defense_title(config)} ({about})"


def settings(run: Run) -> dict[str, str]:
    """What should be alike in runs that are compared, but for the defense."""
    config = run.config
    return {
        "epochs": str(config.epochs),
        "seed": str(config.seed),
        "network": config.net,
        "recipe": config.recipe,
        "batch size": str(config.batch),
        "training images": f"{len(data.read(reader.samples, run.store, 'train')):,}",
        "images": str(data.value(reader.meta, run.store).get("images", "")),
    }


def differing(runs: Sequence[Run]) -> list[str]:
    """In which settings these runs differ, each in words: "epochs 25 (b8e4), 3 (142f)"."""
    table = {run.id: settings(run) for run in runs}
    names = list(next(iter(table.values()), {}))
    unlike = [name for name in names if len({about[name] for about in table.values()}) > 1]
    return [_unlike(name, {key: about[name] for key, about in table.items()}) for name in unlike]


def _unlike(name: str, values: Mapping[str, str]) -> str:
    if name == "images":  # a hash says nothing to anybody
        return (
            "the images themselves, as their folder has changed between the runs or another size"
            " was asked for"
        )
    of_each = {
        value: [key[-4:] for key, own in values.items() if own == value]
        for value in values.values()
    }
    return f"{name} " + ", ".join(f"{value} ({', '.join(keys)})" for value, keys in of_each.items())


def some(run: Run, most: int) -> int:
    """So many test images, or all if there are fewer."""
    return min(most, len(data.read(reader.samples, run.store, "test")))


def training(runs: Sequence[Run], defense: str) -> TrainConfig:
    """What trains this defense like the newest trained run, so that the two can be compared."""
    trained = newest(runs)
    here = [run for run in trained if not run.config.imported]
    return like(next(iter([*here, *trained]), runs[0]).config, defense)


def like(base: TrainConfig, defense: str) -> TrainConfig:
    """The same training with this defense: the same images and splits."""
    return TrainConfig(
        data=base.data,
        data_path=base.data_path,
        image_size=base.image_size,
        skip_broken=base.skip_broken,
        channels=base.channels,
        labels=base.labels,
        columns=base.columns,
        allow_leaks=base.allow_leaks,
        folds=base.folds,
        fold=base.fold,
        intensity=base.intensity,
        volumes=base.volumes,
        spacing=base.spacing,
        net="" if base.net in WHOLE else base.net,
        defense=defense,
        epochs=base.epochs,
        n_train=base.n_train,
        seed=base.seed,
        device=base.device,
    )
