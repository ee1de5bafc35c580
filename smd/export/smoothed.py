"""Certificates of smoothed networks as a table of their own: they say nothing of the networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from smd.core.kinds import ABSTAINED, SMOOTHED, WRONG
from smd.export.estimates import CHOSEN
from smd.export.percent import interval
from smd.export.titles import estimate_title
from smd.frames import tuples
from smd.units import show_level

SAID = (
    "Of the smoothed network, which answers with the class that this one gives most often under"
    " Gaussian noise (σ), and not of this network itself, whose own boundary may be nearer. Each"
    " certificate holds with a probability of at least 1 − α, 0.999 unless the estimate was told"
    " otherwise."
)


def smoothed_table(
    estimates: pd.DataFrame,  # reader.smoothed, or some of its rows
    results: Mapping[str, pd.DataFrame],  # id -> reader.estimate_results
    lengths: Sequence[float],  # L2 levels
) -> pd.DataFrame:
    """A row an estimate; all shares are of all its images, each with its 95 % interval beside it.

    "radius ≥ 0.5 (%)": the smoothed network's certified accuracy at L2 noise of 0.5. The median is
    over the images that are certified.
    """
    rows = [_row(each, results[each.id], lengths) for each in tuples(estimates)]
    return pd.DataFrame(rows)


def _row(about: Any, result: pd.DataFrame, lengths: Sequence[float]) -> dict[str, object]:
    kind, radius = result["kind"], result["margin"]
    certified = kind == SMOOTHED
    shares = {f"{name} (%)": kind == kept for name, kept in NAMED.items()}
    shares |= {f"radius ≥ {show_level(e, 'L2')} (%)": certified & (radius >= e) for e in lengths}
    n = len(result)
    cells: dict[str, object] = {}
    for name, which in shares.items():
        share = float(which.mean())
        cells |= {name: round(100 * share, 2), f"{name[:-4]}: 95 %": interval(share, n)}
    return {
        "method": estimate_title(about.method, about.eps, about.norm, about.weights)
        + CHOSEN * bool(about.picked),
        "split": about.split,
        "n": n,
        **cells,
        "median radius": round(float(radius[certified].median()), 3) if any(certified) else np.nan,
    }


NAMED = {"certified": SMOOTHED, "abstained": ABSTAINED, "wrong": WRONG}
