"""The three kinds of margins: found, reached, misclassified."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from smd.core import kinds
from smd.core.kinds import FOUND, REACHED
from smd.store import sql


def rows(*values, kind=kinds.FOUND):
    return pd.DataFrame({"margin": np.float32(values) / np.float32(255), "kind": kind})


FLAGS = [(True, True), (True, False), (False, True), (False, False)]


def test_what_is_misclassified_has_no_margin_whatever_its_search_met():
    clean, crossed = (np.array(column) for column in zip(*FLAGS, strict=True))
    assert kinds.kinds(clean, crossed).tolist() == [
        "found",
        "reached",
        "misclassified",
        "misclassified",
    ]


@pytest.mark.parametrize("flags", FLAGS)
def test_sql_tells_them_apart_as_python_does(flags):
    query = f"SELECT {sql.KIND} FROM (SELECT ?::BOOLEAN AS clean_ok, ?::BOOLEAN AS crossed)"
    with duckdb.connect() as con:
        assert con.execute(query, flags).fetchone() == (kinds.kinds(*flags).item(),)


@pytest.mark.parametrize("k", range(1, 65))
def test_a_boundary_found_at_just_the_level_is_not_beyond_it(k):
    assert kinds.beyond(rows(k - 0.01, k, k + 0.01), k / 255).tolist() == [False, False, True]


@pytest.mark.parametrize("k", range(1, 65))
def test_a_search_that_came_as_far_as_the_level_in_vain_is_beyond_it_and_a_shorter_one_says_nothing(
    k,
):
    found = rows(k - 0.01, k, k + 0.01, kind=kinds.REACHED)
    assert kinds.beyond(found, k / 255).tolist() == [False, True, True]
    assert kinds.undecided(found, k / 255).tolist() == [True, False, False]


def test_a_misclassified_image_is_beyond_no_level_whatever_number_it_kept():
    found = rows(0, 85, kind=kinds.MISCLASSIFIED)
    assert not kinds.beyond(found, 8 / 255).any()
    assert not kinds.beyond(found, 0.0).any()
    assert not kinds.undecided(found, 8 / 255).any()


def test_every_kind_is_explained():
    assert tuple(kinds.MEANING) == (*kinds.KINDS, kinds.CERTIFIED, kinds.NOT_DRAWN)
    assert set(kinds.EVERY) == {*kinds.KINDS, kinds.CERTIFIED}


def test_a_certified_margin_decides_levels_up_to_itself_and_none_beyond():
    proven = rows(4, 8, 12, kind=kinds.CERTIFIED)
    assert list(kinds.beyond(proven, np.float32(8 / 255))) == [False, True, True]
    assert list(kinds.undecided(proven, np.float32(8 / 255))) == [True, False, False]


def test_the_median_is_a_found_one_only_if_no_search_in_vain_could_change_it():
    def rows(*pairs):
        return pd.DataFrame(pairs, columns=["margin", "kind"])

    assert kinds.middle(rows((1, FOUND), (2, FOUND), (9, REACHED))) == (2, FOUND)
    assert kinds.middle(rows((1, FOUND), (9, REACHED), (9, REACHED))) == (9, REACHED)
    # one that ended at 1 may have its boundary beyond 3
    assert kinds.middle(rows((1, REACHED), (2, FOUND), (3, FOUND))) == (2, REACHED)
    assert kinds.middle(rows((1, FOUND), (0, kinds.MISCLASSIFIED))) == (1, FOUND)
    assert kinds.middle(
        rows(
            (1, kinds.CERTIFIED),
        )
    ) == (1, kinds.CERTIFIED)
    assert kinds.middle(rows((0, kinds.MISCLASSIFIED)))[1] == kinds.MISCLASSIFIED
