"""What the fields of a config's file may hold.

It may have come from elsewhere, and pages compute with it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from smd import devices, registry, several
from smd.config import options
from smd.registry import Param

LONGEST = 4096  # characters, as long as a path may be
LARGEST = 2**53  # whole numbers up to here are the same in JSON, in Python and in a store


def number(value: Any) -> bool:
    """Whether it is a finite number, and no truth value."""
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
    return whole or (isinstance(value, float) and math.isfinite(value))


def count(value: Any) -> bool:
    """Whether it is a whole number from 0 on."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def text(value: Any) -> bool:
    """Whether it is a text of bounded length."""
    return isinstance(value, str) and len(value) <= LONGEST


def _params(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        text(name) and (text(v) or number(v)) for name, v in value.items()
    )


FITS: Mapping[str, Callable[[Any], bool]] = {
    "str": text,
    "bool": lambda value: isinstance(value, bool),
    "int": count,
    "float": lambda value: number(value) and value >= 0,
    "params": _params,
    "ints": lambda value: isinstance(value, list | tuple) and all(map(count, value)),
    "floats": lambda value: (
        isinstance(value, list | tuple) and all(number(v) and v >= 0 for v in value)
    ),
}
NAMES = {
    "str": "a text",
    "bool": "true or false",
    "int": "a whole number from 0 on",
    "float": "a number from 0 on",
    "params": "settings by name",
    "ints": "whole numbers from 0 on",
    "floats": "numbers from 0 on",
}


def check(kind: type, values: Mapping[str, Any]) -> None:
    """Raises ValueError for the first field of `values` that does not hold what that dataclass has
    there."""
    hints = get_type_hints(kind)
    choices = {each.name: each.option.choices for each in options.fields(kind)}
    for name, value in values.items():
        shape = options.shape(hints[name])
        if not FITS[shape](value):
            raise ValueError(f"{name} must be {NAMES[shape]}")
        if choices.get(name) and value not in choices[name]:
            raise ValueError(f"{name} must be {' or '.join(filter(None, choices[name]))}")
        if name == "device" and not devices.is_name(value):
            raise ValueError(f"device must be {devices.CHOICE}")
        if name == "devices" and not several.is_text(value):
            raise ValueError(f"devices must be {several.HELP}")
    _check_knobs(values)


def _check_knobs(values: Mapping[str, Any]) -> None:
    for known in _known(values):
        given = values.get("params", {}).get(known.name, known.default)
        if isinstance(given, str) != (known.kind == "choice"):
            raise ValueError(
                f"{known.name} must be {'a text' if known.kind == 'choice' else 'a number'}"
            )


def _known(values: Mapping[str, Any]) -> tuple[Param, ...]:
    """The knobs of what is named; none of what this version does not know."""
    tables: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("defense", registry.DEFENSES),
        ("attack", registry.ATTACKS),
        ("method", registry.ESTIMATORS),
    )
    for name, table in tables:
        if values.get(name) in table:
            return tuple(table[values[name]].params)
    return ()
