"""Which slice of a volume is shown."""

import streamlit as st


def chooser(depth: int, key: str) -> int:
    """A slider over the slices, kept in the address; the middle one as long as nobody moves it."""
    return st.slider("Slice", 0, depth - 1, depth // 2, key=key, bind="query-params")
