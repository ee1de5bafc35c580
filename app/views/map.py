"""Map: the images as the network sees them, near each other where its features are alike (UMAP)."""

import pandas as pd
import streamlit as st

from smd.store import reader
from smd.units import show_level

from .. import data
from ..charts import embedding as map_chart
from ..charts import embedding_colours
from ..components import gallery, standing, ui
from ..components.plain import plain
from ..forms import embedding as map_form
from ..selection import image_query, selected

run = ui.picked()
ui.broken(run)
MOST_LINES = 300  # more hide what they join

if not data.value(reader.last_epoch, run.store) or not run.weights.exists():
    standing.show(run.status, "A map can be made", "the training is over")
    st.stop()
chosen = selected.of(run)
split = chosen.asked.split
maps = data.read(reader.embeddings, run.store)
maps = maps[maps["split"] == split][::-1]


def choose_map() -> pd.Series:
    """One of the maps of the selected split, the newest unless another is asked for."""
    titles = {row.id: f"{row.n:,} {row.split} images · {row.id[-4:]}" for row in maps.itertuples()}
    if len(titles) > 1:
        if st.session_state.get("map") not in titles:
            st.session_state["map"] = next(iter(titles))
        st.selectbox(
            "Map",
            list(titles),
            key="map",
            bind="query-params",
            format_func=titles.__getitem__,
            width=300,
        )
    asked = st.session_state.get("map")
    return maps[maps["id"] == (asked if asked in titles else maps["id"].iloc[0])].iloc[0]


def around() -> None:
    """Something was drawn around on the map: its images are selected."""
    areas = st.session_state[selected.brush_key("map")].selection.areas
    corners = _corners(areas[-1]) if areas else []
    region = image_query.drawn(str(shown["id"]), corners)
    selected.ask(region=region.text() if region else None)


def _corners(area: dict) -> list:  # type: ignore[type-arg]
    if area["brush_type"] == "polygon":
        return list(area["coord_range"])
    (left, right), (low, high) = area["coord_range"]
    return [(left, low), (right, low), (right, high), (left, high)]


def pairs(points: pd.DataFrame, wanted: pd.Series) -> pd.DataFrame:
    """The wanted images that have an adversarial twin, with both positions."""
    found = points[points["adversarial"].astype(bool)].set_index("idx")
    rows = points[
        ~points["adversarial"].astype(bool) & wanted & points["idx"].isin(found.index)
    ].head(MOST_LINES)
    classes = data.value(reader.class_names, run.store)
    twin = found.loc[rows["idx"]]
    said = [
        "twin: " + ("withstands" if ok else f"taken for {classes[p]}")
        for ok, p in zip(twin["ok"], twin["pred"], strict=True)
    ]
    return pd.DataFrame(
        {
            "x": rows["x"].to_numpy(float),
            "y": rows["y"].to_numpy(float),
            "id": rows["idx"].to_numpy(int),
            "adversarial_x": twin["x"].to_numpy(float),
            "adversarial_y": twin["y"].to_numpy(float),
            "class": [classes[label] for label in rows["label"]],
            "said": said,
        }
    )


def draw(points: pd.DataFrame) -> None:
    clean = points[~points["adversarial"].astype(bool)].reset_index(drop=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        colouring = embedding_colours.choose(run, chosen)
        lines = st.toggle(
            "Adversarial twins",
            key="twins",
            bind="query-params",
            help=f"Where each image goes under CE-PGD at {show_level(float(shown['eps']))}, joined"
            " by a line; of the selected images, if some are.",
        )
    table, finding = embedding_colours.coloured(run, chosen, clean, colouring)
    inside = table["id"].isin(chosen.rows["idx"])
    classes = data.value(reader.class_names, run.store)
    shown_fully = (inside | chosen.everything) & (table["value"] != embedding_colours.UNSEEN)
    layers, scale = embedding_colours.layers(table[shown_fully], colouring, classes)
    faded = table[~shown_fully]
    twins = pairs(points, points["idx"].isin(chosen.rows["idx"])) if lines else pd.DataFrame()
    st.echarts_chart(
        map_chart.option(layers, faded, twins, scale),
        height=map_chart.HEIGHT,
        key=selected.brush_key("map"),
        on_select=around,
        alt=f"Map of {len(clean):,} {split} images. {finding}",
    )
    st.caption(
        f"{finding} Scroll to zoom, drag to move; take the lasso or the rectangle at the top right"
        " to select. Directions and distances between far groups mean nothing: only who lies near"
        " whom counts."
    )


if chosen.missing:
    st.info(plain(chosen.missing), icon=":material/info:")
if maps.empty:
    st.info(f"There is no map of the {selected.SPLITS[split]} yet.", icon=":material/map:")
    map_form.section(run, split, expanded=True)
    st.stop()
shown = choose_map()
draw(data.read(reader.embedding_points, run.store, shown["id"]))
st.subheader(chosen.title)
if chosen.everything:
    st.caption("Draw around some images to see them here, on Samples, on Margins and on Attacks.")
else:
    gallery.show(
        run, chosen.rows, split, "map", "No image matches: widen the filters in the sidebar."
    )
map_form.section(run, split, expanded=False)
