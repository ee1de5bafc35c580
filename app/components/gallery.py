"""Images as tiles or as a table with their margins' curves; each opens on Samples, all can be taken
away."""

import pandas as pd
import streamlit as st

from smd.runs import image_sets
from smd.runs.folders import Run
from smd.store import reader

from .. import data, pages
from . import downloads, image_files, image_table, image_tiles, run_names

PER_PAGE = 24
TILES, TABLE = "tiles", "table"


def show(
    run: Run,
    rows: pd.DataFrame,
    split: str,
    key: str,
    empty: str = "No image is meant.",
    here: bool = False,
    per_page: int = PER_PAGE,
) -> None:
    """Show images of a split, in the order given.

    rows: idx, and where known margin_255 (or margin_l2, a length), kind (smd.core.kinds),
    change_255 (1/255; or change_l2), broken_by (the stage of an attack that fooled the network)
    and pred (label).
    key: names its tiles and downloads. here: Samples itself shows it.
    """
    if rows.empty:
        st.caption(empty)
        return
    table, images = _described(run, rows, split), data.images(run)
    pixels = images.pixels if images is not None else None
    if pixels is None:
        image_files.gone(run)
    _head(run, table, split, key, drawn=pixels is not None)
    part = _page(table, key, per_page)
    if pixels is None or st.session_state.get(f"as-{key}") == TABLE:
        opened = image_table.show(run, part, pixels, split, key)
    else:
        opened = image_tiles.show(part, pixels, split, key)
    if opened and not here:
        open_chosen(run)
    if len(table) > per_page:
        st.pagination(-(-len(table) // per_page), key=f"page-{key}")


def open_chosen(run: Run) -> None:
    """Go on to Samples, where the run's image that image_tiles.choose has set is shown."""
    asked = {"run": run_names.link(run.id), "sample": str(st.session_state["sample"])}
    st.switch_page(pages.link("samples"), query_params=asked)


def _head(run: Run, table: pd.DataFrame, split: str, key: str, drawn: bool) -> None:
    """Tiles or table, if there are pictures to draw; and the table to be taken away."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        if drawn:
            st.segmented_control(
                "Shown as",
                (TILES, TABLE),
                default=TILES,
                required=True,
                key=f"as-{key}",
                bind="query-params",
                label_visibility="collapsed",
            )
        downloads.of_table(image_table.taken(table), f"{run.id}-{split}-{key}")


def _described(run: Run, rows: pd.DataFrame, split: str) -> pd.DataFrame:
    classes = data.value(reader.class_names, run.store)
    if "label" not in rows:
        rows = rows.merge(data.read(reader.samples, run.store, split), on="idx", how="left")
    files = data.read(reader.sample_paths, run.store, split)
    if len(files):
        rows = rows.merge(files[["idx", "path"]], on="idx", how="left")
    elif image_files.has_files(run):
        rows = rows.assign(path=image_files.NAMELESS)
    if sets := image_sets.names_of(run, split):
        rows = rows.assign(sets=rows["idx"].map(sets).fillna(""))
    names = dict(enumerate(classes))
    named = {"class": rows["label"].map(lambda label: names.get(label, "?"))}
    if "pred" in rows:
        named["predicted"] = rows["pred"].map(lambda label: names.get(label, "?"))
    return rows.assign(**named)


def _page(table: pd.DataFrame, key: str, per_page: int) -> pd.DataFrame:
    pages = -(-len(table) // per_page)
    page = min(st.session_state.get(f"page-{key}") or 1, pages)
    if st.session_state.get(f"page-{key}", 1) > pages:
        st.session_state[f"page-{key}"] = pages
    return table.iloc[(page - 1) * per_page : page * per_page]
