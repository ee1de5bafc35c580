"""Images as tiles or as a table with their margins' curves; each opens on Samples, all can be taken
away."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from smd.config import commands
from smd.core.kinds import KINDS, MEANING, MISCLASSIFIED, REACHED
from smd.data.sources import ARRAYS
from smd.runs.folders import Run
from smd.store import reader

from .. import data, pages
from ..selection import state
from . import downloads, pictures, tables
from .plain import plain

PER_PAGE = 24
TILES, TABLE = "tiles", "table"
NAMELESS = "no file name (imported by an earlier version)"
COLUMNS = {
    "image": st.column_config.ImageColumn("image", width="small"),
    "path": st.column_config.TextColumn("file"),
    "margin_255": st.column_config.NumberColumn("margin (1/255)", format="%.2f"),
    "margin_l2": st.column_config.NumberColumn("margin (L2)", format="%.3f"),
    "kind": st.column_config.TextColumn(
        "what it is", help="; ".join(f"{k}: {MEANING[k]}" for k in KINDS)
    ),
    "change_255": st.column_config.NumberColumn("change (1/255)", format="%+.2f"),
    "broken_by": st.column_config.TextColumn("fooled by"),
    "curve": st.column_config.LineChartColumn("margin, by epoch (1/255)", width="medium", y_min=0),
}
OPEN_HELP = (
    "Margins in 1/255: 5.0 is where a boundary was found, to 5.0 how far a search came without one,"
    " wrong is misclassified without noise."
)
GONE = "The imported images are gone from the cache, so they are listed without pictures: "


def show(
    run: Run,
    rows: pd.DataFrame,
    split: str,
    key: str,
    empty: str = "No image is meant.",
    here: bool = False,
) -> None:
    """Show images of a split, in the order given.

    rows: idx, and where known margin_255 (or margin_l2, a length), kind (smd.core.kinds),
    change_255 (1/255) and broken_by (the stage of an attack that fooled the network, "" if none).
    key: names its tiles and downloads. here: Samples itself shows it.
    """
    if rows.empty:
        st.caption(empty)
        return
    table, images = _described(run, rows, split), data.images(run)
    pixels = images.pixels if images is not None else None
    if pixels is None:
        gone(run)
    _head(run, table, split, key, drawn=pixels is not None)
    part = _page(table, key)
    if pixels is None or st.session_state.get(f"as-{key}") == TABLE:
        opened = _table(run, part, pixels, split, key)
    else:
        opened = _tiles(part, pixels, split, key)
    if opened and not here:
        # An address is needed: without one Streamlit would clear this page's, which the run
        # picker's part forbids.
        sample = str(st.session_state["sample"])
        st.switch_page(pages.link("samples"), query_params={"sample": sample})
    if len(table) > PER_PAGE:
        st.pagination(-(-len(table) // PER_PAGE), key=f"page-{key}")


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
        downloads.of_table(_taken(table), f"{run.id}-{split}-{key}")


def has_files(run: Run) -> bool:
    """Whether its images are files of their own, not arrays, nor a set that comes without any."""
    return run.config.data == "folder" and not run.config.data_path.lower().endswith(ARRAYS)


def gone(run: Run) -> None:
    """Say that a run's images are not imported any more, and what brings them back."""
    if run.config.data != "folder":
        st.caption(f"{GONE}start any run on this data set to import them again.")
        return
    st.caption(
        f"{GONE}say where they are now. If they are where they were, that is"
        f" {plain(run.config.data_path)}."
    )
    st.code(commands.locate_command(run.id), language="bash", wrap_lines=True)


def _described(run: Run, rows: pd.DataFrame, split: str) -> pd.DataFrame:
    classes = data.value(reader.class_names, run.store)
    if "label" not in rows:
        rows = rows.merge(data.read(reader.samples, run.store, split), on="idx", how="left")
    files = data.read(reader.sample_paths, run.store, split)
    if len(files):
        rows = rows.merge(files[["idx", "path"]], on="idx", how="left")
    elif has_files(run):
        rows = rows.assign(path=NAMELESS)
    names = dict(enumerate(classes))
    return rows.assign(**{"class": rows["label"].map(lambda label: names.get(label, "?"))})


def _taken(table: pd.DataFrame) -> pd.DataFrame:
    wanted = ("idx", "class", "path", "margin_255", "margin_l2", "kind", "change_255", "broken_by")
    return table[[name for name in wanted if name in table]].rename(columns={"idx": "id"})


def _page(table: pd.DataFrame, key: str) -> pd.DataFrame:
    pages = -(-len(table) // PER_PAGE)
    page = min(st.session_state.get(f"page-{key}") or 1, pages)
    if st.session_state.get(f"page-{key}", 1) > pages:
        st.session_state[f"page-{key}"] = pages
    return table.iloc[(page - 1) * PER_PAGE : page * PER_PAGE]


def _tiles(part: pd.DataFrame, pixels: np.ndarray, split: str, key: str) -> bool:
    """Whether one of them was clicked."""
    with st.grid(columns="auto", min_column_width=118, gap="small"):
        return any([_tile(row, pixels, split, key) for row in part.to_dict("records")])  # noqa: C419  # all are drawn


def _tile(row: dict[Any, Any], pixels: np.ndarray, split: str, key: str) -> bool:
    name, idx = row["class"], int(row["idx"])
    with st.container(key=f"tile-{key}-{idx}", gap=None):
        st.image(_picture(pixels, row), width=112, alt=f"{name}, image {idx}")
        clicked = st.button(
            f"{plain(name)}{_figures(row)}",
            key=f"open-{key}-{idx}",
            type="tertiary",
            on_click=_choose,
            args=(idx, split),
            help=f"Open image {idx}{_file(row)}. {OPEN_HELP}",
        )
        if stage := row.get("broken_by"):
            st.caption("wrong when clean" if stage == "clean" else f"fooled by {plain(stage)}")
    return clicked


def _file(row: dict[Any, Any]) -> str:
    """The name of its file, if it has one."""
    path = row.get("path")
    return f", {plain(path)}" if isinstance(path, str) else ""


def _choose(idx: int, split: str) -> None:
    """For callbacks: the image that Samples shall show; its filters may be of another split's
    images."""
    st.session_state["sample"] = idx
    state.write(split=split)


def _figures(row: dict[Any, Any]) -> str:
    """What is known of its margin, and how much that has changed."""
    margin, change, kind = row.get("margin_255"), row.get("change_255"), row.get("kind")
    if margin is None and not pd.isna(length := row.get("margin_l2", float("nan"))):
        return f" · {'to ' if kind == REACHED else ''}{length:.3g} L2"
    shown = (
        ""
        if margin is None or pd.isna(margin)
        else f" · {'to ' if kind == REACHED else ''}{margin:.1f}"
    )
    shown = " · wrong" if kind == MISCLASSIFIED else shown
    return shown + ("" if change is None or pd.isna(change) else f" ({change:+.1f})")


def _picture(pixels: np.ndarray, row: dict[Any, Any], side: int = 112) -> str:
    return pictures.link(pictures.flat(pixels[int(row["source"])]), side)


def _table(run: Run, part: pd.DataFrame, pixels: np.ndarray | None, split: str, key: str) -> bool:
    """Whether an image was clicked."""
    table = _taken(part)
    if split == "train":
        curves = data.read(reader.margin_curves, run.store, tuple(part["idx"].astype(int)))
        table["curve"] = table["id"].map(dict(zip(curves["idx"], curves["curve"], strict=True)))
        table = table if table["curve"].notna().any() else table.drop(columns="curve")
    if pixels is not None:
        table.insert(0, "image", [_picture(pixels, row, 48) for row in part.to_dict("records")])
    table["open"] = [f"Open {idx}" for idx in table["id"]]
    clicked = f"opened-{key}"
    opens = st.column_config.ButtonColumn(
        "",
        type="tertiary",
        key=clicked,
        on_click=_choose_row,
        args=(clicked, list(table["id"]), split),
    )
    tables.show(
        table,
        row_height=52,
        height="content",
        key=f"table-{key}",
        alt=f"{len(table)} {split} images with their class and margin.",
        column_config={**COLUMNS, "open": opens},
    )
    return bool(st.session_state.get(clicked))


def _choose_row(clicked: str, ids: list[int], split: str) -> None:
    _choose(int(ids[st.session_state[clicked]["row"]]), split)
