"""The one selection that Map, Margins, Samples and Attacks share: a run, a split and a set of its images.

It is made of filters in the sidebar, and all of it stands in the address: a link shows the same images.
"""

from dataclasses import dataclass, replace

import data
import numpy as np
import pandas as pd
import picking
import sources
import streamlit as st
from picking import Question
from sources import Source

from smd import runs
from smd.errors import UserError
from smd.runs import Run
from smd.store import reader
from smd.units import show_level

SPLITS = {"train": "training images", "val": "validation images", "test": "test images"}


@dataclass(frozen=True, eq=False)
class Selection:
    """The images that are meant, and how it came to be these."""

    run: Run
    asked: Question
    rows: pd.DataFrame  # as from picking.answer
    total: int  # images of the split
    source: Source | None  # whose margins they are
    missing: str  # why the question has no answer, in a sentence; "" if it has one

    @property
    def everything(self) -> bool:
        """Whether nothing was left out."""
        asked = self.asked
        return not (asked.labels or asked.span or asked.find or asked.region)

    @property
    def title(self) -> str:
        """How many of which: "37 of 4,000 training images"."""
        images = SPLITS[self.asked.split]
        return f"{self.total:,} {images}" if self.everything else f"{len(self.rows):,} of {self.total:,} {images}"


def of(run: Run) -> Selection:
    """The selection as the sidebar says."""
    asked = question(run)
    total = len(data.read(reader.samples, run.store, asked.split))
    source = margins_of(run, asked.split)
    try:
        rows = data.read(picking.answer, run.store, asked)
    except UserError as error:
        rest = data.read(picking.answer, run.store, replace(asked, find=""))
        return Selection(run, asked, rest.iloc[:0], total, source, str(error))
    return Selection(run, asked, rows, total, source, "")


def question(run: Run) -> Question:
    """What the widgets of the sidebar ask for."""
    state = st.session_state
    split = state.get("split") or _first_split(run)
    source = margins_of(run, split)
    classes = data.value(reader.class_names, run.store)
    find = next((key for key, title in picking.FINDS.items() if title == state.get("find")), "")
    return Question(
        split=split,
        epoch=epoch(run) if source and not source.estimate else 0,
        estimate=source.estimate if source else "",
        labels=tuple(classes.index(name) for name in state.get("class", ()) if name in classes),
        span=_span(run, split) if source else None,
        find=find,
        between=between(run) if find in picking.OVER_TIME else (0, 0),
        eps=levels(run, split).get(str(state.get("level")), 0.0) if find in picking.ATTACKED else 0.0,
        region=_region(run, split),
    )


def margins_of(run: Run, split: str) -> Source | None:
    """Whose margins of that split's images count: those shown on Margins, else the run's own, else the newest."""
    known = [source for source in sources.of(run) if source.split == split]
    return next((s for s in known if s.key == shown()), next((s for s in known if s.norm == "Linf"), None))


def shown() -> str | None:
    """The key of the margins chosen on Margins, which may stand in the address alone."""
    return st.session_state.get("show") or st.query_params.get("show")


def epoch(run: Run) -> int:
    """The epoch whose margins are looked at; the last one as long as nobody moves the slider, 0 without any."""
    stored = data.read(reader.margin_summary, run.store)["epoch"]
    if stored.empty:
        return 0
    asked = st.session_state.get("epoch")
    within = stored[stored <= asked] if asked else stored
    return int(within.max() if len(within) else stored.min())


def between(run: Run) -> tuple[int, int]:
    """Two epochs to compare; the first and the last as long as nobody moves the slider."""
    stored = data.read(reader.margin_summary, run.store)["epoch"]
    if stored.empty:
        return 0, 0
    low, high = int(stored.min()), int(stored.max())
    start, end = st.session_state.get("between") or (low, high)
    return max(low, min(start, high)), min(high, max(end, low))


def asks_epochs() -> bool:
    """Whether the sidebar asks for two epochs."""
    return st.session_state.get("find") in {picking.FINDS[key] for key in picking.OVER_TIME}


def top(run: Run, split: str) -> float:
    """The end of the axis of margins, whole 1/255: beyond every margin of the split."""
    source = margins_of(run, split)
    if not source:
        return 0.0
    largest = (
        sources.results(source)["margin"] if source.estimate else data.read(reader.margin_summary, run.store)["max"]
    )
    return float(np.floor(255 * float(largest.max()) + 1)) if len(largest) else 0.0


def _span(run: Run, split: str) -> tuple[float, float] | None:
    chosen = st.session_state.get("range")
    if not chosen or tuple(chosen) == (0.0, top(run, split)):
        return None
    return float(chosen[0]), float(chosen[1])


def levels(run: Run, split: str) -> dict[str, float]:
    """The noise levels at which images of the split were attacked: as shown -> unit of x."""
    table = data.read(reader.attack_table, run.store)
    found = table[(table["eps"] > 0) & (table["split"] == split) & (table["norm"] == "Linf")]["eps"]
    return {show_level(eps): float(eps) for eps in sorted(found.unique())}


def _region(run: Run, split: str) -> picking.Region | None:
    region = picking.region(st.session_state.get("region") or "")
    maps = data.read(reader.embeddings, run.store)
    return region if region and region.map in set(maps[maps["split"] == split]["id"]) else None


def _first_split(run: Run) -> str:
    known = sources.of(run)
    linked = next((source.split for source in known if source.key == shown() or source.title == shown()), None)
    return linked or (known[0].split if known else "train")


def ask(**filters: object) -> None:
    """For callbacks: set filters, by the keys of their widgets."""
    st.session_state.update(filters)


def clear(run: Run) -> None:
    """Back to all images of the split; brushes on charts are drawn anew, without their marks.

    Widgets get the values they begin with: without any they would take those that the address still has.
    """
    whole = (0.0, top(run, st.session_state["split"]))
    ask(**{"class": [], "find": None, "region": None, "brushes": st.session_state.get("brushes", 0) + 1})
    if "range" in st.session_state:
        ask(range=whole)


def brush_key(name: str) -> str:
    """The key of a chart that is brushed: a new one after `clear`, so that the old mark goes."""
    return f"{name}-{st.session_state.get('brushes', 0)}"


def sidebar() -> None:
    """The filters for the chosen run; none where it has no images yet, or cannot be read: the page says why."""
    run = next((run for run in runs.all_runs() if run.id == st.session_state.get("run")), None)
    try:
        if run and run.config and data.value(reader.class_names, run.store):
            panel(run)
    except UserError:
        pass


def panel(run: Run) -> None:
    """The filters of a run's images."""
    _keep_region()
    _splits(run)
    split = st.session_state["split"]
    classes = data.value(reader.class_names, run.store)
    _forget_unknown("class", lambda names: set(names) <= set(classes))
    st.multiselect("Class", classes, key="class", bind="query-params", placeholder="all classes")
    source = margins_of(run, split)
    if source and not source.estimate:
        _epoch_slider(run)
    if source:
        _range_slider(run, split)
    _finds(run, split, bool(source))
    _summary(run)


def _keep_region() -> None:
    """The region has no widget of its own: it is kept in the address by hand."""
    if "region" not in st.session_state and "region" in st.query_params:
        st.session_state["region"] = st.query_params["region"]
    if region := st.session_state.get("region"):
        st.query_params["region"] = region
    elif "region" in st.query_params:
        del st.query_params["region"]


def _splits(run: Run) -> None:
    if st.session_state.get("split") not in SPLITS and st.query_params.get("split") not in SPLITS:
        st.session_state["split"] = _first_split(run)
    st.segmented_control("Images", list(SPLITS), required=True, key="split", bind="query-params", width="stretch")


def _epoch_slider(run: Run) -> None:
    stored = data.read(reader.margin_summary, run.store)["epoch"]
    first, last = int(stored.min()), int(stored.max())
    if first == last:
        return
    _forget_unknown("epoch", lambda value: first <= value <= last)
    st.slider("Margins after epoch", first, last, last, key="epoch", bind="query-params")


def _range_slider(run: Run, split: str) -> None:
    end = top(run, split)
    if not end:
        return
    _forget_unknown("range", lambda ends: 0 <= ends[0] <= ends[1] <= end)
    st.slider(
        "Margin (1/255)", 0.0, end, (0.0, end), 0.1, format="%.1f", key="range", bind="query-params",
        help="Or draw a range in the histogram on Margins.",
    )  # fmt: skip


def _finds(run: Run, split: str, margins: bool) -> None:
    grown = split == "train" and margins and len(data.read(reader.margin_summary, run.store)) > 1
    offered = [title for key, title in picking.FINDS.items() if grown or key not in picking.OVER_TIME]
    _forget_unknown("find", lambda title: title in offered)
    st.pills("Find", offered, key="find", bind="query-params", help="One click; click again to have all images back.")
    find = st.session_state.get("find")
    if asks_epochs():
        low, high = (int(end) for end in data.read(reader.margin_summary, run.store)["epoch"].agg(["min", "max"]))
        _forget_unknown("between", lambda ends: low <= ends[0] <= ends[1] <= high)
        st.slider("Between epochs", low, high, (low, high), key="between", bind="query-params")
    if find in {picking.FINDS[key] for key in picking.ATTACKED} and (known := list(levels(run, split))):
        _forget_unknown("level", lambda level: level in known)
        st.selectbox("Noise level", known, len(known) - 1, key="level", bind="query-params")


def _forget_unknown(key: str, known) -> None:  # type: ignore[no-untyped-def]
    """A value that this run does not have, left by another run, would stop the widget."""
    if st.session_state.get(key) is not None and not known(st.session_state[key]):
        del st.session_state[key]


def _summary(run: Run) -> None:
    chosen = of(run)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{chosen.title}**", width="content")
        if not chosen.everything:
            st.button(
                "Show all",
                on_click=clear,
                args=(run,),
                type="tertiary",
                icon=":material/filter_alt_off:",
                key="clear-selection",
            )
    if chosen.asked.region:
        st.caption(":material/gesture: Drawn around on the map.")
