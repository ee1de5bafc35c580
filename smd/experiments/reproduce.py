"""The paper's tables made again.

Which runs and attacks a table consists of, and its rows beside ours.

There is no state but the runs and their attacks, so asking for a table again goes on where it was.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from smd import export, jobs, registry
from smd.config import schema as configs
from smd.config.notes import AVERAGED, SOUND, noted
from smd.config.schema import AttackConfig, TrainConfig
from smd.errors import UserError
from smd.experiments import published
from smd.export import CELLS
from smd.jobs import launch
from smd.registry import Defense
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader

NETS = {"cifar10": "wrn-28-4", "svhn": "svhn-cnn", "fashion-mnist": "fashion-cnn"}


@dataclass(frozen=True)
class Budget:
    """How much of a table is made again; 0 and () stand for as much as the paper has."""

    rows: tuple[str, ...] = ()  # as the table calls them; case and star may be left out
    epochs: int = 0
    n_train: int = 0
    n_test: int = 0  # to attack; the runs keep all, so that cheaper attacks can ask more of them
    attack_seeds: tuple[int, ...] = ()


BUDGETS = {
    "full": Budget(),
    "first": Budget(rows=("STD", "SMD", "AT8*", "TR-b6-8*")),
    "cpu": Budget(
        rows=("STD", "AT8*", "AT4", "FAT8*", "TR-b6-8*", "MMA12*", "SMD"),
        epochs=30,
        n_train=10_000,
        n_test=500,
        attack_seeds=(0,),
    ),
    "quick": Budget(epochs=2, n_train=300, n_test=50, attack_seeds=(0,)),
}


@dataclass(frozen=True)
class Table:
    """One of the paper's tables, as it is to be made."""

    name: str  # as the paper counts: "2b"
    attack: str
    configs: tuple[TrainConfig, ...]
    budget: Budget

    def attack_on(self, run: Run) -> AttackConfig:
        """The table's attack on a finished run."""
        n, seeds = self.budget.n_test, self.budget.attack_seeds
        return AttackConfig(
            run.id,
            self.attack,
            norm=run.config.norm,
            levels=run.config.levels,
            n=n,
            seeds=seeds,
            device=run.config.device,
            devices=run.config.devices,
        )


def names() -> list[str]:
    """The tables there are: "1a", "1b", ..."""
    return list(dict.fromkeys(published.printed()["table"]))


def plan(
    name: str, budget: Budget, seeds: Sequence[int] = (0,), device: str = "auto", devices: str = ""
) -> Table:
    """The runs of a table in its own order; raises UserError if there is no such table or row."""
    printed = published.printed()
    rows = printed[printed["table"] == name.removeprefix("table")]
    if rows.empty:
        raise UserError(
            f"There is no table '{name}': choose one of {', '.join('table' + t for t in names())}."
        )
    if not seeds:
        raise UserError("There are no seeds: name at least one, such as --seeds 0.")
    data = rows["data"].iloc[0]
    base = TrainConfig(
        data=data,
        net=NETS[data],
        epochs=budget.epochs,
        n_train=budget.n_train,
        n_margins=0,
        device=device,
        devices=devices,
    )
    wanted = tuple(
        replace(config_of(title, base), seed=seed)
        for title in _chosen(name, [*rows["defense"]], budget.rows)
        for seed in dict.fromkeys(seeds)
    )
    return Table(rows["table"].iloc[0], rows["attack"].iloc[0], wanted, budget)


def _chosen(name: str, titles: Sequence[str], words: Sequence[str]) -> list[str]:
    """The titles that were asked for, in the table's order; all if none was."""
    plain = {title.removesuffix("*").lower(): title for title in titles}
    titled = {word: plain.get(word.removesuffix("*").lower()) for word in words}
    if unknown := [word for word, title in titled.items() if title is None]:
        raise UserError(f"{name} has no row {', '.join(unknown)}: choose of {', '.join(titles)}.")
    return [title for title in titles if not words or title in titled.values()]


def config_of(title: str, base: TrainConfig) -> TrainConfig:
    """The config that a table calls so, like "TR-b6-8*"; raises UserError if no defense is called
    so."""
    for entry in registry.DEFENSES.values():
        params = _read(entry, title.removesuffix("*"))
        if params is not None:
            config = replace(base, defense=entry.name, params=params)
            if export.defense_title(config) == title:
                return config
    raise UserError(f"No defense is called {title}.")


def _read(entry: Defense, title: str) -> dict[str, float] | None:
    """The knobs in a title of that defense, None if it is another's."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[0-9.]+)", re.escape(entry.label or entry.title))
    match = re.fullmatch(pattern, title)
    if not match:
        return None
    levels = {knob.name for knob in entry.params if knob.kind == "level"}
    return {
        name: float(text) / (255 if name in levels else 1)
        for name, text in match.groupdict().items()
    }


def attacked(run: Run, config: AttackConfig) -> Path:
    """The folder of that very attack on the run: an earlier one, resumed where it had stopped, or a
    new one, queued."""
    folder = attack_of(run, config)
    if folder is None:
        folder = folders.create_job(run, config)
        launch.submit(folder)
    elif jobs.read(folder).state in ("failed", "cancelled", "lost"):
        launch.resume(folder)
    return folder


def attack_of(run: Run, config: AttackConfig) -> Path | None:
    """The folder of that very attack on the run, the newest if there are several; None if there is
    none."""
    return next(
        (folder for folder in folders.jobs_of(run, "attack") if _same(folder, config)), None
    )


def _same(folder: Path, config: AttackConfig) -> bool:
    """Whether an attack asks the same question; where it works, in what batches, and what it keeps
    do not matter."""
    try:
        other = configs.read(AttackConfig, folder / "config.json")
    except UserError:  # another version's
        return False
    own: dict[str, Any] = {"device": "", "devices": "", "batch": 0, "keep": 0}
    return replace(other, **own) == replace(config, **own)


def beside_the_papers(
    table: Table, done: Sequence[Run], layout: Callable[[pd.DataFrame], pd.DataFrame] = export.wide
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each row of the table as the paper prints it and, above it, as our runs have it, laid out by
    export.wide or export.interval_table; and what is bold in it, see export.best."""
    ours = [cells for run in done if len(cells := cells_of(table, run))]
    papers = published.rows(done[0].config.data if done else table.configs[0].data, table.attack)
    papers = papers[papers["run"] == f"Table {table.name}"]
    wanted = [export.defense_title(config) for config in table.configs]
    papers = papers[papers["defense"].isin(wanted)]
    cells = pd.concat([*ours, papers], ignore_index=True)[[*CELLS]]
    wide = layout(cells)
    place = wide.assign(order=wide["defense"].map(wanted.index), paper=wide["source"] == "paper")
    rows = place.sort_values(["order", "paper"], kind="stable").index
    bold = export.best(cells, {run.id: reader.image_verdicts(run.store) for run in done})
    bold = bold.reindex(columns=wide.columns, fill_value=False)
    return wide.loc[rows].reset_index(drop=True), bold.loc[rows].reset_index(drop=True)


def cells_of(table: Table, run: Run) -> pd.DataFrame:
    """What a run withstood under the table's attack on as many images as were asked for, in its own
    norm: of its last weights, by verdicts that stand for themselves."""
    cells = export.accuracy_cells({run.id: (run.config, reader.attack_table(run.store))})
    steps = published.STEPS.get(table.attack, 0)
    chosen = cells[
        (cells["attack"] == table.attack)
        & (cells["split"] == "test")
        & (cells["steps"] == steps)
        & (cells["norm"] == run.config.norm)
        & ~noted(cells["note"], SOUND, AVERAGED)
    ]
    return chosen[chosen["n"] == (table.budget.n_test or chosen["n"].max())]


def told(table: Table, failed: Sequence[str] = ()) -> str:
    """What must be known of the table's rows, and which are missing."""
    config, seeds = table.configs[0], ", ".join(map(str, table.budget.attack_seeds))
    images = f"{config.n_train:,}" if config.n_train else "all"
    attacked = f"{table.budget.n_test:,}" if table.budget.n_test else "all"
    said = (
        f"Ours: {config.epochs} epochs on {images} training images ({config.net}), one training a"
        f" row; {export.attack_title(table.attack)} on {attacked} test images"
        f"{f', seeds {seeds}' * bool(seeds)}. In brackets the 95 % interval for so many images,"
        " which says nothing of other trainings. The paper's rows are its own, of its full"
        " trainings; it prints no n and no steps, which stand as 0."
    )
    return " ".join([said, *[f"Missing: {'; '.join(failed)}."] * bool(failed)])
