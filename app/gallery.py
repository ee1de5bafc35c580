"""Images as tiles, each opens on Samples, with a table of all of them to take away."""

from typing import Any

import data
import numpy as np
import pandas as pd
import pictures
import streamlit as st
import ui

from smd.runs import Run
from smd.store import reader

PER_PAGE = 24


def show(run: Run, rows: pd.DataFrame, split: str, key: str) -> None:
    """Show images of a split, in the order given.

    rows: idx, and where known margin_255 (1/255) and broken_by (a stage's name, "" if it withstood).
    key: this gallery's own word; its tiles and downloads are named by it.
    """
    table = rows.merge(data.read(reader.samples, run.store, split), on="idx", how="left")
    classes = data.value(reader.class_names, run.store)
    table["class"] = [classes[int(label)] for label in table["label"]]
    images = data.images(data.value(reader.meta, run.store).get("images", ""))
    shown = table.drop(columns=["label", "source"]).rename(columns={"idx": "id"})
    if images is None:  # the cache is gone, what is known of the images is not
        st.dataframe(shown, hide_index=True, key=f"table-{key}")
    else:
        _pages(table, images.pixels, split, key)
    ui.downloads(shown, f"{run.id}-{split}-{key}")


def _pages(table: pd.DataFrame, pixels: np.ndarray, split: str, key: str) -> None:
    pages = -(-len(table) // PER_PAGE)
    page = min(st.session_state.get(f"page-{key}") or 1, pages)
    with st.grid(columns="auto", min_column_width=118, gap="small"):
        for row in table[(page - 1) * PER_PAGE : page * PER_PAGE].to_dict("records"):
            with st.container(key=f"tile-{key}-{row['idx']}", gap=None):
                _tile(row, pixels, split, key)
    if pages > 1:
        st.pagination(pages, key=f"page-{key}")


def _tile(row: dict[Any, Any], pixels: np.ndarray, split: str, key: str) -> None:
    name, idx = row["class"], int(row["idx"])
    st.image(pictures.link(pixels[int(row["source"])]), width=112, alt=f"{name}, image {idx}")
    label = name + (f" · {row['margin_255']:.1f}" if "margin_255" in row else "")
    if split == "val":  # Samples has no such images
        st.caption(label)
    elif st.button(label, key=f"open-{key}-{idx}", type="tertiary", help=f"Open image {idx}."):
        # Both are needed: the state outranks what was chosen there before, and without an address to go to
        # Streamlit would clear this page's, which the run picker's part of it forbids.
        st.session_state["sample"], st.session_state["split"] = idx, split
        st.switch_page("views/samples.py", query_params={"split": split, "sample": str(idx)})
    if row.get("broken_by"):
        st.caption(row["broken_by"])
