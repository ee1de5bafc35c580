"""Cloning a run: its settings fill the Train form, to be changed and trained again."""

from dataclasses import replace

import streamlit as st

from smd import registry
from smd.config import options
from smd.config.schema import TrainConfig, Value
from smd.experiments import sweep
from smd.registry import Param
from smd.units import parse_level, show_level

from .. import pages
from ..components import run_names
from . import own_fields, train

CLONED = "cloned"  # in the session: the config that the form was filled with


def into_form(config: TrainConfig) -> None:
    """Fill the Train form with these settings and go there.

    Raises UserError if this version does not know the network or the defense.
    """
    registry.find(registry.NETWORKS, config.net, "network")
    registry.find(registry.DEFENSES, config.defense, "defense")
    for key, value in _fields(config).items():
        st.session_state[key] = value
    st.session_state[CLONED] = config
    # With an address of its own: without one Streamlit would clear this page's, which widgets bound
    # to it forbid.
    st.switch_page(pages.link("train"), query_params={})


def _fields(config: TrainConfig) -> dict[str, Value]:
    """What each field of the form holds: those of the config that the form has, then knobs."""
    own = config.data == "folder"
    shown = {
        train.key(config, field.name): getattr(config, field.name)
        for field in options.fields(TrainConfig)
        if field.option.in_form and (own or field.name not in own_fields.NAMES)
    }
    if own:
        shown["train-fitted"] = config.data_path
    knobs = {
        train.knob_key(config.defense, p.name): _typed(p, config.params.get(p.name, p.default))
        for p in registry.DEFENSES[config.defense].params
        if p.in_form
    }
    return shown | knobs


def _typed(p: Param, value: Value) -> Value:
    """A knob's value as its field takes it; a level is written so that reading it gives the very
    same number."""
    if p.kind == "level":
        text = show_level(float(value))
        return text if parse_level(text) == float(value) else repr(float(value))
    return {"int": int, "float": float, "choice": str}[p.kind](value)


def completed(config: TrainConfig) -> TrainConfig:
    """The form's config with those settings of the cloned run that the form has no field for."""
    cloned = st.session_state.get(CLONED)
    if not cloned:
        return config
    hidden = {p.name for p in registry.DEFENSES[config.defense].params if not p.in_form}
    kept = {
        name: value
        for name, value in cloned.params.items()
        if name in hidden and config.defense == cloned.defense
    }
    others = {name: getattr(cloned, name) for name in options.outside_the_form(TrainConfig)}
    return replace(config, params={**kept, **config.params}, **others)


def banner() -> None:
    """Whose settings the form was filled with, and the way back to an empty one."""
    cloned = st.session_state.get(CLONED)
    if not cloned:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/content_copy: Settings of **{_name(cloned)}**")
        st.button(
            "Reset",
            key="reset-form",
            icon=":material/restart_alt:",
            type="tertiary",
            on_click=_reset,
            help="Every field as it was at first.",
        )


def _name(config: TrainConfig) -> str:
    """The run that has these settings, the newest if there are several."""
    (run,) = sweep.members([config])
    return run_names.name(run.id) if run else "a run that is gone"


def _reset() -> None:
    for key in [CLONED, *(key for key in st.session_state if str(key).startswith("train-"))]:
        del st.session_state[key]
