"""Which slice of a volume is shown: chosen once for a page, kept in the address."""

import streamlit as st


def chooser(depth: int, key: str = "slice") -> int:
    """The chosen slice of volumes with so many, counted from 0; people and the address ?slice=
    count from 1."""
    if depth < 2:
        return 0
    help = "Volumes are shown one slice at a time; all of them at the same depth."
    return st.slider("Slice", 1, depth, depth // 2 + 1, key=key, bind="query-params", help=help) - 1
