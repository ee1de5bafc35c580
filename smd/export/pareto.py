"""Clean against robust accuracy, a point a defense, with all that is needed to judge how far points
are apart."""

from typing import Any, NamedTuple

import pandas as pd

from smd import stats
from smd.config.notes import SOUND, noted
from smd.export import fates
from smd.export.cells import CELLS, Runs
from smd.export.fates import Verdicts
from smd.export.seeds import WHAT, grouped, trainings
from smd.frames import records, tuples
from smd.stats import Patients, Shares
from smd.units import show_level

# what both accuracies share
POINT = ["run", "defense", "method", "recipe", "data", "attack", "steps", "norm", "n", "note"]


COLUMNS = {  # of a point -> of the robust cell merged with the clean one; "": made here
    "title": "",
    "defense": "method",
    "data": "data",
    "attack": "attack",
    "steps": "steps",
    "norm": "norm",
    "note": "note",
    "eps": "eps",
    "n": "n",
    "trainings": "trainings",
    "seeds": "seeds",
    "clean": "percent_clean",
    "clean_low": "low_clean",
    "clean_high": "high_clean",
    "clean_training_spread": "training_spread_clean",
    "clean_each": "",
    "robust": "percent",
    "robust_low": "low",
    "robust_high": "high",
    "robust_training_spread": "training_spread",
    "robust_each": "",
    "robust_spread": "spread",
    "beaten": "",
}


class Side(NamedTuple):
    """One accuracy of a point: that of each of its trainings (%), and how each image fared on
    average."""

    each: tuple[float, ...]
    images: Shares | None


def pareto_points(runs: Runs, verdicts: Verdicts) -> pd.DataFrame:
    """Clean against robust accuracy on test images, a row a group of runs that differ in their seed
    alone.

    Columns: title, defense (registry name), data, attack, steps, norm, note, eps, n, trainings,
    seeds (of the attack); for clean and robust alike the mean (%), its ends (clean_low, clean_high:
    95 % for n images), clean_training_spread (standard deviation over trainings in points, nan for
    one), clean_each (of each training); robust_spread (over attack seeds). beaten: another is
    better in one of both by a paired test on the same images, and not worse in the other by that
    test; with several trainings Welch's test over them has to agree. All are of the one data set,
    attack, norm and level that most groups have seen, if in doubt in Linf, the strongest attack and
    the largest level; never of an attack that took over what each run's store knew.
    """
    cells = grouped(runs)
    cells = cells[cells["split"] == "test"]
    cells = cells[~noted(cells["note"], SOUND)]
    robust = _seen_by_most(cells[cells["eps"] > 0])
    clean = cells.loc[cells["eps"] == 0, [*POINT, "percent", "low", "high", "training_spread"]]
    both = robust.merge(clean, on=POINT, suffixes=("", "_clean"))
    singles = trainings(runs)
    sides = [
        (_side(row, 0.0, singles, verdicts), _side(row, row.eps, singles, verdicts))
        for row in tuples(both)
    ]
    columns = {
        "title": _titles(both),
        "clean_each": [list(one.each) for one, _ in sides],
        "robust_each": [list(two.each) for _, two in sides],
        "beaten": _beaten(sides, fates.patients(verdicts)),
        **{name: both[column] for name, column in COLUMNS.items() if column},
    }
    return pd.DataFrame({name: columns[name] for name in COLUMNS})


def _titles(points: pd.DataFrame) -> "pd.Series[str]":
    """The defense, with the run where several points have the same."""
    twice = points["defense"].duplicated(keep=False)
    return points["defense"].where(~twice, points["defense"] + " (" + points["run"] + ")")


def _side(row: Any, eps: float, singles: pd.DataFrame, verdicts: Verdicts) -> Side:
    """One accuracy of a point (a row of grouped), from the trainings that it is the mean of."""
    first = str(row.run).partition(" trainings like ")[2] or row.run
    same = singles["key"] == singles.loc[singles["run"] == first, "key"].iloc[0]
    for name in WHAT[:-1]:
        same &= singles[name] == getattr(row, name)
    members = records(singles[same & (singles["eps"] == eps)])
    images = fates.mean([fates.shares(verdicts.get(str(cell["run"])), cell) for cell in members])
    return Side(tuple(float(cell["percent"]) for cell in members), images)


def _beaten(sides: list[tuple[Side, Side]], whose: Patients | None) -> list[bool]:
    """Of each point, clean and robust, whether another beats it."""
    return [any(_beats(other, own, whose) for other in sides if other is not own) for own in sides]


def _beats(one: tuple[Side, Side], two: tuple[Side, Side], whose: Patients | None) -> bool:
    """Whether one point is better in one accuracy and not worse in the other, as far as tests can
    tell."""
    pairs = list(zip(one, two, strict=True))
    if any(side.images is None for pair in pairs for side in pair):
        return False
    return any(_better(a, b, whose) for a, b in pairs) and not any(
        _better_on_images(b, a, whose) for a, b in pairs
    )


def _better(one: Side, two: Side, whose: Patients | None) -> bool:
    """On these images and, where a point is of several trainings, beyond what trainings differ
    by."""
    alone = len(one.each) == len(two.each) == 1
    on_images = _better_on_images(one, two, whose)
    return on_images and (alone or stats.trained_better(one.each, two.each))


def _better_on_images(one: Side, two: Side, whose: Patients | None) -> bool:
    if one.images is None or two.images is None:
        return False
    return stats.better(one.images, two.images, whose)


def _seen_by_most(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of one data set, attack with its settings, norm and level; of a group the one on
    most images."""
    if cells.empty:
        return pd.DataFrame(columns=[*CELLS])
    strength = cells["attack"].map({"ce-pgd": 0, "ce-cw-pgd": 1, "autoattack": 2}).fillna(-1)
    usual = cells["note"].map(lambda note: "=" not in note)
    levels = [show_level(eps, norm) for eps, norm in zip(cells["eps"], cells["norm"], strict=True)]
    linf = cells["norm"] == "Linf"
    rows = cells.assign(strength=strength, usual=usual, level=levels, linf=linf)
    kind = ["data", "strength", "steps", "note", "linf", "level"]
    counts = (
        rows.groupby([*kind, "usual"])
        .agg(groups=("run", "nunique"), eps=("eps", "max"))
        .reset_index()
    )
    order = ["groups", "linf", "strength", "usual", "eps", "steps"]
    chosen = counts.sort_values(order)[kind].iloc[-1:]
    rows = rows.merge(chosen, on=kind)
    return rows.sort_values("n").drop_duplicates(["run", "defense", "recipe", "data"], keep="last")[
        [*CELLS]
    ]
