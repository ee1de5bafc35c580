"""Estimated margins as tables: what each estimation found, and two of them on the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from smd.core.kinds import FOUND, beyond, undecided
from smd.export.titles import estimate_title
from smd.units import show_level


def estimate_table(
    estimates: pd.DataFrame,  # reader.estimates, or some of its rows
    results: Mapping[str, pd.DataFrame],  # id -> reader.estimate_results
    levels: Sequence[float],  # noise levels in [0, 1]
) -> pd.DataFrame:
    """A row an estimation.

    Method, split, n, clean (%), median (1/255), one column a level, no boundary (%).

    The levels are of Linf. Of L2 margins the median is a length, "median (L2)", and no level is
    theirs.

    The median is over correctly classified images; where no boundary was met, a margin counts as
    how far the search came. "beyond 8/255 (%)" is share_beyond, of all images, so that it compares
    with a robust accuracy.
    """
    rows = [_row(about, results[about.id], levels) for about in estimates.itertuples()]
    norms = [norm for norm in MEDIAN if norm in set(estimates["norm"])]
    names = ["method", "split", "n", "clean (%)", *(MEDIAN[norm] for norm in norms)]
    names += [_beyond(level) for level in levels] if "Linf" in norms else []
    return pd.DataFrame(rows, columns=[*names, "no boundary (%)"] if rows else ["method"])


MEDIAN = {"Linf": "median (1/255)", "L2": "median (L2)"}


def _beyond(level: float) -> str:
    return f"beyond {show_level(level)} (%)"


def _row(
    about: "pd.core.frame._PandasNamedTuple", found: pd.DataFrame, levels: Sequence[float]
) -> dict[str, object]:
    return {
        "method": estimate_title(about.method, about.eps, about.norm),
        "split": about.split,
        "n": len(found),
        "clean (%)": _percent(found["clean_ok"].mean()),
        MEDIAN[str(about.norm)]: round(
            median(found) * (1 if about.norm == "L2" else 255), 3 if about.norm == "L2" else 2
        ),
        **(
            {_beyond(e): _percent(share_beyond(found, e)) for e in levels}
            if about.norm == "Linf"
            else {}
        ),
        "no boundary (%)": _percent((~found["crossed"]).mean()),
    }


def _percent(share: float) -> float:
    return round(100 * float(share), 2)


def median(found: pd.DataFrame) -> float:
    """The median margin of the correctly classified images, unit of x; nan if there are none."""
    return float(found.loc[found["clean_ok"], "margin"].median())


def share_beyond(found: pd.DataFrame, level: float) -> float:
    """The share of all images in [0, 1] that are beyond the level (smd.core.kinds).

    Nan where one is undecided.

    A misclassified image is not beyond.
    """
    return np.nan if undecided(found, level).any() else float(beyond(found, level).mean())


@dataclass(frozen=True)
class Paired:
    """Two estimations on the images where both met a boundary."""

    n: int  # images
    medians: tuple[float, float]  # unit of x; nan if n is 0


def paired(one: pd.DataFrame, two: pd.DataFrame) -> Paired:
    """Two results of the same network and split, compared on equal terms; each is
    reader.estimate_results."""
    met = [found[found["kind"] == FOUND].set_index("idx")["margin"] for found in (one, two)]
    both = met[0].index.intersection(met[1].index)
    return Paired(len(both), (float(met[0][both].median()), float(met[1][both].median())))
