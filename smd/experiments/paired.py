"""One defense held against each other row of a table, image by image: what only one of the two
withstands, and whether that is chance."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from smd import export, stats
from smd.experiments import reproduce
from smd.experiments.reproduce import Table
from smd.export import fates
from smd.runs.folders import Run
from smd.stats import Shares
from smd.store import reader
from smd.units import show_level

ALL = "Avg."  # the mean over clean images and the levels that the run watched, as in tables
COLUMNS = (
    "defense",
    "against",
    "seed",
    "eps",
    "n",
    "only_it",
    "only_other",
    "difference",
    "low",
    "high",
    "spread",
    "p",
    "p_holm",
)
LEAST = 1e-4  # p below this is printed as less than that
Side = tuple[Run, dict[str, Shares]]  # a run, and how each image fared at each level


def against(table: Table, done: Sequence[Run], defense: str = "smd") -> pd.DataFrame:
    """Under the table's attack, see `among`."""
    return among({run: reproduce.cells_of(table, run) for run in done}, defense)


def among(cells: Mapping[Run, pd.DataFrame], defense: str = "smd") -> pd.DataFrame:
    """That defense's run against each other run of its training seed, a row for each level and for
    the mean over all, by what each withstood of one attack (export.CELLS); then, of several seeds
    that both have, the same of their mean.

    only_it, only_other: images that one of the two withstands and the other does not (of means:
    more often); difference: points of accuracy that the defense lies above the other, with its 95 %
    interval low to high; spread: its standard deviation over trainings, nan of one; p: of a paired
    test of no difference (smd.stats), over images; p_holm: of the mean over levels, p adjusted for
    as many tests as the run has opponents (S. Holm, Scandinavian Journal of Statistics 6, 1979),
    nan of levels.
    """
    sides: dict[str, Side] = {
        run.id: (run, _levels(own, reader.image_verdicts(run.store))) for run, own in cells.items()
    }
    pairs = [
        (mine, other)
        for mine in cells
        if mine.config.defense == defense
        for other in cells
        if other.id != mine.id and other.config.seed == mine.config.seed
    ]
    rows = [row for pair in pairs for row in _pair(*(sides[run.id] for run in pair))]
    for alike in _of_several_seeds(pairs):
        rows += _over_seeds([(sides[one.id], sides[two.id]) for one, two in alike])
    found = pd.DataFrame(rows, columns=COLUMNS)
    for _, part in found[found["eps"] == ALL].groupby(["defense", "seed"]):
        found.loc[part.index, "p_holm"] = stats.holm(part["p"].to_numpy(float))
    return found


def _of_several_seeds(pairs: Sequence[tuple[Run, Run]]) -> list[list[tuple[Run, Run]]]:
    """Pairs of the same two defenses, where there are several."""
    groups: dict[tuple[str, str], list[tuple[Run, Run]]] = {}
    for pair in pairs:
        one, two = (export.defense_title(run.config) for run in pair)
        groups.setdefault((one, two), []).append(pair)
    return [group for group in groups.values() if len(group) > 1]


def _over_seeds(pairs: Sequence[tuple[Side, Side]]) -> list[dict[str, object]]:
    """The rows of how each image fared on the mean over trainings."""
    each = [{row["eps"]: row["difference"] for row in _pair(*pair)} for pair in pairs]
    (mine, _), (other, _) = pairs[0]
    one, two = (_mean([pair[side][1] for pair in pairs]) for side in (0, 1))
    seeds = ", ".join(str(side[0].config.seed) for side, _ in pairs)
    rows = _pair((mine, one), (other, two))
    for row in rows:
        known = [float(str(own[row["eps"]])) for own in each if row["eps"] in own]
        row |= {"seed": f"mean of {seeds}", "spread": round(stats.mean_and_spread(known)[1], 2)}
    return rows


def _mean(parts: Sequence[dict[str, Shares]]) -> dict[str, Shares]:
    """By level, where all have it of the same images."""
    means = {level: fates.mean([part.get(level) for part in parts]) for level in parts[0]}
    return {level: shares for level, shares in means.items() if shares is not None}


def told(rows: pd.DataFrame) -> str:
    """What the columns mean, and what they do not say."""
    if rows.empty:
        return "There is no finished run to hold against another."
    return (
        "Accuracy of the defense minus that of the other, in points, on the same images. only_it,"
        f" only_other: images that one of the two alone withstands ({ALL}: at more of the levels)."
        " low, high: the 95 % interval (of the mean wider than it need be). p: of a paired test at"
        " that level alone, McNemar's, of a mean over levels a test of signs; p_holm: of the mean,"
        " adjusted for all opponents. Images are what these tests are over: another seed of the"
        " training may end otherwise. spread: the standard deviation of the difference over"
        " trainings, where there are several."
    )


def printed(rows: pd.DataFrame) -> pd.DataFrame:
    """With p as text: "< 0.0001" where it is smaller."""
    return rows.assign(**{name: [_p(value) for value in rows[name]] for name in ("p", "p_holm")})


def _p(value: float | None) -> str:
    if value is None or value != value:
        return ""
    return f"< {LEAST:g}" if value < LEAST else f"{value:.4f}"


def _pair(one: Side, two: Side) -> list[dict[str, object]]:
    """The rows of two runs, level by level, as far as both were judged on the same images."""
    (mine, own), (other, others) = one, two
    alike = [
        level for level in own if level in others and own[level].index.equals(others[level].index)
    ]
    levels = {level: (own[level], others[level]) for level in alike}
    watched = [show_level(eps, mine.config.norm) for eps in (0.0, *mine.config.levels)]
    if set(watched) <= set(alike):
        whole = [fates.mean([side[level] for level in watched]) for side in (own, others)]
        if whole[0] is not None and whole[1] is not None:
            levels[ALL] = (whole[0], whole[1])
    names = {
        "defense": export.defense_title(mine.config),
        "against": export.defense_title(other.config),
        "seed": str(mine.config.seed),
    }
    return [names | {"eps": level} | _compared(*sides) for level, sides in levels.items()]


def _levels(cells: pd.DataFrame, verdicts: pd.DataFrame) -> dict[str, Shares]:
    """How each image fared at each level, the smallest level first."""
    rows: list[dict[Any, Any]] = cells.sort_values("eps", kind="stable").to_dict("records")
    each = {show_level(row["eps"], row["norm"]): fates.shares(verdicts, row) for row in rows}
    return {level: shares.sort_index() for level, shares in each.items() if shares is not None}


def _compared(one: Shares, two: Shares) -> dict[str, object]:
    low, high = stats.paired_interval(one, two)
    return {
        "n": len(one),
        "only_it": int((one > two).sum()),
        "only_other": int((one < two).sum()),
        "difference": round(100 * float(one.mean() - two.mean()), 2),
        "low": round(100 * low, 2),
        "high": round(100 * high, 2),
        "spread": math.nan,
        "p": stats.p_value(one, two),
        "p_holm": math.nan,
    }
