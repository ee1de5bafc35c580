"""Reading a choice with its knobs as the command line takes it: "trades:beta=6:eps=8/255"."""

import math
from collections.abc import Callable, Mapping
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


# of columns in a table of labels; "rows" is no column's, and tells which rows count
ROLES = ("path", "index", "label", "patient", "site", "split", "group", "rows")
SINGLE = "single"  # of one-hot labels, the rows with one 1; all others are left out


def columns(text: str) -> tuple[tuple[str, str], ...]:
    """Read "path=file,label=dx,group=sex": (role, name of a column), the name "" for no column.

    label=A+B+C names one-hot columns, rows=single is the only word for rows. Raises UserError for
    a role that there is not, or that is named twice; groups may be several.
    """
    pairs: list[tuple[str, str]] = []
    for word in filter(str.strip, text.split(",")):
        role, equals, name = (part.strip() for part in word.partition("="))
        again = role != "group" and role in dict(pairs)
        if not equals or role not in ROLES or again:
            why = "is named twice" if again else "is no column's role"
            raise UserError(
                f"'{role[:40]}' {why}: write the columns like path=file,label=diagnosis, with"
                f" {', '.join(ROLES)}."
            )
        if role == "rows" and name not in ("", SINGLE):
            raise UserError(
                f"There are no rows '{name[:40]}': write rows=single to leave out those without a"
                " single 1 in one-hot columns, or nothing."
            )
        pairs.append((role, name))
    return tuple(pairs)


def decimals(text: str) -> tuple[float, ...]:
    """Read a comma-separated list of finite numbers."""
    try:
        values = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        values = (math.nan,)
    if not all(map(math.isfinite, values)):
        raise UserError(f"'{text}' is no list of numbers: write it like 0.49,0.48,0.45.")
    return values


def numbers(text: str) -> tuple[int, ...]:
    """Read a comma-separated list of whole numbers."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UserError(f"'{text}' is no list of whole numbers: write it like 0,1,2.") from None


def problems(parse: Callable[[str], object], text: str) -> list[str]:
    """Why `parse` refuses a text, its sentence; [] if it does not."""
    try:
        parse(text)
    except UserError as error:
        return [str(error)]
    return []
