"""One renderer for the knobs of all forms: every kind, through the page's own machinery."""

import pytest
from streamlit.testing.v1 import AppTest

from smd import registry
from smd.registry import Param

KINDS = {
    "int": Param("max_steps", "int", 7, "most steps", minimum=1, maximum=20),
    "float": Param("weight", "float", 0.75, "how much it counts"),
    "level": Param("eps", "level", 8 / 255, "noise level that it trains with"),
    "choice": Param("loss", "choice", "mix", "which loss", ("xent", "mix")),
}
FORM = """
import sys
sys.path.insert(0, {app!r})
import streamlit as st
from app.forms import knobs
from smd.registry import Param
wrong = []
value = knobs.knob(Param(*{param!r}), "it", wrong)
st.session_state["value"] = value
knobs.told(wrong)
st.button("Go", key="go", disabled=bool(wrong))
st.number_input("After it", key="after")
"""


def form(kind):
    from smd.paths import AROUND as REPOSITORY

    p = KINDS[kind]
    param = (
        p.name,
        p.kind,
        p.default,
        p.help,
        p.choices,
        p.in_form,
        p.minimum,
        min(p.maximum, 1e9),
    )
    return AppTest.from_string(FORM.format(app=str(REPOSITORY), param=param)).run()


def field(app, kind):
    groups = {
        "int": app.number_input,
        "float": app.number_input,
        "level": app.text_input,
        "choice": app.selectbox,
    }
    return groups[kind](key="it")


def test_these_are_all_kinds_that_there_are():
    from typing import get_args, get_type_hints

    assert set(KINDS) == set(get_args(get_type_hints(Param)["kind"]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_comes_out_as_it_went_in(kind):
    app = form(kind)
    assert not app.exception
    assert app.session_state["value"] == KINDS[kind].default
    assert type(app.session_state["value"]) is type(KINDS[kind].default)
    assert field(app, kind).label == KINDS[kind].title


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("int", 9, 9),
        ("float", 0.125, 0.125),
        ("level", "0.031", 0.031),
        ("level", "4/255", 4 / 255),
        ("choice", "xent", "xent"),
    ],
)
def test_what_is_typed_comes_out(kind, typed, value):
    app = form(kind)
    (
        field(app, kind).select(typed) if kind == "choice" else field(app, kind).set_value(typed)
    ).run()
    assert not app.exception
    assert app.session_state["value"] == value
    assert not app.button(key="go").disabled


def test_a_bad_level_is_named_as_its_field_and_leaves_the_form_whole():
    app = form("level")
    app.text_input(key="it").set_value("eight").run()
    assert app.error[0].value.startswith(
        "Eps: 'eight' is no noise level: write it like 8/255 or 0.031."
    )
    assert app.button(key="go").disabled
    assert app.number_input(key="after") is not None
    app.text_input(key="it").set_value("8/255").run()
    assert not app.error
    assert not app.button(key="go").disabled


def every_form():
    """(page, table, entry) of every entry that has knobs in a form."""
    tables = {
        "train": registry.DEFENSES,
        "attacks": registry.ATTACKS,
        "margins": registry.ESTIMATORS,
    }
    return [
        (page, name)
        for page, table in tables.items()
        for name, e in table.items()
        if shown(page, e)
    ]


def shown(page, entry):
    return [p for p in entry.params if p.in_form and not (page == "margins" and p.kind == "level")]


PICK = {"train": "train-defense", "attacks": "attack", "margins": "method"}
PREFIX = {"train": "train-", "attacks": "", "margins": ""}


@pytest.mark.slow
@pytest.mark.parametrize(("page", "name"), every_form())
def test_every_knob_of_every_entry_has_its_field_in_its_form(page, name, finished, monkeypatch):
    from paging import open_page

    from smd.jobs import launch

    monkeypatch.setattr(launch, "wake_all", lambda: None)
    app = open_page(page)
    app.selectbox(key=PICK[page]).select(name).run()
    assert not app.exception
    keys = {
        each.key for group in (app.number_input, app.text_input, app.selectbox) for each in group
    }
    table = {
        "train": registry.DEFENSES,
        "attacks": registry.ATTACKS,
        "margins": registry.ESTIMATORS,
    }[page]
    assert {f"{PREFIX[page]}{name}-{p.name}" for p in shown(page, table[name])} <= keys


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float", "level", "choice"])
def test_an_attack_may_have_a_knob_of_any_kind(kind, finished, monkeypatch):
    """As an added entry would: 0.75 stays 0.75, and a level is no text."""
    from dataclasses import replace

    from paging import open_page

    from smd.config import schema
    from smd.jobs import launch
    from smd.runs import folders

    monkeypatch.setattr(launch, "wake_all", lambda: None)
    monkeypatch.setattr(launch, "submit", lambda folder: None)
    p = KINDS[kind]
    entry = registry.ATTACKS["ce-pgd"]
    monkeypatch.setitem(registry.ATTACKS, "ce-pgd", replace(entry, params=(*entry.params, p)))
    app = open_page("attacks")
    key = f"ce-pgd-{p.name}"
    other = {"float": 0.5, "level": "4/255", "choice": "xent"}[kind]
    {"float": app.number_input, "level": app.text_input, "choice": app.selectbox}[kind](
        key=key
    ).set_value(other).run()
    app.button(key="start-attack").click().run()
    assert not app.exception
    assert not app.error
    asked = schema.read(
        schema.AttackConfig, folders.jobs_of(finished[0], "attack")[0] / "config.json"
    )
    assert asked.params[p.name] == {"float": 0.5, "level": 4 / 255, "choice": "xent"}[kind]


def test_a_bad_level_of_a_defense_leaves_the_train_form_whole(monkeypatch, own_runs):
    from streamlit.testing.v1 import AppTest

    from app.components.plain import plain
    from smd.jobs import launch
    from smd.paths import AROUND as REPOSITORY

    monkeypatch.setattr(launch, "wake_all", lambda: None)
    app = AppTest.from_file(str(REPOSITORY / "app" / "dashboard.py"), default_timeout=60).run()
    app.selectbox(key="train-defense").select("at").run()
    app.text_input(key="train-at-eps").set_value("1.5").run()
    assert not app.exception
    said = plain("Eps: The noise level 1.5 is outside [0, 1]")  # shown as it is, brackets and all
    assert any(error.value.startswith(said) for error in app.error)
    assert app.button(key="train").disabled
    assert {"train-seed", "train-batch", "train-at-steps"} <= {
        each.key for each in app.number_input
    }
    assert any("Now and next" in each.value for each in app.header)
    app.text_input(key="train-at-eps").set_value("0.5").run()
    assert not app.button(key="train").disabled
