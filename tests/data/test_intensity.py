"""Noise in units of the files, and what may be asked of their intensities."""

import pytest

from smd.config import intensities
from smd.config.schema import TrainConfig
from smd.config.validation import of_training
from smd.data import intensity, load
from smd.data.intensity import Bounds, in_units
from smd.errors import UserError


def test_noise_is_said_in_the_units_of_the_files():
    assert in_units(8 / 255, -160, 240, "HU") == "12.5 HU"
    assert in_units(2 / 255, -1000, 2000, "HU") == "23.5 HU"
    assert in_units(1, 0, 65535, "") == "65535"
    assert Bounds(-160, 240.0, "HU").words == "-160 to 240 HU"


def test_bounds_come_back_as_they_were_kept_and_nothing_else_does():
    bounds = Bounds(-160.0, 240.0, "HU")
    assert intensity.read(bounds.json) == bounds
    for change in (
        {"low": 240},
        {"low": None},
        {"high": float("nan")},
        {"unit": "<b>"},
        {"unit": []},
    ):
        assert intensity.read(bounds.json | change) is None
    assert intensity.read([1, 2]) is None


def test_what_is_asked_for_is_read():
    assert intensities.parse("") == intensities.USUAL
    assert intensities.parse("window:-160..240.5") == intensities.Mapping("window", -160, 240.5)
    assert intensities.parse("percentiles:1..99").kind == "percentiles"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("window", "There are no intensities 'window': write window:-160..240"),
        ("window:1e9..2", "There are no intensities"),
        ("window:5..5", "upside down"),
        ("percentiles:1..101", "outside 0..100"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(text, words):
    with pytest.raises(UserError, match=words):
        load("folder", "/nowhere", intensity=text)
    assert any(words in sentence for sentence in of_training(TrainConfig("folder", intensity=text)))


def test_other_sets_have_no_intensities_to_choose():
    with pytest.raises(UserError, match="own images only"):
        load("digits", intensity="range")
