"""The filters as one value: read from an address and written to it, by one module alone."""

import ast

import pytest

from app.selection import filters
from app.selection.choices import Choices
from app.selection.filters import FINDS, Filters, Within
from app.selection.region import Region
from app.selection.sources import Source
from smd.paths import AROUND as REPOSITORY

OWN = Source(None, "while training")
KNOWN = Choices(
    "train",
    ("cat", "dog"),
    OWN,
    (1, 2, 5),
    30.0,
    {"8/255": 8 / 255, "16/255": 16 / 255},
    frozenset({"m"}),
    {"odd hands": (3, 5)},
)
REGION = Region("m", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))
WHOLE = Filters(epoch=5, between=(1, 5))
FULL = Filters("train", 2, "", (1,), (2.0, 9.5), "autoattack", (1, 2), 16 / 255, REGION, most=10)
SET = Filters(epoch=5, between=(1, 5), within=Within.of("odd hands", (3, 5)))


TAKEN = Filters(epoch=5, between=(1, 5), find="misclassified", taken_for=(1,))


@pytest.mark.parametrize("wanted", [WHOLE, FULL, TAKEN, SET])
def test_what_is_written_to_an_address_is_read_from_it(wanted):
    assert Filters.from_query(wanted.to_query(KNOWN), KNOWN) == wanted


def test_without_a_query_every_image_is_meant_after_the_last_epoch():
    assert Filters.from_query({}, KNOWN) == WHOLE
    assert WHOLE.everything
    assert not FULL.everything


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("class", ["horse"]),
        ("range", (0.0, 30.0)),
        ("find", "whatever"),
        ("level", "3/255"),
        ("region", "other~0~0~1~0~1~1"),
        ("region", "nonsense"),
        ("set", "even hands"),
    ],
)
def test_what_a_run_does_not_have_filters_nothing(key, value):
    assert Filters.from_query({key: value}, KNOWN) == WHOLE


def test_an_epoch_that_is_not_kept_is_the_last_one_before_it():
    assert Filters.from_query({"epoch": 4}, KNOWN).epoch == 2
    assert Filters.from_query({"between": (2, 9)}, KNOWN).between == (2, 5)


def test_without_margins_no_filter_is_about_them():
    bare = Choices("train", ("cat", "dog"))
    query = {"epoch": 2, "range": (1.0, 2.0), "between": (1, 2), "class": ["dog"]}
    assert Filters.from_query(query, bare) == Filters(labels=(1,))


def test_a_noise_level_counts_only_where_it_is_asked_for():
    assert Filters.from_query({"level": "8/255"}, KNOWN).eps == 0
    query = {"level": "8/255", "find": FINDS["overestimated"]}
    assert Filters.from_query(query, KNOWN).eps == 8 / 255


def test_older_titles_of_questions_name_questions_of_now():
    assert set(filters.RENAMED.values()) <= set(FINDS.values())
    assert not set(filters.RENAMED) & set(FINDS.values())


def strings(node):
    """The constant keys that are looked up in `node`, of x["key"], x.get("key"), x.pop("key")."""
    key = None
    if isinstance(node, ast.Subscript):
        owner, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        owner, key = node.func.value, node.args[0]
    if isinstance(key, ast.Constant) and "st." in ast.unparse(owner):
        yield ast.unparse(owner), key.value


def test_only_one_module_reads_and_writes_the_keys_of_the_selection():
    from app.selection.state import KEYS

    users = {
        path.name
        for path in (REPOSITORY / "app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for owner, key in strings(node)
        if owner in ("st.session_state", "st.query_params") and key in KEYS
    }
    assert users == {"state.py"}
