"""What the theme in config.toml cannot say: focus that is always seen, text that stands out enough
on what it stands on, the link that skips the navigation (page.js)."""

from typing import NamedTuple

import streamlit as st


class Colours(NamedTuple):
    """Those of a theme; each text at 4.5:1 at least on what it stands on (WCAG 2.2, AA)."""

    focus: str
    on_primary: str  # text on the theme's primary colour
    option: str  # of code: options of a command
    number: str
    string: str
    keyword: str


LIGHT = Colours("#0f6f78", "#ffffff", "#0b6a88", "#0f6f60", "#117a34", "#1a62ad")
DARK = Colours("#63c3cb", "#0b1112", "#3dd5f3", "#5bd6c0", "#3fd37f", "#5aa9f0")

# A selector that stands twice weighs more than Streamlit's own, which come later.
CSS = """
.smd-skip {{
  position: fixed; left: 0.75rem; top: -5rem; z-index: 1000000; padding: 0.5rem 0.9rem;
  border-radius: 0.5rem; font: 600 15px "Source Sans", sans-serif; text-decoration: none;
  background: {focus}; color: {on_primary};
}}
.smd-skip:focus {{ top: 0.75rem; }}
:is(a, button, summary, [role="slider"], [role="option"]):focus-visible,
label:has(input:is([type="checkbox"], [type="radio"]):focus-visible) {{
  outline: 2px solid {focus} !important; outline-offset: 2px;
}}
@media (max-width: 1200px) and (min-width: 769px) {{
  .stMainBlockContainer.stMainBlockContainer {{ padding-left: 2rem; padding-right: 2rem; }}
}}
[data-testid="stMain"]:focus {{ outline: none; }}
button[kind^="primary"]:not(:disabled):not(:disabled), .stMultiSelect [data-tag][data-tag] {{
  color: {on_primary};
}}
[data-testid="stCode"] code .token:is(.variable, .property) {{ color: {option}; }}
[data-testid="stCode"] code .token.number {{ color: {number}; }}
[data-testid="stCode"] code .token.string {{ color: {string}; }}
[data-testid="stCode"] code .token:is(.function, .keyword, .class-name) {{ color: {keyword}; }}
"""


def rules() -> str:
    """The rules, each colour in both themes: the browser takes that of the theme it shows, which
    the server may not have heard of yet."""
    pairs = zip(Colours._fields, LIGHT, DARK, strict=True)
    both = {name: f"light-dark({light}, {dark})" for name, light, dark in pairs}
    return CSS.format(**both)


def dress() -> None:
    """Give the page its rules."""
    st.html(f"<style>{rules()}</style>")
