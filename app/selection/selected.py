"""The one selection that Map, Margins, Samples and Attacks share.

A run, a split and a set of its images.

It is made of filters in the sidebar, and all of it stands in the address: a link shows the same
images.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from smd.errors import UserError
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_level

from .. import data
from ..components import going_back
from . import image_query, sources
from .image_query import Question
from .sources import Source

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
        return (
            f"{self.total:,} {images}"
            if self.everything
            else f"{len(self.rows):,} of {self.total:,} {images}"
        )


def of(run: Run) -> Selection:
    """The selection as the sidebar says."""
    asked = question(run)
    total = len(data.read(reader.samples, run.store, asked.split))
    source = margins_of(run, asked.split)
    try:
        rows = data.read(image_query.answer, run.store, asked)
    except UserError as error:
        rest = data.read(image_query.answer, run.store, replace(asked, find=""))
        return Selection(run, asked, rest.iloc[:0], total, source, str(error))
    return Selection(run, asked, rows, total, source, "")


def question(run: Run) -> Question:
    """What the widgets of the sidebar ask for."""
    state = st.session_state
    split = state.get("split") or first_split(run)
    source = margins_of(run, split)
    classes = data.value(reader.class_names, run.store)
    find = next((key for key, title in image_query.FINDS.items() if title == state.get("find")), "")
    return Question(
        split=split,
        epoch=epoch(run) if source and not source.estimate else 0,
        estimate=source.estimate if source else "",
        labels=tuple(classes.index(name) for name in state.get("class", ()) if name in classes),
        span=_span(run) if source else None,
        find=find,
        between=between(run) if find in image_query.OVER_TIME else (0, 0),
        eps=(
            levels(run, split).get(str(state.get("level")), 0.0)
            if find in image_query.ATTACKED
            else 0.0
        ),
        region=_region(run, split),
        most=st.session_state.get("closest") or image_query.MOST,
    )


def margins_of(run: Run, split: str) -> Source | None:
    """Whose margins of that split's images count.

    Those shown on Margins, else the run's own, else the newest.

    In Linf: filters and colours are in 1/255, which no length in L2 is.
    """
    known = [
        source for source in sources.of(run) if source.split == split and source.norm == "Linf"
    ]
    return next((s for s in known if s.key == shown()), known[0] if known else None)


def shown() -> str | None:
    """The key of the margins chosen on Margins, which may stand in the address alone."""
    linked = st.query_params.get("show")
    return linked if going_back.went_back() else st.session_state.get("show") or linked


def epoch(run: Run) -> int:
    """The epoch whose margins are looked at; the last one as long as nobody moves the slider, 0
    without any."""
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
    return st.session_state.get("find") in {image_query.FINDS[key] for key in image_query.OVER_TIME}


def top(run: Run) -> float:
    """The end of the axis of margins, whole 1/255: beyond every margin of the run.

    The same for all splits: a slider with another end would be another one, which takes the old
    one's address.
    """
    largest = [
        (
            sources.results(s)["margin"]
            if s.estimate
            else data.read(reader.margin_summary, run.store)["max"]
        ).max()
        for s in sources.of(run)
    ]
    return float(np.floor(255 * np.nanmax(largest) + 1)) if np.isfinite(largest).any() else 0.0


def _span(run: Run) -> tuple[float, float] | None:
    chosen = st.session_state.get("range")
    if not chosen or tuple(chosen) == (0.0, top(run)):
        return None
    return float(chosen[0]), float(chosen[1])


def levels(run: Run, split: str) -> dict[str, float]:
    """The noise levels at which images of the split were attacked: as shown -> unit of x."""
    table = data.read(reader.attack_table, run.store)
    found = table[(table["eps"] > 0) & (table["split"] == split) & (table["norm"] == "Linf")]["eps"]
    return {show_level(eps): float(eps) for eps in sorted(found.unique())}


def _region(run: Run, split: str) -> image_query.Region | None:
    region = image_query.region(st.session_state.get("region") or "")
    maps = data.read(reader.embeddings, run.store)
    return region if region and region.map in set(maps[maps["split"] == split]["id"]) else None


def first_split(run: Run) -> str:
    """The images that are looked at first: those whose margins a link names, else the first with
    margins."""
    known = sources.of(run)
    linked = next(
        (source.split for source in known if source.key == shown() or source.title == shown()), None
    )
    return linked or (known[0].split if known else "train")


def ask(**filters: object) -> None:
    """For callbacks: set filters, by the keys of their widgets."""
    st.session_state.update(filters)


def clear(run: Run) -> None:
    """Back to all images of the split; brushes on charts are drawn anew, without their marks.

    Widgets get the values they begin with: without any they would take those that the address still
    has.
    """
    whole = (0.0, top(run))
    ask(
        **{
            "class": [],
            "find": None,
            "region": None,
            "brushes": st.session_state.get("brushes", 0) + 1,
        }
    )
    if "range" in st.session_state:
        ask(range=whole)


def brush_key(name: str) -> str:
    """The key of a chart that is brushed: a new one after `clear`, so that the old mark goes."""
    return f"{name}-{st.session_state.get('brushes', 0)}"
