"""The "Your images" section of the Train page: counts, examples, what will be done and what to
beware of."""

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from smd import registry
from smd.config.schema import TrainConfig
from smd.data import Images, cautions, filenames, leaks
from smd.data.split import Splits, carve
from smd.errors import UserError

from ..charts import style
from ..components import layout, pictures, tables
from ..components.plain import listed, plain
from ..server import login
from . import own_facts, own_import

EXAMPLES = 4  # images of a class
CLASSES = 6  # shown at once
# bytes of pixels; a page does not wait for more, the training's log tells
MOST_COMPARED = 4 * 2**30
CHARTED = 20  # classes; more are a table alone
PARTS = ("training", "validation", "test")
SHADES = (style.LEVELS[1], style.LEVELS[0], style.LEVELS[2])
PATIENTS = (
    "Several images of one patient must not be in both training and test: without a table that"
    " tells them SMD Studio does not know patients. Give one, or lay out train/ and test/ yourself,"
    " with each patient in one of them."
)


@dataclass(frozen=True, eq=False)
class Review:
    """What is counted of a set of images, once."""

    splits: Splits
    counts: pd.DataFrame
    cautions: list[str]
    audit: leaks.Audit


def section(config: TrainConfig) -> None:
    """Show the images that the form points at; nothing is trained, and imported only when asked
    for."""
    with st.container(border=True):
        st.header("Your images")
        if not config.data_path:
            st.caption(
                "Enter the path of a folder or an archive above: its classes and images are shown"
                " here."
            )
            return
        try:
            # first: what others had looked at is kept for a while
            login.check_path(config.data_path)
            if config.labels:
                login.check_path(config.labels)
            images = own_import.looked(config)
            which = (config.seed, config.folds, max(config.fold, min(config.folds, 1)))
            review = _review(images.key, which, images) if images else None
        except UserError as error:
            st.error(plain(error), icon=":material/error:")
            return
        if images and review:
            _show(config, images, review)


@st.cache_resource(max_entries=8, show_spinner="Counting")
def _review(key: str, which: tuple[int, int, int], _images: Images) -> Review:
    """which: the seed, the number of folds and the fold."""
    seed, folds, fold = which
    splits = carve(_images, seed, folds=folds, fold=fold)
    quick = _images.pixels.nbytes <= MOST_COMPARED
    twins, constant = (
        (cautions.twins(_images, splits), cautions.constant(_images)) if quick else ([], [])
    )
    names = filenames.read(key, len(_images.labels))
    table = cautions.counts(_images, splits)
    audit = leaks.audit(_images, splits, quick)
    found = cautions.sentences(table, twins, constant, names) + leaks.sentences(audit, names)
    return Review(splits, table, [*_images.cautions, *found], audit)


def _show(config: TrainConfig, images: Images, review: Review) -> None:
    if problem := registry.shape_problem(registry.find_network(config.net), images.shape):
        st.error(plain(problem), icon=":material/error:")
    try:
        leaks.refuse_shared(images, review.splits, config.allow_leaks)
    except UserError as error:
        st.error(plain(error), icon=":material/error:")
    if images.notes:
        st.info(listed(images.notes), icon=":material/info:")
    if review.cautions:
        st.warning(listed(review.cautions), icon=":material/warning:")
    if config.folds and not config.fold:
        st.caption(f"Shown and counted is the first of {config.folds} folds.")
    grid = layout.pair()
    with grid.cell():
        st.markdown("**What will be done**")
        st.markdown(
            "\n".join(f"- {text}" for text in own_facts.plan(config, images, review.splits))
        )
        st.caption(" ".join(leaks.notes(review.audit)) if images.facts.patients else PATIENTS)
    with grid.cell():
        _counts(review.counts)
    _examples(images, review.splits)


def _counts(table: pd.DataFrame) -> None:
    """How many images each class has."""
    st.markdown("**Images of each class**")
    total, smallest = int(table["all"].sum()), table.loc[[table["all"].idxmin()]].iloc[0]
    finding = (
        f"{total:,} images of {len(table)} classes; the smallest, {smallest['class']}, has"
        f" {smallest['all']:,}."
    )
    if len(table) <= CHARTED:
        st.altair_chart(_bars(table), alt=finding)
    tables.show(
        own_facts.with_total(table),
        key="own-counts",
        alt=finding,
        height="content" if len(table) < CLASSES * 2 else 420,
    )
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
                "split:N",
                sort=list(PARTS),
                scale=alt.Scale(domain=list(PARTS), range=list(SHADES)),
                legend=style.ON_TOP,
            ),
            order="order:Q",
            tooltip=["class:N", "split:N", "images:Q"],
        )
    )


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
                _tiles(
                    images,
                    name,
                    rows[np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows)), dtype=int)],
                )
    if pages > 1:
        st.pagination(pages, key="own-page")


def _tiles(images: Images, name: str, rows: np.ndarray) -> None:
    with st.container(horizontal=True, gap="small"):
        for row in rows:
            st.image(
                pictures.link(pictures.flat(images.pixels[row]), 64),
                width=64,
                alt=f"{name}, training image",
            )
