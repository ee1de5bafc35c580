"""Paired tests: McNemar's where verdicts are yes or no, permutations of signs where they are
shares."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from smd import stats as paired


def shares(values, index=None):
    return pd.Series(np.asarray(values, float), index)


def test_verdicts_are_compared_by_mcnemars_exact_test():
    one, two = np.zeros(50), np.zeros(50)
    one[:12], two[12:15] = 1, 1
    assert paired.p_value(shares(one), shares(two)) == pytest.approx(stats.binomtest(12, 15).pvalue)


def test_the_order_of_the_images_does_not_matter():
    one = shares([1, 1, 0, 1, 1, 1, 1, 1], list("abcdefgh"))
    two = shares([0] * 8, list("hgfedcba"))
    assert paired.p_value(one, two) == paired.p_value(one, two[::-1])


@pytest.mark.parametrize("index", [range(1, 9), range(7), [0] * 8])
def test_other_images_have_no_p_value(index):
    one, two = shares([1] * 8), shares([0] * len(index), index)
    assert paired.p_value(one, two) is None
    assert not paired.better(one, two)


def test_shares_are_compared_by_the_signs_of_their_differences():
    """All signs of ten differences can be tried: the p-value is exact."""
    differences = np.array([1, 1, 1, 2, 2, 3, 3, 3, -1, -2]) / 3
    signs = np.array(np.meshgrid(*[[-1, 1]] * 10)).reshape(10, -1)
    sums = (signs * np.abs(differences)[:, None]).sum(0)
    exact = 2 * min((sums >= differences.sum() - 1e-9).mean(), 0.5)
    assert paired.p_value(shares(differences), shares([0] * 10)) == pytest.approx(exact)


def test_many_shares_give_the_same_p_value_every_time():
    draw = np.random.default_rng(0)
    one, two = shares(draw.integers(0, 4, 500) / 3), shares(draw.integers(0, 4, 500) / 3)
    first = paired.p_value(one, two)
    paired._p.cache_clear()
    assert first == paired.p_value(one, two)
    assert first == pytest.approx(stats.ttest_rel(one, two).pvalue, abs=0.02)


def test_what_fares_alike_is_not_better():
    assert paired.p_value(shares([1, 0, 0.5]), shares([1, 0, 0.5])) == 1
    assert not paired.better(shares([1, 0]), shares([1, 0]))


def test_few_images_cannot_be_better_and_enough_can():
    assert not paired.better(shares([1] * 5 + [0] * 95), shares([0] * 100))
    assert paired.better(shares([1] * 6 + [0] * 94), shares([0] * 100))
    assert not paired.better(shares([0] * 100), shares([1] * 6 + [0] * 94))


def test_a_spread_is_that_of_a_sample_and_unknown_of_one_value():
    assert paired.mean_and_spread([1.0, 2.0, 3.0]) == (2.0, 1.0)
    mean, spread = paired.mean_and_spread([4.0])
    assert mean == 4.0 and np.isnan(spread)


def test_spreads_are_pooled_as_variances():
    assert paired.pooled([3.0, 4.0]) == pytest.approx(np.sqrt(12.5))
    assert np.isnan(paired.pooled([3.0, np.nan]))


def test_the_interval_of_one_share_is_that_of_many():
    low, high = paired.wilson(np.array([0.25, 0.9]), np.array([4, 10]))
    assert paired.wilson_of_one(0.9, 10) == (low[1], high[1])


def test_images_of_one_patient_fall_together():
    """Two equally good networks on 20 patients with 10 images each, whose images fare alike."""
    draw = np.random.default_rng(0)
    whose = pd.Series(np.repeat([f"p{k}" for k in range(20)], 10))
    found = []
    for _ in range(60):
        one, two = (shares(draw.random(200) < np.repeat(draw.beta(2, 1, 20), 10)) for _ in range(2))
        found.append((paired.p_value(one, two), paired.p_value(one, two, whose)))
    images, patients = (np.array(found) < paired.LEVEL).mean(axis=0)
    assert images > 0.15  # what should be one in twenty
    assert patients < 0.11


def test_an_image_of_an_unknown_patient_is_one_of_its_own():
    one, two = shares([1] * 6 + [0] * 94), shares([0] * 100)
    unknown = pd.Series([None] * 100, dtype=object)
    assert paired.p_value(one, two, unknown) == paired.p_value(one, two)
    assert paired.p_value(one, two, unknown[:0]) == paired.p_value(one, two)
    pairs = pd.Series(["a", "a", "b", "b", *[None] * 96], dtype=object)
    # 2, 2, 1 and 1 of one sign: 2 of 16 are as far from 0
    assert paired.p_value(one, two, pairs) == pytest.approx(2 / 16)


def test_the_interval_of_a_paired_difference_is_agresti_and_mins():
    one, two = pd.Series([1.0] * 12 + [0.0] * 8), pd.Series([1.0] * 5 + [0.0] * 12 + [1.0] * 3)
    low, high = paired.paired_interval(one, two.iloc[::-1])
    # b = 7 images that only one withstands, c = 3, n = 20, half an image more in each cell
    b, c, n = 7.5, 3.5, 22
    middle, half = (b - c) / n, 1.959964 * math.sqrt(b + c - (b - c) ** 2 / n) / n
    assert (low, high) == pytest.approx((middle - half, middle + half))
    low, high = paired.paired_interval(one, one)
    assert low < 0 < high


def test_the_interval_of_a_paired_difference_ends_where_differences_do():
    one, two = pd.Series([1.0] * 3), pd.Series([0.0] * 3)
    assert paired.paired_interval(one, two)[1] == 1
    assert paired.paired_interval(two, one)[0] == -1


def test_adjusted_p_values_are_holms():
    found = paired.holm(np.array([0.04, 0.01, 0.03, 0.9]))
    assert found == pytest.approx([0.09, 0.04, 0.09, 0.9])  # 0.03 * 3, which 0.04 * 2 is not below
    assert paired.holm(np.array([0.6, 0.7])).max() == 1
    assert len(paired.holm(np.array([]))) == 0


def test_trainings_that_all_ended_alike_tell_nothing_of_how_others_end():
    assert not paired.trained_better([96.66, 96.66], [96.38, 96.38])
    assert paired.trained_better([96.6, 96.7], [90.1, 90.2])
