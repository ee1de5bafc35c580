"""Tables, as every page shows them."""

from typing import Any

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from smd import export

PADDING, LETTER = 22, 6.4  # pixels that a cell of a table takes beside its text, and a letter of it


def show(rows: Any, key: str, **options: Any) -> Any:
    """A table as every page shows it: without the index, and a dash where there is no value.

    rows: a frame, or a Styler of one; options: of st.dataframe. Returns what is selected, as
    st.dataframe does.
    """
    return st.dataframe(rows, hide_index=True, key=key, placeholder=export.EMPTY, **options)


def fitting(rows: pd.DataFrame, pinned: str = "") -> dict[str, ColumnConfig]:
    """Columns as wide as their longest text, so that no cell is cut; numbers count as written with
    two decimals. pinned: the column that stays where a narrow window scrolls the others."""
    written = {
        str(name): [
            f"{value:.2f}" if isinstance(value, float) else export.cell(value)
            for value in rows[name]
        ]
        for name in rows.columns
    }
    longest = {name: max(map(len, [name, *texts])) for name, texts in written.items()}
    return {
        name: st.column_config.Column(width=round(PADDING + LETTER * n), pinned=name == pinned)
        for name, n in longest.items()
    }
