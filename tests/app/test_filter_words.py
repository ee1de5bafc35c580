"""The filters in words, above the page."""

from dataclasses import fields, replace

import pytest
from paging import open_page, words
from test_filters import FULL, KNOWN, REGION, WHOLE

from app.components import run_names
from app.selection import filter_words
from app.selection.filters import FINDS, Within

# what leaves images out, by itself, and the words for it
NARROWING = {
    "labels": ((0, 1), "class cat, dog"),
    "within": (Within.of("odd ones", (3, 5)), "in the set odd ones"),
    "span": ((2.0, 9.5), "margin 2.0 to 9.5/255"),
    "find": ("closest", "the 24 closest to the boundary"),
    "region": (REGION, "drawn around in the embedding"),
}
# what only says more of one of these
DETAILS = {"split", "epoch", "estimate", "norm", "between", "eps", "eps_norm", "most", "taken_for"}


@pytest.mark.parametrize("name", NARROWING)
def test_whatever_leaves_images_out_is_said(name):
    value, said = NARROWING[name]
    narrowed = replace(WHOLE, **{name: value})
    assert not narrowed.everything
    assert filter_words.of(narrowed, KNOWN) == [said]


def test_every_filter_has_its_words_or_is_a_detail_of_another():
    assert {field.name for field in fields(WHOLE)} == {*NARROWING, *DETAILS}


def test_where_nothing_is_left_out_nothing_is_said():
    assert filter_words.of(WHOLE, KNOWN) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"find": "shrank", "between": (1, 2)}, "margin shrank most between epochs 1 and 2"),
        ({"find": "correct"}, "classified correctly without noise"),
        (
            {"find": "misclassified", "eps": 8 / 255, "taken_for": (1,)},
            "misclassified at 8/255, taken for dog",
        ),
        ({"span": (0.0, 3.0), "epoch": 2}, "margin 0.0 to 3.0/255 after epoch 2"),
    ],
)
def test_details_are_said_where_they_count(changed, said):
    assert filter_words.of(replace(WHOLE, **changed), KNOWN) == [said]


def test_several_are_said_in_the_order_in_which_they_narrow():
    assert filter_words.of(FULL, KNOWN) == [
        "class dog",
        "margin 2.0 to 9.5/255 after epoch 2",
        "fooled by AutoAttack only at 16/255",
        "drawn around in the embedding",
    ]


@pytest.mark.parametrize("find", FINDS)
def test_every_question_has_its_title_in_the_words(find):
    (said,) = filter_words.of(replace(WHOLE, find=find), KNOWN)
    assert FINDS[find] in said


def test_the_bar_says_the_run_the_images_and_the_filters(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, **{"class": "3", "find": "closest to the boundary"})
    assert run_names.shown(run.id) in words(app)
    assert "of 300 training images** · class 3 · the 24 closest to the boundary" in words(app)
    assert [widget.key for widget in app.sidebar.multiselect] == []
