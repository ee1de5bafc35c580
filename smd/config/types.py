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
    return _near(value) if _whole(value) else isinstance(value, float) and math.isfinite(value)


def count(value: Any) -> bool:
    """Whether it is a whole number from 0 on."""
    return _whole(value) and 0 <= value <= LARGEST


def text(value: Any) -> bool:
    """Whether it is a text of bounded length that a file can hold."""
    return isinstance(value, str) and len(value) <= LONGEST and _writable(value)


def _writable(value: str) -> bool:
    try:
        value.encode()  # half a character raises, such as a byte of a name that is no UTF-8
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _near(value: Any) -> bool:
    return isinstance(value, int) and abs(value) <= LARGEST


def _a_number(value: Any) -> bool:
    return _whole(value) or isinstance(value, float)


def _all(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(fits, value))


def _params(fits: Callable[[Any], bool], known: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, Mapping)
        and all(known(name) and (known(v) or fits(v)) for name, v in value.items())
    )


def _from_0(value: Any) -> bool:
    return number(value) and value >= 0


def _a_text(value: Any) -> bool:
    return isinstance(value, str)


FITS: Mapping[str, Callable[[Any], bool]] = {
    "str": text,
    "bool": lambda value: isinstance(value, bool),
    "int": count,
    "float": _from_0,
    "params": _params(number, text),
    "ints": _all(count),
    "floats": _all(_from_0),
}
# the same without bounds: whether a field holds such a thing at all, so that it can be compared
KINDS: Mapping[str, Callable[[Any], bool]] = {
    "str": _a_text,
    "bool": FITS["bool"],
    "int": _whole,
    "float": _a_number,
    "params": _params(_a_number, _a_text),
    "ints": _all(_whole),
    "floats": _all(_a_number),
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


def too_large(value: Any) -> bool:
    """Whether it is a whole number that is not the same in JSON, in Python and in a store, or
    has one."""
    if isinstance(value, Mapping):
        return too_large(list(value.values()))
    if isinstance(value, list | tuple):
        return any(map(too_large, value))
    return _whole(value) and not _near(value)


def shapes(kind: type) -> dict[str, str]:
    """What each field of a config class holds, by its name: see FITS."""
    return {name: options.shape(hint) for name, hint in get_type_hints(kind).items()}


def unlike(shape: str, value: Any) -> str:
    """What a field of that shape must hold where this is another kind of thing; ""."""
    if too_large(value):
        return f"at most {LARGEST:,}"
    return "" if KINDS[shape](value) else NAMES[shape]


def misfit(name: str, shape: str, value: Any) -> str:
    """What a field of that name and shape must hold where this is something else; ""."""
    if wanted := unlike(shape, value):
        return wanted
    if not FITS[shape](value):
        return NAMES[shape] + (f" of at most {LONGEST:,} characters in UTF-8" * (shape == "str"))
    if name == "device" and not devices.is_name(value):
        return devices.CHOICE
    if name == "devices" and not several.is_text(value):
        return several.HELP
    return ""


def check(kind: type, values: Mapping[str, Any]) -> None:
    """Raises ValueError for the first field of `values` that does not hold what that dataclass has
    there."""
    known = shapes(kind)
    choices = {each.name: each.option.choices for each in options.fields(kind)}
    for name, value in values.items():
        if wanted := misfit(name, known[name], value):
            raise ValueError(f"{name} must be {wanted}")
        if choices.get(name) and value not in choices[name]:
            raise ValueError(f"{name} must be {' or '.join(filter(None, choices[name]))}")
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
