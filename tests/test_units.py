"""Noise levels: read as people write them, written as papers do."""

import math

import numpy as np
import pytest

from smd.errors import UserError
from smd.units import bin255, parse_level, parse_levels, px, show_bytes, show_level, show_levels


@pytest.mark.parametrize(
    ("text", "value"), [("8/255", 8 / 255), ("0.031", 0.031), ("0", 0), (" 1 ", 1), ("1/4", 0.25)]
)
def test_both_spellings_are_read(text, value):
    assert parse_level(text) == value


@pytest.mark.parametrize(
    "text", ["", "eight", "8/0", "-1/255", "1.1", "300/255", "nan", "inf", "8/255/2"]
)
def test_what_is_no_level_is_refused_with_an_example(text):
    with pytest.raises(UserError, match="8/255"):
        parse_level(text)


def test_lists_are_sorted_and_each_level_counts_once():
    assert parse_levels("8/255, 2/255,8/255") == px(2, 8)
    assert parse_levels("") == ()


@pytest.mark.parametrize("k", range(1, 256))
def test_whole_pixel_steps_survive_writing_and_reading(k):
    assert show_level(k / 255) == f"{k}/255"
    assert parse_level(show_level(k / 255)) == k / 255


def test_a_length_beyond_the_last_bin_is_in_that():
    assert bin255([0.0, 8 / 255, 128.5, 388.0]).tolist() == [0, 8, 32767, 32767]


def test_other_levels_are_short_decimals():
    assert show_levels((0.0, 0.05)) == "0,0.05"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 KiB"), (1, "1 KiB"), (2048, "2 KiB"), (1.5 * 2**20, "1.5 MiB"), (2**31, "2.0 GiB")],
)
def test_bytes_are_written_as_people_say_them(size, text):
    assert show_bytes(size) == text


def test_an_l2_level_may_be_longer_than_one():
    assert parse_levels("0.5,1.5", math.inf) == (0.5, 1.5)
    with pytest.raises(UserError, match="no length"):
        parse_level("-1", math.inf)
    with pytest.raises(UserError, match="outside"):
        parse_level("1.5")


@pytest.mark.parametrize("k", range(41))
def test_a_margin_of_k_pixel_steps_is_in_bin_k(k):
    assert bin255(np.float32([k / 255]))[0] == k
    assert bin255(np.float32(k) * np.float32([1 / 255]))[0] == k
    assert bin255(np.float32([(k + 0.99) / 255]))[0] == k
