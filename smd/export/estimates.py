"""Estimated margins as tables: what each estimate found, and two of them on the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from smd.core.kinds import CERTIFIED, FOUND, REACHED, beyond, middle, undecided
from smd.export.empty import EMPTY
from smd.export.titles import estimate_title
from smd.frames import tuples
from smd.units import level_title, show_length


def estimate_table(
    estimates: pd.DataFrame,  # reader.estimates, or some of its rows
    results: Mapping[str, pd.DataFrame],  # id -> reader.estimate_results
    levels: Sequence[float],  # noise levels in [0, 1], of Linf
    lengths: Sequence[float] = (),  # those of L2
) -> pd.DataFrame:
    """A row an estimate: method, split, n, clean (%), median (1/255), median is, levels, no
    boundary (%).

    Of L2 margins the median is a length, "median (L2)", and so are their levels.

    The median is over correctly classified images, and "median is" says what of (IS): where too
    many searches met no boundary, it is only where they ended. "beyond 8/255 (%)" is
    share_beyond, of all images, so that it compares with a robust accuracy.
    """
    of_norm = {"Linf": levels, "L2": lengths}
    rows = [_row(each, results[each.id], of_norm[str(each.norm)]) for each in tuples(estimates)]
    norms = [norm for norm in MEDIAN if norm in set(estimates["norm"])]
    names = ["method", "split", "n", "clean (%)", *(MEDIAN[norm] for norm in norms), "median is"]
    names += [_beyond(level, norm) for norm in norms for level in of_norm[norm]]
    return pd.DataFrame(rows, columns=[*names, "no boundary (%)"] if rows else ["method"])


CHOSEN = " on chosen images"  # which say nothing of their split
MEDIAN = {"Linf": "median (1/255)", "L2": "median (L2)"}
IS = {  # what a median is of, see smd.core.kinds.middle
    FOUND: "at most",
    REACHED: "searched to",
    CERTIFIED: "at least",
}


def _beyond(level: float, norm: str) -> str:
    return f"beyond {level_title(level, norm)} (%)"


def _row(about: Any, result: pd.DataFrame, levels: Sequence[float]) -> dict[str, object]:
    """The row of one estimate; about: EstimateRow as a namedtuple, result: EstimateResultRow."""
    norm = str(about.norm)
    factor, decimals = (255, 2) if norm == "Linf" else (1, 3)
    value, kind = middle(result)
    shares = {_beyond(e, norm): _percent(share_beyond(result, e)) for e in levels}
    return {
        "method": estimate_title(about.method, about.eps, about.norm, about.weights)
        + CHOSEN * bool(about.picked),
        "split": about.split,
        "n": len(result),
        "clean (%)": _percent(result["clean_ok"].mean()),
        MEDIAN[norm]: round(factor * value, decimals),
        "median is": IS.get(kind, ""),
        **shares,
        "no boundary (%)": _percent((~result["crossed"]).mean()),
    }


def _percent(share: float) -> float:
    return round(100 * float(share), 2)


def median(result: pd.DataFrame, norm: str = "Linf") -> str:
    """The median margin of the correctly classified images of an estimate, as it may be written:
    "12.00/255"; "> 12.00/255" where too many searches that ended there met no boundary; "–" where
    no image is correct."""
    value, kind = middle(result)
    said = show_length(value, norm) if value == value else EMPTY
    return f"> {said}" if kind == REACHED else said


def share_beyond(result: pd.DataFrame, level: float) -> float:
    """The share of all images in [0, 1] whose margin is larger than the level (smd.core.kinds).

    nan where one is undecided. A misclassified image has no such margin.
    """
    return np.nan if undecided(result, level).any() else float(beyond(result, level).mean())


@dataclass(frozen=True)
class Paired:
    """Two estimates on the images where both met a boundary."""

    n: int  # images
    medians: tuple[float, float]  # unit of x; nan if n is 0


def paired(one: pd.DataFrame, two: pd.DataFrame) -> Paired:
    """Two results of the same network and split (reader.estimate_results), compared on equal
    terms."""
    met = [result[result["kind"] == FOUND].set_index("idx")["margin"] for result in (one, two)]
    both = met[0].index.intersection(met[1].index)
    return Paired(len(both), (float(met[0][both].median()), float(met[1][both].median())))
