"""Fields of forms that several forms have: knobs of every kind, and noise levels as they are typed.

What is typed wrong is named as its field is named, and added to `wrong`: the form stays whole,
keeps all that was typed, and cannot be sent until it is mended.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import streamlit as st

from smd.config import options
from smd.config.schema import Value
from smd.errors import UserError
from smd.registry import Param
from smd.units import epsilon, parse_level, parse_levels, show_level

from ..components.plain import plain

T = TypeVar("T")
KEPT: dict[str, Any] = {"persist_state": "session"}  # a field that outlives its page
MEND = "Mend this first: the command and the button follow."


def knob(p: Param, key: str, wrong: list[str]) -> Value:
    """The field of one parameter of a defense, an attack or an estimator, and what it holds."""
    help = p.help[:1].upper() + p.help[1:]
    if p.kind == "level":
        return _level(p, key, f"{help}; like 8/255 or 0.031.", wrong)
    if p.kind == "choice":
        usual = p.choices.index(str(p.default))
        return str(st.selectbox(p.title, p.choices, usual, key=key, help=help, **KEPT))
    most = None if math.isinf(p.maximum) else p.maximum
    field = partial(st.number_input, p.title, key=key, help=help, **KEPT)
    if p.kind == "int":
        last = None if most is None else int(most)
        return int(field(int(p.minimum), last, int(p.default)))
    return float(field(float(p.minimum), most, float(p.default), format="%g"))


def _level(p: Param, key: str, help: str, wrong: list[str]) -> float:
    """A noise level or another length, as text: k/255 or a number."""
    usual = float(p.default)
    text = st.text_input(p.title, show_level(usual), key=key, help=help, **KEPT)
    return read(p.title, parse_level, text, usual, wrong)


def levels(
    config: type, usual: str, key: str, wrong: list[str], help: str, norm: str = "Linf"
) -> tuple[float, ...]:
    """The config's noise levels as typed, of that norm; unit of x."""
    title = options.field(config, "levels").title
    text = st.text_input(f"{title} {epsilon(norm)}", usual, key=key, width=220, help=help)
    most = 1.0 if norm == "Linf" else math.inf
    return read(title, lambda typed: parse_levels(typed, most), text, (), wrong)


def read(title: str, parse: Callable[[str], T], text: str, instead: T, wrong: list[str]) -> T:
    """What the text of the field `title` means; `instead`, and a line in `wrong`, if it means
    nothing."""
    try:
        return parse(text)
    except UserError as error:
        wrong.append(f"{title}: {error}")
        return instead


def told(wrong: list[str]) -> bool:
    """Show what is wrong, if anything is; whether that is so."""
    for one in wrong:
        st.error(plain(f"{one} {MEND}"), icon=":material/error:")
    return bool(wrong)
