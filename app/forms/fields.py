"""The fields of a form that stand for a config's: titles, bounds, choices and defaults are those of
the config's options (smd.config.options)."""

from collections.abc import Collection
from typing import Any

import streamlit as st

from smd.config import options
from smd.runs import image_sets
from smd.runs.folders import Run

from .knobs import KEPT


def number(
    config: type,
    name: str,
    value: int,
    *,
    least: int | None = None,
    most: int | None = None,
    **look: Any,
) -> int:
    """A whole number, at first `value`; `least` and `most` where what is there narrows them."""
    field = options.field(config, name)
    low = field.option.minimum if least is None else least
    high = field.option.maximum if most is None else most
    bounds = int(low or 0), None if high is None else int(high)
    return int(st.number_input(field.title, *bounds, int(value), **look))


def choice(config: type, name: str, first: str = "", **look: Any) -> str:
    """One of a few, side by side; first: as in `listed`."""
    field = options.field(config, name)
    usual = first or field.default
    shown = st.segmented_control(
        field.title, field.option.choices, default=usual, required=True, **look
    )
    return str(shown)


def listed(config: type, name: str, first: str = "", **look: Any) -> str:
    """One of a few, in a list: it stands as high as numbers and texts beside it.

    first: the one that is chosen to begin with; "": the usual one.
    """
    field = options.field(config, name)
    choices = field.option.choices
    return str(st.selectbox(field.title, choices, choices.index(first or field.default), **look))


def weights(config: type, runs: list[Run], **look: Any) -> str:
    """Which weights of the runs are meant; a field only where all of them have both."""
    if not all(run.averaged_weights.exists() for run in runs):
        return str(options.field(config, "weights").default)
    help = "last: as the training ended; ema: their running average over its steps."
    return choice(config, "weights", help=help, **look)


def entry(config: type, name: str, default: str = "", **look: Any) -> str:
    """An entry of the registry, by its name; it is seen by its title."""
    field = options.field(config, name)
    table = field.option.table or {}
    first = list(table).index(default or field.default)
    return str(
        st.selectbox(field.title, list(table), first, format_func=lambda n: table[n].title, **look)
    )


def open_entry(
    config: type, name: str, default: str, others: Collection[str], wrong: list[str], **look: Any
) -> str:
    """An entry of the registry, or the name of one beside it, typed or one of `others`.

    Of "torchvision:resnet18" it is enough to type what stands behind the colon. For what can be
    none it is `default`, and `wrong` says why.
    """
    field = options.field(config, name)
    table = field.option.table or {}
    held = _typed(look["key"])
    offered = dict.fromkeys([*table, *others, *held])
    first = list(offered).index(default or field.default)
    chosen = st.selectbox(
        field.title,
        list(offered),
        first,
        format_func=lambda n: table[n].title if n in table else n,
        accept_new_options=True,
        **look,
        **KEPT,
    )
    typed = str(chosen).strip()
    if typed not in table:
        typed = next((o for o in others if o.partition(":")[2] == typed), typed)
    problem = "" if typed in table or not field.option.beside else field.option.beside(typed)
    if problem:
        wrong.append(f"{field.title}: {problem}")
    return default if problem else typed


def of_set(runs: list[Run], split: str, **look: Any) -> str:
    """The name of a set whose images are meant, "": of none; a field only where all of the runs
    have one of that name with images of the split."""
    each = [image_sets.of_split(run, split) for run in runs]
    known = [name for name in each[0] if all(name in sets for sets in each)] if each else []
    held = st.session_state.get(look["key"])
    if held and held not in known:
        del st.session_state[look["key"]]
    if not known:
        return ""
    return st.selectbox("Or the set", known, index=None, placeholder="no set", **look) or ""


def _typed(key: str) -> tuple[str, ...]:
    """What was typed before; it is offered as long as the field holds it."""
    held = st.session_state.get(key)
    return (str(held),) if held else ()
