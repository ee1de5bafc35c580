"""The "Your images" section of the Train page: counts, examples, what will be done and what to beware of."""

from dataclasses import dataclass

import acts
import altair as alt
import charts
import login
import numpy as np
import own_facts
import own_sizes
import pandas as pd
import pictures
import streamlit as st
import ui
from plain import plain
from streamlit.delta_generator import DeltaGenerator

from smd import data as sets
from smd import registry
from smd.config import TrainConfig
from smd.data import Images, cautions, filenames
from smd.data.split import Splits, carve
from smd.errors import UserError

EXAMPLES = 4  # images of a class
CLASSES = 6  # shown at once
MOST_COMPARED = 4 * 2**30  # bytes of pixels; a page does not wait for more, the training's log tells
CHARTED = 20  # classes; more are a table alone
PARTS = ("training", "validation", "test")
SHADES = (charts.LEVELS[1], charts.LEVELS[0], charts.LEVELS[2])
PATIENTS = (
    "Several images of one patient must not be in both training and test: SMD Studio does not know patients. "
    "Lay out train/ and test/ yourself, with each patient in one of them."
)


class _NotImported(Exception):
    """An import would have begun."""


@dataclass(frozen=True, eq=False)
class Review:
    """What is counted of a set of images, once."""

    splits: Splits
    counts: pd.DataFrame
    cautions: list[str]


def section(asked: TrainConfig) -> None:
    """Show the images that the form points at; nothing is trained, and imported only when asked for."""
    with st.container(border=True):
        st.subheader("Your images")
        if not asked.data_path:
            st.caption("Enter the path of a folder or an archive above: its classes and images are shown here.")
            return
        try:
            login.check_path(asked.data_path)  # first: what others had looked at is kept for a while
            images = _looked(asked)
            review = _review(images.key, asked.seed, images) if images else None
        except UserError as error:
            st.error(plain(error), icon=":material/error:")
            return
        if images and review:
            _show(asked, images, review)


def _looked(asked: TrainConfig) -> Images | None:
    """The imported images, if they are there or have just been asked for."""
    path, size = asked.data_path, asked.image_size
    images = sets.cached(_known(path, size))
    if images is None:
        found = own_sizes.survey(path)
        st.caption(_sizes(found, size))
        if not acts.button("Look at the images", key="look", icon=":material/visibility:"):
            return None
        _import(path, size)
        st.rerun()
    return images


@st.cache_data(max_entries=32, ttl=30, show_spinner=False)
def _known(path: str, size: int) -> str:
    """The key of these images in the cache; "" if they are not there. Raises UserError if the path is wrong."""

    def stop(text: str, fraction: float) -> None:
        raise _NotImported

    try:
        return acts.own_images(path, size, stop).key
    except _NotImported:  # an import tells that it begins before it reads anything
        return ""


def _import(path: str, size: int) -> None:
    bar = st.progress(0.0, "Reading the images")
    try:
        acts.own_images(path, size, lambda text, part: _tell(bar, text, part))
    finally:
        bar.empty()
        _known.clear()


def _tell(bar: DeltaGenerator, text: str, part: float) -> None:
    bar.progress(min(max(part, 0.0), 1.0), text)


def _sizes(found: own_sizes.Survey, size: int) -> str:
    """What the headers told, and what follows."""
    if not found.images:
        return "The images are read once; training then uses what was read."
    (width, height), _ = next(iter(found.sizes.items()))
    seen = f"{found.images:,} images" if found.whole else f"The first {found.images:,} images"
    alike = f"{width}x{height} pixels each" if len(found.sizes) == 1 else f"of {len(found.sizes)} sizes"
    if len(found.sizes) > 1 and not size:
        return f"{seen}, {alike}: set a size above, such as {own_sizes.MIXED}, to resize all of them."
    then = f"resized to {size}x{size}" if size else "used as they are"
    return f"{seen}, {alike}; they will be {then}. They are read once; training then uses what was read."


@st.cache_resource(max_entries=8, show_spinner="Counting")
def _review(key: str, seed: int, _images: Images) -> Review:
    splits = carve(_images, seed)
    quick = _images.pixels.nbytes <= MOST_COMPARED
    twins, constant = (cautions.twins(_images, splits), cautions.constant(_images)) if quick else ([], [])
    names = filenames.read(key, len(_images.labels))
    table = cautions.counts(_images, splits)
    return Review(splits, table, cautions.sentences(table, twins, constant, names))


def _show(asked: TrainConfig, images: Images, review: Review) -> None:
    if problem := registry.shape_problem(registry.NETWORKS[asked.net], images.shape):
        st.error(plain(problem), icon=":material/error:")
    for text in images.notes:
        st.info(plain(text), icon=":material/info:")
    for text in review.cautions:
        st.warning(plain(text), icon=":material/warning:")
    grid = ui.pair()
    with grid.cell():
        st.markdown("**What will be done**")
        st.markdown("\n".join(f"- {text}" for text in own_facts.plan(asked, images, review.splits)))
        st.caption(PATIENTS)
    with grid.cell():
        _counts(review.counts)
    _examples(images, review.splits)


def _counts(table: pd.DataFrame) -> None:
    """How many images each class has."""
    st.markdown("**Images of each class**")
    total, smallest = int(table["all"].sum()), table.loc[table["all"].idxmin()]
    finding = f"{total:,} images of {len(table)} classes; the smallest, {smallest['class']}, has {smallest['all']:,}."
    if len(table) <= CHARTED:
        st.altair_chart(_bars(table), alt=finding)
    ui.table(
        own_facts.with_total(table), key="own-counts", alt=finding,
        height="content" if len(table) < CLASSES * 2 else 420,
    )  # fmt: skip
    st.caption(plain(finding))


def _bars(table: pd.DataFrame) -> alt.Chart:
    """One bar a class, its parts are the splits."""
    rows = table.melt("class", list(PARTS), "split", "images")
    rows["order"] = rows["split"].map({name: place for place, name in enumerate(PARTS)})
    return (
        alt.Chart(rows, height=alt.Step(22))
        .mark_bar()
        .encode(
            alt.X("images:Q", title="images"),
            alt.Y("class:N", title=None, sort=None),
            alt.Color(
                "split:N", sort=list(PARTS), scale=alt.Scale(domain=list(PARTS), range=list(SHADES)),
                legend=charts.ON_TOP,
            ),
            order="order:Q",
            tooltip=["class:N", "split:N", "images:Q"],
        )
    )  # fmt: skip


def _examples(images: Images, splits: Splits) -> None:
    """A few training images of each class, the middle slice of volumes."""
    pages = -(-len(images.classes) // CLASSES)
    first = CLASSES * (min(st.session_state.get("own-page") or 1, pages) - 1)
    what = "the middle slice of a few volumes" if images.pixels.ndim == 5 else "a few images"
    st.markdown(f"**Examples**: {what} of each class, as the network will see them")
    with st.grid(columns="auto", min_column_width=300, gap="small"):
        for label, name in list(enumerate(images.classes))[first : first + CLASSES]:
            rows = splits.train[images.labels[splits.train] == label]
            with st.container(gap=None):
                st.caption(plain(name))
                _tiles(images, name, rows[np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows)), dtype=int)])
    if pages > 1:
        st.pagination(pages, key="own-page")


def _tiles(images: Images, name: str, rows: np.ndarray) -> None:
    with st.container(horizontal=True, gap="small"):
        for row in rows:
            st.image(pictures.link(pictures.flat(images.pixels[row]), 64), width=64, alt=f"{name}, training image")
