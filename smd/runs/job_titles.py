"""What a job is to do, in words that tell it from others.

"CE-PGD on 500 test images at 8/255, seed 0".
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from smd import registry
from smd.config import schema
from smd.config.schema import AttackConfig, EmbeddingConfig, EstimateConfig, Value
from smd.errors import UserError
from smd.export.titles import attack_title, estimate_title
from smd.jobs import kinds
from smd.registry import Param
from smd.units import level_title, show_level


def job_title(folder: Path) -> str:
    """The job in this folder; its noun and id alone if its config cannot be read."""
    kind = kinds.of_folder(folder)
    try:
        config = schema.read(kind.config, folder / "config.json") if kind.folder else None
    except UserError:
        return f"{kind.noun} {folder.name}"
    return str(registry.load(kind.title)(config))


def training(_config: object) -> str:
    """A training: its run says the rest."""
    return "training"


def attack(asked: AttackConfig) -> str:
    """An attack: its name and settings, the images, the levels, the seeds."""
    levels = (
        ", ".join(level_title(eps, asked.norm) for eps in asked.levels) or "the run's own levels"
    )
    known = registry.ATTACKS[asked.attack].params if asked.attack in registry.ATTACKS else ()
    what = attack_title(asked.attack) + settings(asked.params, known)
    if asked.ids:
        those = ", ".join(map(str, asked.ids[:3])) + ", …" * (len(asked.ids) > 3)
        of = f"{len(asked.ids):,} chosen {asked.split} image{'s' * (len(asked.ids) > 1)} ({those})"
    else:
        of = images(asked.n, asked.split)
    return f"{what} on {of} at {levels}, {seeds(asked.seeds)}"


def estimation(asked: EstimateConfig) -> str:
    """An estimation of margins: the method, how far it looks, the images, the seed."""
    known = registry.ESTIMATORS[asked.method].params if asked.method in registry.ESTIMATORS else ()
    titles = [estimate_title(asked.method, eps, asked.norm) for eps in asked.levels or (0.0,)]
    return (
        f"{' and '.join(titles)}{settings(asked.params, known)} on {images(asked.n, asked.split)},"
        f" seed {asked.seed}"
    )


def embedding(asked: EmbeddingConfig) -> str:
    """A map: the images, the twins, the seed."""
    at = f" at {show_level(asked.level)}" if asked.level else ""
    return (
        f"map of {images(asked.n, asked.split)}, up to {asked.pairs:,} twins{at}, seed {asked.seed}"
    )


def images(n: int, split: str) -> str:
    """How many images of a split; 0 is all of them."""
    return f"{n:,} {split} image{'s' * (n != 1)}" if n else f"all {split} images"


def settings(params: Mapping[str, Value], known: tuple[Param, ...]) -> str:
    """Parameters that are not as usual, in brackets."""
    kinds = {p.name: p.kind for p in known}
    shown = [
        f"{k}={show_level(float(v)) if kinds.get(k) == 'level' else v}" for k, v in params.items()
    ]
    return f" ({', '.join(shown)})" if shown else ""


def seeds(given: tuple[int, ...]) -> str:
    """Seeds; a longer row of neighbours as a range."""
    if len(given) > 2 and all(b - a == 1 for a, b in pairwise(given)):
        return f"seeds {given[0]} to {given[-1]}"
    return (
        f"seed{'s' * (len(given) > 1)} {', '.join(map(str, given))}" if given else "the usual seeds"
    )
