"""An address is anybody's.

It chooses what is looked at, and starts, runs, changes, deletes and reads nothing more.
"""

import ast
import inspect

import pytest
from paging import open_page, words

from app import actions
from smd.jobs import launch
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders
from smd.store import query as ask

APP = REPOSITORY / "app"
TREES = {path: ast.parse(path.read_text()) for path in sorted(APP.rglob("*.py"))}
CALLS = [
    (path, node)
    for path, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.Call)
]
VIEWS = sorted(path.stem for path in (APP / "views").glob("[a-z]*.py"))
CHOICES = {
    "multiselect",
    "selectbox",
    "segmented_control",
    "slider",
    "select_slider",
    "number_input",
    "toggle",
    "checkbox",
    "radio",
    "pills",
}
VALUES = {"number": "1", "picture": "![x](http://evil.example/x.png)"}


def given(call, name):
    return next(
        (
            keyword.value.value
            for keyword in call.keywords
            if keyword.arg == name and isinstance(keyword.value, ast.Constant)
        ),
        None,
    )


def keys():
    """The keys of all widgets and of all that pages look for in the address."""
    names = {given(call, "key") for _, call in CALLS} | {
        "run",
        "path",
        "data_path",
        "start",
        "delete",
        "sql",
    }
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                names.add(node.slice.value)
    return {name for name in names if isinstance(name, str) and name.isprintable()}


def test_an_address_fills_in_only_what_chooses_and_texts_that_wait_for_a_click_or_filter():
    bound = [(path.name, call.func.attr) for path, call in CALLS if given(call, "bind")]
    assert len(bound) > 20
    assert {(name, kind) for name, kind in bound if kind not in CHOICES} == {
        ("query.py", "text_area"),
        ("run_listing.py", "text_input"),
    }


@pytest.fixture
def acted(monkeypatch):
    """What was done meanwhile."""
    done = []
    for name, act in vars(actions).items():
        if (
            inspect.isfunction(act)
            and act.__module__ == "app.actions"
            and name[0] != "_"
            and name not in ("guarded", "button")
        ):
            monkeypatch.setattr(actions, name, lambda *_args, act=name, **_kwargs: done.append(act))
    monkeypatch.setattr(launch, "wake_all", lambda: None)
    answer = ask.ask

    def asked(store, query, *more):
        if query in VALUES.values():
            done.append(query)
        return answer(store, query, *more)

    monkeypatch.setattr(ask, "ask", asked)
    return done


@pytest.mark.slow
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_whatever_an_address_says_nothing_is_done_and_its_words_are_no_markdown(
    value, finished, acted
):
    before = {run.id for run in folders.all_runs()}
    for view in VIEWS:
        app = open_page(view, **dict.fromkeys(keys(), value))
        assert VALUES["picture"] not in words(app)
    assert acted == []
    assert {run.id for run in folders.all_runs()} == before
