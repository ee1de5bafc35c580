"""Reading a choice with its knobs as the command line takes it: "trades:beta=6:eps=8/255"."""

from collections.abc import Mapping
from typing import Any

from smd import registry
from smd.config.options import Value
from smd.errors import UserError
from smd.registry import Param
from smd.units import parse_level


def parse_choice(text: str, table: Mapping[str, Any], what: str) -> tuple[str, dict[str, Value]]:
    """Read "name" or "name:key=value:key=value" as the command line takes it.

    Returns (name, params); raises UserError for an unknown name, key or value.
    """
    name, *pairs = text.split(":")
    known = {p.name: p for p in registry.find(table, name, what).params}
    params: dict[str, Value] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in known:
            names = ", ".join(known) or "none"
            raise UserError(
                f"'{pair}' is no parameter of {what} '{name}': write key=value with one of {names}."
            )
        params[key] = _parse_value(known[key], value)
    return name, params


def _parse_value(param: Param, text: str) -> Value:
    try:
        if param.kind == "level":
            return parse_level(text)
        return {"int": int, "float": float, "choice": str}[param.kind](text)
    except ValueError:
        raise UserError(f"{param.name}={text} is no {param.kind}.") from None


def numbers(text: str) -> tuple[int, ...]:
    """Read a comma-separated list of whole numbers."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UserError(f"'{text}' is no list of whole numbers: write it like 0,1,2.") from None
