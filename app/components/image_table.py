"""Images as a table, with the curves of training images' margins."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from smd.core.kinds import MEANING
from smd.runs.folders import Run
from smd.store import reader
from smd.units import UNIT, factor

from .. import data
from . import image_tiles, tables

COLUMNS = {
    "image": st.column_config.ImageColumn("image", width="small"),
    "path": st.column_config.TextColumn("file"),
    "margin_255": st.column_config.NumberColumn("margin (1/255)", format="%.2f"),
    "margin_l2": st.column_config.NumberColumn("margin (L2)", format="%.3f"),
    "kind": st.column_config.TextColumn(
        "what it is", help="; ".join(f"{k}: {MEANING[k]}" for k in MEANING)
    ),
    "change_255": st.column_config.NumberColumn("change (1/255)", format="%+.2f"),
    "change_l2": st.column_config.NumberColumn("change (L2)", format="%+.3f"),
    "broken_by": st.column_config.TextColumn("fooled by"),
}
WANTED = (
    "idx",
    "class",
    "predicted",
    "path",
    "margin_255",
    "margin_l2",
    "kind",
    "change_255",
    "change_l2",
    "broken_by",
    "sets",
)


def taken(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that a person wants; table: as gallery.show describes its rows."""
    return table[[name for name in WANTED if name in table]].rename(columns={"idx": "id"})


def show(run: Run, part: pd.DataFrame, pixels: np.ndarray | None, split: str, key: str) -> bool:
    """Whether an image was clicked."""
    table = taken(part)
    if split == "train":
        curves = data.read(reader.margin_curves, run.store, tuple(part["idx"].astype(int)))
        times = factor(run.config.norm) / 255
        shown = [[times * margin for margin in curve] for curve in curves["curve"]]
        table["curve"] = table["id"].map(dict(zip(curves["idx"], shown, strict=True)))
        table = table if table["curve"].notna().any() else table.drop(columns="curve")
    if pixels is not None:
        table.insert(
            0, "image", [image_tiles.picture(pixels, row, 48) for row in part.to_dict("records")]
        )
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
        column_config={**COLUMNS, "open": opens, "curve": _curve(UNIT[run.config.norm])},
    )
    return bool(st.session_state.get(clicked))


def _curve(unit: str) -> Any:
    """The column of a margin's curve."""
    title = f"margin, by epoch ({unit})"
    return st.column_config.LineChartColumn(title, width="medium", y_min=0)


def _choose_row(clicked: str, ids: list[int], split: str) -> None:
    image_tiles.choose(int(ids[st.session_state[clicked]["row"]]), split)
