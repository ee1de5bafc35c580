"""A field of a config is said in one place: a toy one is a flag, a bound, a shell word, JSON."""

import argparse
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from smd.cli import flags
from smd.config import commands, options, types, validation
from smd.config.options import Value, option
from smd.config.schema import from_json, to_json
from smd.registry import Param


@dataclass(frozen=True)
class Entry:
    params: tuple[Param, ...]


GLAZES = {"matt": Entry((Param("coats", "int", 1, "how many"),)), "gloss": Entry(())}


@dataclass(frozen=True)
class ToyConfig:
    """One firing of a pot."""

    run: str
    glaze: str = option("matt", "{names} ({default})", table=GLAZES, knobs=True, always=True)
    params: Mapping[str, Value] = field(default_factory=dict)
    heat_up: int = option(3, "hours ({default})", title="Hours", minimum=1, maximum=9)
    clay: str = option("red", "of what ({default})", choices=("red", "white", "black"))
    kilns: tuple[int, ...] = option((), "which", minimum=0, below="No kiln is {value}.")
    levels: tuple[float, ...] = option((), "how loud", flag="--eps", level=True)
    slow: bool = option(False, "take your time", in_form=False)


def parsed(*words: str) -> ToyConfig:
    sub = argparse.ArgumentParser()
    flags.add(sub, ToyConfig)
    return ToyConfig("r", **flags.values(ToyConfig, vars(sub.parse_args(words))))


EVERYTHING = ToyConfig("r", "matt", {"coats": 2}, 4, "white", (0, 2), (8 / 255,), True)
WORDS = [
    *("--glaze", "matt:coats=2", "--heat-up", "4", "--clay", "white"),
    *("--kilns", "0,2", "--eps", "8/255", "--slow"),
]


def test_flags_and_shell_words_say_the_same() -> None:
    assert commands.words(EVERYTHING) == WORDS
    assert parsed(*WORDS) == EVERYTHING
    assert parsed() == ToyConfig("r")
    assert commands.words(ToyConfig("r")) == ["--glaze", "matt"]
    assert commands.words(EVERYTHING, leave_out=("glaze", "slow")) == WORDS[2:-1]


def test_the_help_tells_names_and_defaults() -> None:
    sub = argparse.ArgumentParser()
    flags.add(sub, ToyConfig, leave_out=("slow",))
    text = " ".join(sub.format_help().split())
    for said in ("matt, gloss (matt)", "--heat-up HEAT_UP hours (3)", "{red,white,black}"):
        assert said in text
    assert "--slow" not in text


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ({"glaze": "mud"}, "There is no glaze 'mud': choose one of matt, gloss."),
        ({"params": {"shine": 1}}, "The glaze 'matt' has no parameter 'shine'; it knows coats."),
        ({"heat_up": 0}, '"Hours" is 0: it must be at least 1.'),
        ({"heat_up": 10}, '"Hours" is 10: it must be at most 9.'),
        ({"clay": "blue"}, "There is no clay 'blue': choose red, white or black."),
        ({"kilns": (1, -2)}, "No kiln is -2."),
        ({"levels": (8.0,)}, "The noise level 8 is outside (0, 1]:"),
    ],
)
def test_bounds_and_choices_are_told(wrong: dict[str, object], sentence: str) -> None:
    (told,) = validation.of_fields(dataclasses.replace(ToyConfig("r"), **wrong))
    assert told.startswith(sentence)


def test_what_is_right_has_nothing_told() -> None:
    assert validation.of_fields(EVERYTHING) == validation.of_fields(ToyConfig("r")) == []


def test_a_file_holds_what_it_may() -> None:
    assert from_json(ToyConfig, json.loads(json.dumps(to_json(EVERYTHING)))) == EVERYTHING
    for wrong in ({"heat_up": -1}, {"clay": "blue"}, {"slow": 1}, {"kilns": [0.5]}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            types.check(ToyConfig, wrong)


def test_what_the_form_does_not_show() -> None:
    assert options.outside_the_form(ToyConfig) == ["slow"]
