"""Runs by their worst case: only attacks and seeds that all of them faced count, on the images that
all of these attacked, and an image is robust if it withstands every one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from smd import registry, stats
from smd.config.notes import AVERAGED, SOUND, noted
from smd.frames import groups

SAME = 1e-6  # levels that differ by less are the same
ATTACK = ["name", "steps", "note"]
Key = tuple[str, int, str]  # of an attack: the values of ATTACK; steps 0 where they do not matter
Verdicts = Mapping[str, pd.DataFrame]  # run's name -> reader.seed_verdicts


@dataclass(frozen=True)
class Place:
    """How one run fared on the n images of its ranking. Accuracies are shares in [0, 1]."""

    run: str
    clean: float  # nan: not known of all the images
    robust: float
    interval: tuple[float, float]  # Wilson's 95 % interval of robust for n images
    # two-sided, of a paired test of no difference to the run before, over patients where they are
    # known; nan of the first
    p: float


@dataclass(frozen=True)
class Ranking:
    """Runs from the best to the worst, and what that rests on."""

    places: tuple[Place, ...]
    attacks: tuple[Key, ...]
    seeds: int  # the fewest, alike in all runs, that an image faced one of the attacks with
    eps: float
    n: int


def rankings(verdicts: Verdicts, split: str, norm: str = "Linf") -> list[Ranking]:
    """A ranking for each noise level at which there can be one, ascending."""
    rows = pd.concat([_of(table, split, norm).assign(run=run) for run, table in verdicts.items()])
    rows["image"] = rows.groupby(["images", "source"]).ngroup()
    known = {round(float(eps), 9) for eps in rows["eps"].unique()}
    each = [ranking(rows, [*verdicts], eps) for eps in sorted(known) if eps > 0]
    return [one for one in each if one is not None]


def ranking(rows: pd.DataFrame, runs: Sequence[str], eps: float) -> Ranking | None:
    """The runs by their worst case at a level (unit of x); None where they share no attack on the
    same images with the same seed.

    rows: reader.seed_verdicts of all runs, and columns run and image. Where the attacks that all
    faced share no images, the strongest of those that do count.
    """
    shared = _shared(rows[(rows["eps"] - eps).abs() < SAME], len(runs))
    attacks, counted = _overlapping(shared)
    if counted.empty:
        return None
    worst = counted.groupby(["image", "run"])["ok"].all().unstack("run")
    seeds = counted.groupby(["image", *ATTACK])["seed"].nunique()
    robust = dict(zip(worst.columns, worst.to_numpy(float).mean(axis=0), strict=True))
    order = sorted(runs, key=lambda run: -robust[run])
    clean = rows[rows["eps"] < SAME].drop_duplicates(["run", "image"])
    unharmed = clean.pivot(index="image", columns="run", values="ok").reindex(worst.index)
    whose = rows.dropna(subset=["patient"]).drop_duplicates("image").set_index("image")["patient"]
    places = [
        _place(run, worst, unharmed, before, whose)
        for run, before in zip(order, ["", *order], strict=False)
    ]
    return Ranking(tuple(places), tuple(attacks), int(seeds.min()), eps, len(worst))


def _of(table: pd.DataFrame, split: str, norm: str) -> pd.DataFrame:
    """The verdicts in that norm on the last weights of a split's images.

    What took over earlier verdicts is left out: each run's store knows of others.
    """
    other = noted(table["note"], AVERAGED, SOUND)
    rows = table[(table["split"] == split) & (table["norm"] == norm) & ~other]
    rows = rows.dropna(subset=["source"])
    return rows.assign(note=rows["note"].fillna(""), steps=rows["steps"].fillna(0).astype(int))


def _shared(rows: pd.DataFrame, runs: int) -> pd.DataFrame:
    """The tries at a level that all runs were put to.

    An attack that met an image with the same seed among different n tried it as often, the largest
    n first.
    """
    rows = rows.sort_values("n", ascending=False, kind="stable")
    alike = ["image", *ATTACK, "seed"]
    rows = rows.assign(attempt=rows.groupby(["run", *alike]).cumcount())
    put_to = rows.groupby([*alike, "attempt"])["run"].transform("size")
    return rows[put_to == runs]


def _strength(key: Key) -> tuple[int, int]:
    """The strongest attacks keep their images, where others share none with them."""
    ranked = registry.by_strength()
    return ranked.index(key[0]) if key[0] in ranked else -1, key[1]


def _overlapping(shared: pd.DataFrame) -> tuple[list[Key], pd.DataFrame]:
    """The attacks that all runs faced on some images in common, the strongest first, and their
    tries on these images."""
    tries = {(str(a), int(b), str(c)): part for (a, b, c), part in groups(shared, ATTACK)}
    kept: list[Key] = []
    common = shared["image"].unique()
    for key in sorted(tries, key=_strength, reverse=True):
        both = np.intersect1d(common, tries[key]["image"])
        if len(both):
            kept, common = [*kept, key], both
    counted = pd.concat([shared[:0], *(tries[key] for key in kept)])
    return kept, counted[counted["image"].isin(common)]


def _place(
    run: str, worst: pd.DataFrame, unharmed: pd.DataFrame, before: str, whose: stats.Patients
) -> Place:
    ok = worst[run].astype(float)
    clean = unharmed[run] if run in unharmed else pd.Series([None])
    p = stats.p_value(worst[before].astype(float), ok, whose) if before else None
    return Place(
        run,
        float(clean.mean()) if clean.notna().all() else float("nan"),
        float(ok.mean()),
        stats.wilson_of_one(float(ok.mean()), len(ok)),
        float("nan") if p is None else p,
    )
