"""The margins of images at two times, between two epochs of a run or between two runs; knows no
Streamlit."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from smd.core.kinds import MISCLASSIFIED
from smd.runs.folders import Run
from smd.store import reader

from .. import data

CELLS = 24  # of the heat map, along each axis


class Flow(NamedTuple):
    """Images at two times, and those that cannot be compared."""

    # correct both times: idx, label, source, before, after (unit of x), kind (after)
    rows: pd.DataFrame
    wrong: tuple[int, int, int]  # images misclassified before only, after only, both times
    single: int = 0  # training images that only one of two runs has
    broken: int = 0  # images whose margin is no number
    undrawn: int = 0  # images of which one of the two epochs drew none


def left_out(flow: Flow) -> str:
    """Which images are compared, and how many are not and why."""
    before, after, both = flow.wrong
    total = len(flow.rows) + sum(flow.wrong) + flow.broken + flow.undrawn
    said = (
        f"{len(flow.rows):,} of {total:,} training images are compared, found and reached margins"
        " together."
    )
    if sum(flow.wrong):
        said += (
            f" {sum(flow.wrong):,} are left out, as a misclassified image has no margin: {before:,}"
            f" misclassified before, {after:,} after, {both:,} both times."
        )
    if flow.undrawn:
        said += f" {flow.undrawn:,} are left out, as one of the two epochs did not draw them."
    said += f" {flow.broken:,} have a margin that is no number." if flow.broken else ""
    return said + (
        f" {flow.single:,} further images are in one of the two runs only." if flow.single else ""
    )


def between_epochs(run: Run, start: int, end: int) -> Flow:
    """One run's images after two epochs."""
    before, after = (data.read(reader.margins, run.store, epoch) for epoch in (start, end))
    rows = data.read(reader.flow, run.store, start, end).merge(after[["idx", "kind"]], on="idx")
    both = before.merge(after, on="idx", suffixes=("_before", "_after"))
    wrong = misclassified(both)
    broken = len(both) - len(rows) - sum(wrong)
    n = len(data.read(reader.samples, run.store, "train"))
    return Flow(rows, wrong, broken=broken, undrawn=n - len(both))


def between_runs(before: Run, after: Run) -> Flow:
    """The training images that both runs have, by what they are, after the last epochs; ids as in
    `after`."""
    parts, images = [], []
    for run in (before, after):
        last = int(data.read(reader.margin_summary, run.store)["epoch"].max())
        margins = data.read(reader.margins, run.store, last)[["idx", "label", "margin", "kind"]]
        images.append(data.read(reader.samples, run.store, "train")[["idx", "source"]])
        parts.append(margins.merge(images[-1], on="idx"))
    one, other = (data.value(reader.meta, run.store) for run in (before, after))
    alike = any(one.get(key) and one.get(key) == other.get(key) for key in ("images", "content"))
    old = parts[0].rename(columns={"margin": "before", "kind": "kind_before"})[
        ["source", "before", "kind_before"]
    ]
    if not alike:
        old = old.iloc[:0]
    pairs = (
        parts[1].rename(columns={"margin": "after", "kind": "kind_after"}).merge(old, on="source")
    )
    right = (pairs[["kind_before", "kind_after"]] != MISCLASSIFIED).all(axis=1)
    rows = pairs[right & np.isfinite(pairs[["before", "after"]].to_numpy(float)).all(axis=1)]
    shared = int(images[1]["source"].isin(images[0]["source"]).sum()) if alike else 0
    single, broken = sum(map(len, images)) - 2 * shared, int(right.sum()) - len(rows)
    rows = rows.rename(columns={"kind_after": "kind"})
    return Flow(rows, misclassified(pairs), single, broken, shared - len(pairs))


def misclassified(pairs: pd.DataFrame) -> tuple[int, int, int]:
    """How many images are misclassified before only, after only and both times; pairs: kind_before,
    kind_after."""
    before, after = (pairs[f"kind_{when}"] == MISCLASSIFIED for when in ("before", "after"))
    return int((before & ~after).sum()), int((after & ~before).sum()), int((before & after).sum())


def cells(rows: pd.DataFrame) -> pd.DataFrame:
    """Counts of images by their margin before and after: x, y (lower ends, 1/255), width, n."""
    before, after = (255 * rows[name].to_numpy(float) for name in ("before", "after"))
    width = max(1.0, float(np.ceil(max(before.max(), after.max()) / CELLS)))
    places = pd.DataFrame(
        {"x": width * np.floor(before / width), "y": width * np.floor(after / width)}
    )
    return places.value_counts().rename("n").reset_index().assign(width=width)


def per_class(rows: pd.DataFrame) -> pd.DataFrame:
    """The changes of each class in 1/255, the one that gained least first: class, n, q25, q50,
    q75."""
    groups = rows.groupby("class")["change_255"]
    table = pd.DataFrame(
        {"n": groups.size(), **{f"q{k}": groups.quantile(k / 100) for k in (25, 50, 75)}}
    )
    return table.sort_values("q50").reset_index()
