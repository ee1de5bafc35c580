"""The browser's Back and Forward: what a page shows again where the address does not say it."""

from typing import TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

T = TypeVar("T")


def went_back() -> bool:
    """Whether this run of the script answers Back or Forward.

    Streamlit then gives every widget in the address what the address says, or else the value that
    the widget begins with; what a page had put into the session for it is overruled. A widget that
    a page fills from the session must
    begin with that very value in such a run: see `begin`.
    """
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))


def begin(key: str, value: T) -> T | None:
    """What a widget in the address begins with.

    The value after Back or Forward to an address without it, else None.

    With a value of its own a widget leaves the address, so that a link would not name it.
    """
    return value if went_back() and key not in st.query_params else None
