"""Short ways to write the knobs of an entry, and the rows of a table."""

import math
from typing import Any, TypeVar

from smd.registry.kinds import Entry, Param

E = TypeVar("E", bound=Entry)


def named(*entries: E) -> dict[str, E]:
    """A table of the registry: its entries by name, in the order in which they are offered."""
    return {entry.name: entry for entry in entries}


def level(name: str, default: float, help: str, in_form: bool = True) -> Param:
    """A noise level or another length in [0, 1], written k/255."""
    return Param(name, "level", default, help, in_form=in_form)


def count(name: str, default: int, help: str, minimum: int = 1, in_form: bool = True) -> Param:
    """A whole number of something."""
    return Param(name, "int", default, help, in_form=in_form, minimum=minimum)


def weight(
    name: str, default: float, help: str, maximum: float = math.inf, in_form: bool = True
) -> Param:
    """A number from 0 to the maximum without a unit."""
    return Param(name, "float", default, help, in_form=in_form, maximum=maximum)


def choice(name: str, choices: tuple[str, ...], help: str, in_form: bool = True) -> Param:
    """One of some words; the first is the default."""
    return Param(name, "choice", choices[0], help, choices, in_form)


def each(name: str, values: tuple[Any, ...]) -> tuple[dict[str, Any], ...]:
    """Settings that differ in one knob."""
    return tuple({name: value} for value in values)
