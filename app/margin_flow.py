"""Margin flow: how each image's margin has changed between two epochs of a run, or between two runs."""

import class_margins
import data
import gallery
import margin_charts
import numpy as np
import pandas as pd
import selection
import sources
import streamlit as st
import ui

from smd import runs
from smd.runs import Run
from smd.store import reader

CELLS = 24  # of the heat map, along each axis
FEW = 24  # images named on either side


def section(run: Run) -> None:
    """Choose what to compare with, and see who has grown and who has shrunk."""
    other = choose_other(run)
    if other:
        rows = between_runs(other, run)
        names = f"margin in {ui.name(other.id)}", f"margin in {ui.name(run.id)}"
        st.subheader(f"From {ui.name(other.id)} to {ui.name(run.id)}, both after their last epoch")
    else:
        start, end = choose_epochs(run)
        if start == end:
            st.info("Flow appears when two epochs are done.", icon=":material/hourglass_top:")
            return
        rows = data.read(reader.flow, run.store, start, end)
        names = f"margin after epoch {start}", f"margin after epoch {end}"
        st.subheader(f"From epoch {start} to epoch {end}")
    if rows.empty:
        st.info("The two runs share no training image.", icon=":material/info:")
        return
    show(run, rows, names)


def choose_other(run: Run) -> Run | None:
    """Another run with margins of its own, on the same images."""
    alike = {r.id: r for r in runs.all_runs() if r.id != run.id and _alike(r, run)}
    asked = st.query_params.get("flow-from")
    if st.session_state.get("flow-from") not in alike:
        st.session_state["flow-from"] = next((i for i in alike if asked in (i, ui.name(i))), None)
    if not alike:
        return None
    chosen = st.selectbox(
        "From", list(alike), index=None, key="flow-from", bind="query-params", format_func=ui.name, width=320,
        placeholder="an epoch of this run", help="Or another run on the same images, after its last epoch.",
    )  # fmt: skip
    return alike.get(chosen) if chosen else None


def _alike(one: Run, two: Run) -> bool:
    kept = [source for source in sources.of_another(one) if not source.estimate]
    return bool(kept) and (one.config.data, one.config.data_path) == (two.config.data, two.config.data_path)


def choose_epochs(run: Run) -> tuple[int, int]:
    """Two epochs; the slider is the one that the selection's questions about change have."""
    stored = data.read(reader.margin_summary, run.store)["epoch"]
    low, high = int(stored.min()), int(stored.max())
    if low == high:
        return low, high
    if not selection.asks_epochs():  # else the slider stands in the sidebar
        st.slider("Between epochs", low, high, (low, high), key="between", bind="query-params")
    return selection.between(run)


def between_runs(before: Run, after: Run) -> pd.DataFrame:
    """The training images that both runs have, by what they are: columns as reader.flow, ids as in `after`."""
    parts = []
    for run in (before, after):
        last = int(data.read(reader.margin_summary, run.store)["epoch"].max())
        margins = data.read(reader.margins, run.store, last)[["idx", "label", "margin"]]
        parts.append(margins.merge(data.read(reader.samples, run.store, "train")[["idx", "source"]], on="idx"))
    keys = [data.value(reader.meta, run.store).get("images") for run in (before, after)]
    if keys[0] != keys[1]:
        return pd.DataFrame(columns=["idx", "label", "source", "before", "after"])
    old = parts[0].rename(columns={"margin": "before"})[["source", "before"]]
    return parts[1].rename(columns={"margin": "after"}).merge(old, on="source")


def show(run: Run, rows: pd.DataFrame, names: tuple[str, str]) -> None:
    """The flow of all images, then class by class, then image by image."""
    rows = rows.assign(change_255=255 * (rows["after"] - rows["before"]), margin_255=255 * rows["after"])
    rows = class_margins.named(rows, data.value(reader.class_names, run.store))
    grew, shrank = (100 * float((sign * rows["change_255"] > 1e-3).mean()) for sign in (1, -1))
    median = float(rows["change_255"].median())
    ui.metrics([
        ("grew", f"{grew:.1f} %", "Images whose margin is larger than before."),
        ("shrank", f"{shrank:.1f} %", "Images whose margin is smaller than before."),
        ("median change", f"{median:+.1f}/255", "Half of the images gained more than this."),
    ])  # fmt: skip
    finding = f"{grew:.1f} % of the margins grew, {shrank:.1f} % shrank, the median by {median:+.1f}/255"
    grid = ui.pair()
    with grid.cell():
        st.markdown("**All images: above the dashed line the margin grew**")
        st.altair_chart(margin_charts.flow(cells(rows), *names), key="flow", alt=f"{finding}.")
    with grid.cell():
        summary = per_class(rows)
        st.markdown("**Class by class: median and middle half of the changes**")
        most = summary.iloc[0]
        st.altair_chart(
            margin_charts.changes(summary, list(summary["class"])), key="changes",
            alt=f"{most['class']} lost most or gained least: {most['q50']:+.1f}/255 in the median.",
        )  # fmt: skip
        ui.downloads(summary, f"{ui.name(run.id)}-flow-classes")
    order = ["change_255", "idx"]
    for title, part in (
        ("Biggest growers", rows.sort_values(order, ascending=[False, True])),
        ("Biggest shrinkers", rows.sort_values(order)),
    ):
        st.subheader(title)
        gallery.show(run, part.head(FEW), "train", title.split()[1])


def cells(rows: pd.DataFrame) -> pd.DataFrame:
    """Counts of images by their margin before and after: x, y (lower ends, 1/255), width, n."""
    before, after = (255 * rows[name].to_numpy(float) for name in ("before", "after"))
    width = max(1.0, float(np.ceil(max(before.max(), after.max()) / CELLS)))
    found = pd.DataFrame({"x": width * np.floor(before / width), "y": width * np.floor(after / width)})
    return found.value_counts().rename("n").reset_index().assign(width=width)


def per_class(rows: pd.DataFrame) -> pd.DataFrame:
    """The changes of each class in 1/255, the one that gained least first: class, n, q25, q50, q75."""
    groups = rows.groupby("class")["change_255"]
    table = pd.DataFrame({"n": groups.size(), **{f"q{k}": groups.quantile(k / 100) for k in (25, 50, 75)}})
    return table.sort_values("q50").reset_index()
