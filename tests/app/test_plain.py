"""Text from elsewhere is shown as it is; that a browser shows it so is in tests/e2e."""

import ast
import re
from dataclasses import replace

import pytest
from paging import open_page, words

from app.components.plain import JOINER, plain
from smd.config.schema import TrainConfig
from smd.jobs import transitions
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders, notes
from smd.runs.notes import Notes

NASTY = "*bold* :material/check: :red[x] `code` [a](http://b.c) <b>"


@pytest.mark.parametrize(
    "text",
    ["cat", "an unknown class, 12:30 (2)", "python -m smd train --epochs 5", "/data/a-b.png"],
)
def test_what_means_nothing_to_markdown_stays_as_it_is(text):
    assert plain(text) == text


@pytest.mark.parametrize(
    "text",
    [NASTY, "# head", "1. one", "- item", "a_b_c", "$x$", "a\\b", "&amp;", "a -> b", "~~x~~"],
)
def test_marks_are_escaped_and_nothing_is_lost(text):
    shown = plain(text)
    assert shown != text
    assert re.sub(r"\\(.)", r"\1", shown).replace(JOINER, "") == text


def test_lines_become_one():
    assert plain("a\n\n# b") == "a # b"


def test_the_reason_of_a_failure_is_shown_as_it_is():
    run = folders.create(TrainConfig())
    transitions.write(run.folder, replace(transitions.own(run.status), state="failed", error=NASTY))
    text = words(open_page("live", run=run.id))
    assert plain(NASTY) in text
    assert NASTY not in text


@pytest.mark.slow
def test_tags_and_notes_are_shown_as_they_are(finished):
    run, _ = finished
    notes.write(run, Notes(text=NASTY, tags=("*paper*",)))
    app = open_page("live", run=run.id)
    assert NASTY in [text.value for text in app.text]
    assert r"\*paper\*" in words(app)


# of a status: a sentence from elsewhere; of a run: with its data and defense
FOREIGN = {"error", "stage", "label"}
SHOWN = {"error", "info", "warning", "markdown", "caption", "write", "toast", "badge", "success"}


def foreign(node):
    """Whether an expression puts such a text in without `plain`."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "plain":
        return False
    if (
        isinstance(node, ast.Attribute)
        and node.attr in FOREIGN
        and getattr(node.value, "id", "") in ("status", "ui")
    ):
        return True
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "str" and node.args:
        return getattr(node.args[0], "id", "") == "error"
    return any(foreign(child) for child in ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", sorted((REPOSITORY / "app").rglob("*.py")), ids=lambda p: p.name)
def test_no_page_shows_such_a_text_as_markdown(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    shown = [
        c
        for c in calls
        if getattr(c.func, "attr", "") in SHOWN and getattr(c.func.value, "id", "") == "st"
    ]
    assert [call.lineno for call in shown if any(foreign(arg) for arg in call.args)] == []
