"""Embedding: the images as the network sees them, near each other where its features are alike
(UMAP)."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from smd.frames import tuples
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_level

from .. import data
from ..charts import embedding as chart
from ..components import gallery, image_tiles, layout, standing
from ..components.plain import class_name, plain
from ..forms import embedding as form
from ..sections import embedding_around, image_sets
from ..sections import embedding_colours as colours
from ..selection import region, selected, state
from ..selection.selected import Selection

MOST_LINES = 300  # more hide what they join
CLICKED = "clicked-map"  # in the session: a point was, its image is to be opened
MOST_PICTURES = 2000  # that are sent along, for where the mouse rests
HOW_TO_READ = (
    "Click a point to open its image, scroll to zoom, drag to move; take the lasso or the rectangle"
    " at the top right to select. Directions and distances between far groups mean"
    " nothing: only who lies near whom counts."
)
TOO_MANY = f"Select at most {MOST_PICTURES:,} images to see them where the mouse rests."
BESIDE = 12  # images beside the plot: as tall as it is
INVITATION = "Draw around some images to see them here, on Samples, on Margins and on Attacks."
NO_IMAGE = "No image matches: widen the filters above."


def page(run: Run, chosen: Selection) -> None:
    """One embedding of the selected split, and the images that are drawn around in it."""
    if "images" not in data.value(reader.meta, run.store) or not run.trained:
        standing.show(run.status, "An embedding can be made", "the training is over")
        return
    if chosen.missing:
        st.info(plain(chosen.missing), icon=":material/info:")
    known = data.read(reader.embeddings, run.store)
    known = known[known["split"] == chosen.split][::-1]
    if known.empty:
        st.info(
            f"There is no embedding of the {chosen.images} yet.", icon=":material/scatter_plot:"
        )
        form.section(run, chosen.split, expanded=True)
        return
    shown = choose(known)
    points = data.read(reader.embedding_points, run.store, shown["id"])
    grid = layout.beside()
    with grid.cell():
        draw(chosen, shown, points)
    with grid.cell():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header(chosen.title, width="content")
            image_sets.of_selection(chosen)
            embedding_around.choose(chosen, str(shown["id"]), points)
        if chosen.everything:
            st.caption(INVITATION)
        gallery.show(run, chosen.rows, chosen.split, "map", NO_IMAGE, per_page=BESIDE)
    form.section(run, chosen.split, expanded=False)


def choose(known: pd.DataFrame) -> "pd.Series[Any]":
    """One of the embeddings of the selected split, the newest unless another is chosen."""
    titles = {row.id: f"{row.n:,} {row.split} images · {row.id[-4:]}" for row in tuples(known)}
    if len(titles) > 1:
        if st.session_state.get("map") not in titles:
            st.session_state["map"] = next(iter(titles))
        st.selectbox(
            "Embedding",
            list(titles),
            key="map",
            bind="query-params",
            format_func=titles.__getitem__,
            width=300,
        )
    wanted = st.session_state.get("map")
    return known[known["id"] == (wanted if wanted in titles else known["id"].iloc[0])].iloc[0]


def draw(chosen: Selection, shown: "pd.Series[Any]", points: pd.DataFrame) -> None:
    """The chart with its two controls; points: as from reader.embedding_points."""
    clean = points[~points["adversarial"].astype(bool)].reset_index(drop=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        colouring = colours.choose(chosen)
        lines = st.toggle(
            "Adversarial examples",
            key="twins",
            bind="query-params",
            help=f"Where each image goes under CE-PGD at {show_level(float(shown['eps']))} (L∞),"
            " joined by a line; of the selected images, if some are.",
        )
    table, finding = colours.coloured(chosen, clean, colouring)
    pairs = joined(chosen, points) if lines else pd.DataFrame()
    drawn = option(chosen, table, colouring, pairs)
    st.echarts_chart(
        drawn,
        height=chart.HEIGHT,
        key=state.brush_key("map"),
        on_select=partial(selected_there, chosen, str(shown["id"]), drawn),
        alt=f"Embedding of {len(clean):,} {chosen.split} images. {finding}",
    )
    if st.session_state.pop(CLICKED, False):
        gallery.open_chosen(chosen.run)
    many = len(chosen.rows) > MOST_PICTURES
    st.caption(f"{finding} {HOW_TO_READ}{f' {TOO_MANY}' * many}")


def option(
    chosen: Selection, table: pd.DataFrame, colouring: str, pairs: pd.DataFrame
) -> dict[str, Any]:
    """The chart: selected points in their colours, all others faded."""
    inside = table["id"].isin(chosen.rows["idx"])
    fully = (inside | chosen.everything) & (table["value"] != colours.UNSEEN)
    drawn = pictured(chosen, table[fully])
    layers, scale = colours.layers(drawn, colouring, chosen.known.classes, chosen.filters.norm)
    return chart.option(layers, table[~fully], pairs, scale)


def pictured(chosen: Selection, points: pd.DataFrame) -> pd.DataFrame:
    """The points with a small picture of each, if they are not too many to send along."""
    if points.empty or len(points) > MOST_PICTURES:
        return points
    table = data.read(reader.samples, chosen.run.store, chosen.split).set_index("idx")
    made = data.thumbnails(chosen.run, [int(row) for row in table.loc[points["id"], "source"]])
    return points.assign(picture=made) if made else points


def selected_there(chosen: Selection, embedding: str, drawn: dict[str, Any]) -> None:
    """For callbacks: a point was clicked, its image opens; or something was drawn around, its
    images are selected."""
    event = st.session_state[state.brush_key("map")].selection
    if ids := chart.clicked(drawn, event.selected):
        image_tiles.choose(ids[-1], chosen.split)
        st.session_state[CLICKED] = True
        return
    corners = _corners(event.areas[-1]) if event.areas else []
    selected.change(chosen, region=region.drawn(embedding, corners))


def _corners(area: dict[str, Any]) -> list[Any]:
    if area["brush_type"] == "polygon":
        return list(area["coord_range"])
    (left, right), (low, high) = area["coord_range"]
    return [(left, low), (right, low), (right, high), (left, high)]


def joined(chosen: Selection, points: pd.DataFrame) -> pd.DataFrame:
    """The selected images that have an adversarial example, with both positions."""
    adversarial = points["adversarial"].astype(bool)
    examples = points[adversarial].set_index("idx")
    wanted = points["idx"].isin(chosen.rows["idx"]) & points["idx"].isin(examples.index)
    rows = points[~adversarial & wanted].head(MOST_LINES)
    examples, classes = examples.loc[rows["idx"]], chosen.known.classes
    said = [
        "adversarial: " + ("robust" if ok else f"taken for {class_name(classes, p)}")
        for ok, p in zip(examples["ok"], examples["pred"], strict=True)
    ]
    return pd.DataFrame(
        {
            "x": rows["x"].to_numpy(float),
            "y": rows["y"].to_numpy(float),
            "id": rows["idx"].to_numpy(int),
            "adversarial_x": examples["x"].to_numpy(float),
            "adversarial_y": examples["y"].to_numpy(float),
            "class": [classes[label] for label in rows["label"]],
            "said": said,
        }
    )
