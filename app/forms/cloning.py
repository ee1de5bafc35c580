"""Cloning a run: its settings fill the Train form, or the Import form where it was imported, to be
changed and started again."""

from dataclasses import replace
from typing import Any

import streamlit as st

from smd import registry
from smd.config import options
from smd.config.schema import ImportConfig, TrainConfig, Value
from smd.experiments import sweep
from smd.registry import Param
from smd.registry.open_networks import WHOLE
from smd.units import parse_level, show_level

from .. import pages
from ..components import run_names
from ..components.plain import plain
from . import importing, normalisation, own_fields, trackers, train

CLONED = "cloned"  # in the session: the config that the Train form was filled with
FORMS = {CLONED: "train-", importing.CLONED: "import-"}  # how the keys of a form's fields begin


def into_form(config: TrainConfig) -> None:
    """Fill the form that starts such a run with these settings and go there.

    Raises UserError if this version does not know the network or the defense.
    """
    if isinstance(config, ImportConfig):
        page, mark, fields = "import", importing.CLONED, _of_import(config)
    else:
        registry.find(registry.DEFENSES, config.defense, "defense")
        page, mark, fields = "train", CLONED, _fields(config)
    if config.net not in WHOLE:
        registry.find_network(config.net)
    for key, value in fields.items():
        st.session_state[key] = value
    st.session_state[mark] = config
    # With an address of its own: without one Streamlit would clear this page's, which widgets bound
    # to it forbid.
    st.switch_page(pages.link(page), query_params={})


def _fields(config: TrainConfig) -> dict[str, Any]:
    """What each field of the form holds: those of the config that the form has, then knobs."""
    shown = {
        train.key(config, field.name): getattr(config, field.name)
        for field in options.fields(TrainConfig)
        if field.option.in_form and field.name not in own_fields.NAMES
    }
    shown |= normalisation.filled("train", config.mean, config.std)
    shown[trackers.KEY] = trackers.filled(config.log)
    knobs = {
        train.knob_key(config.defense, p.name): _typed(p, config.params.get(p.name, p.default))
        for p in registry.DEFENSES[config.defense].params
        if p.in_form
    }
    return shown | _of_own_images(config) | knobs


def _of_import(config: ImportConfig) -> dict[str, Any]:
    """What each field of the Import form holds."""
    shown = {
        "import-file": config.file,
        "import-data": config.data,
        "import-new-head": config.new_head,
        **({} if config.net in WHOLE else {"import-net": config.net}),
    }
    shown |= normalisation.filled("import", config.mean, config.std)
    return shown | _of_own_images(config)


def _of_own_images(config: TrainConfig) -> dict[str, Any]:
    """What the fields of own images hold, which both forms have."""
    if config.data != "folder":
        return {}
    shown = {train.key(config, name): getattr(config, name) for name in own_fields.NAMES}
    shown["train-fitted"] = config.data_path
    return shown | {own_fields.FITTED: (config.data_path, config.labels, config.volumes)}


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


def banner(mark: str = CLONED) -> None:
    """Whose settings the form was filled with, and the way back to an empty one; mark: of FORMS."""
    cloned = st.session_state.get(mark)
    if not cloned:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/content_copy: Settings of **{plain(_name(cloned))}**")
        st.button(
            "Reset",
            key="reset-form",
            icon=":material/restart_alt:",
            type="tertiary",
            on_click=_reset,
            args=(mark,),
            help="Every field as it was at first.",
        )


def _name(config: TrainConfig) -> str:
    """The run that has these settings, the newest if there are several."""
    (run,) = sweep.members([config])
    return run_names.shown(run.id) if run else "a run that is gone"


def _reset(mark: str) -> None:
    begin = FORMS[mark]
    for key in [mark, *(key for key in st.session_state if str(key).startswith(begin))]:
        del st.session_state[key]
