"""What is wrong with single fields of a config, by what their options allow and what its file may
hold: named in plain words."""

import math
import reprlib
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from smd import devices, several
from smd.config import options, types
from smd.config.options import Field, Value
from smd.registry import Param
from smd.registry.kinds import NORMS


def of_types(kind: type, values: Mapping[str, Any]) -> list[str]:
    """The fields among `values` that hold another kind of thing than that config's, a sentence
    each; what else is asked of them can only be asked of the others."""
    return [
        _sentence(kind, name, values[name], wanted)
        for name, shape in types.shapes(kind).items()
        if name in values and (wanted := types.unlike(shape, values[name]))
    ]


def of_file(config: Any) -> list[str]:
    """The fields that a config's file cannot hold, by what reads it (smd.config.types)."""
    return [
        _sentence(type(config), name, getattr(config, name), wanted)
        for name, shape in types.shapes(type(config)).items()
        if (wanted := types.misfit(name, shape, getattr(config, name)))
    ]


def _sentence(kind: type, name: str, value: Any, wanted: str) -> str:
    title = next((each.title for each in options.fields(kind) if each.name == name), name)
    long = types.too_large(value) and not (isinstance(value, int) and value.bit_length() < 128)
    shown = "too large" if long else reprlib.repr(value)
    return f'"{title}" is {shown}: it must be {wanted}.'


Validate = Callable[[Any], list[str]]


def of_their_kinds(validate: Validate) -> Validate:
    """The same, asked of configs whose fields hold what can be compared; of others, what does
    not."""

    @wraps(validate)
    def first(config: Any) -> list[str]:
        return of_types(type(config), vars(config)) or validate(config)

    return first


@of_their_kinds
def of_fields(config: Any) -> list[str]:
    """What is wrong with single fields, by what their options allow and what a file may hold; each
    sentence once."""
    sentences = [
        sentence
        for each in options.fields(type(config))
        for sentence in _of_field(each, getattr(config, each.name), config)
    ]
    return list(dict.fromkeys(sentences)) or of_file(config)


def _of_field(each: Field, value: Any, config: Any) -> list[str]:
    if value == "" == each.default:  # it follows from another field
        return []
    if each.name == "device":
        return devices.problems(value)
    if each.name == "devices":
        return several.problems(value, config.device)
    if each.option.table is not None:
        return _unlisted(each, value) or (_wrong_knobs(each, value, config))
    if each.option.choices:
        return _unchosen(each, value)
    if each.option.level:
        levels = value if isinstance(value, tuple) else (value,) if value else ()
        levels = tuple(eps for eps in levels if eps or not each.option.clean)
        return of_levels(levels, getattr(config, "norm", "Linf"))
    return _out_of_bounds(each, value if isinstance(value, tuple) else (value,))


def _unlisted(each: Field, value: str) -> list[str]:
    names = each.option.table or {}
    known = ", ".join(names)
    if each.option.beside and value not in names:
        return [why] if (why := each.option.beside(value)) else []
    return [] if value in names else [f"There is no {each.noun} '{value}': choose one of {known}."]


def _wrong_knobs(each: Field, value: str, config: Any) -> list[str]:
    if not each.option.knobs or each.option.table is None:
        return []
    return _param_problems(config.params, each.option.table[value].params, f"{each.noun} '{value}'")


def _unchosen(each: Field, value: str) -> list[str]:
    *first, last = filter(None, each.option.choices)
    known = f"{', '.join(first)} or {last}"
    if value in each.option.choices:
        return []
    return [f"There is no {each.noun} '{value}': choose {known}."]


def _out_of_bounds(each: Field, values: tuple[Any, ...]) -> list[str]:
    low, high = each.option.minimum, each.option.maximum
    usual = f'"{each.title}" is {{value}}: it must be at least {low}.'
    small = [v for v in values if low is not None and v < low]
    large = [v for v in values if high is not None and v > high]
    return [(each.option.below or usual).format(value=v) for v in small] + [
        f'"{each.title}" is {v}: it must be at most {high}.' for v in large
    ]


def of_levels(levels: tuple[float, ...], norm: str) -> list[str]:
    """Why these noise levels cannot be attacked in that norm, each a sentence."""
    if norm not in NORMS:
        return [f"There is no norm '{norm}': choose Linf or L2."]
    if norm == "L2":
        return [
            f"The noise level {eps:g} is not positive: write 0.5."
            for eps in levels
            if not 0 < eps < math.inf
        ]
    return [
        f"The noise level {eps:g} is outside (0, 1]: pixels are in [0, 1], write 8/255 for 8."
        for eps in levels
        if not 0 < eps <= 1
    ]


def _param_problems(given: Mapping[str, Value], known: tuple[Param, ...], owner: str) -> list[str]:
    table = {p.name: p for p in known}
    names = ", ".join(table) or "none"
    sentences = []
    for name, value in given.items():
        if name not in table:
            sentences.append(f"The {owner} has no parameter '{name}'; it knows {names}.")
        elif table[name].choices and value not in table[name].choices:
            sentences.append(
                f"\"{table[name].title}\" is '{value}': choose one of"
                f" {', '.join(table[name].choices)}."
            )
        elif table[name].kind != "choice" and not types.number(value):
            sentences.append(f"\"{table[name].title}\" is '{value}': it must be a number.")
        elif table[name].kind == "int" and value != int(value):
            sentences.append(f"\"{table[name].title}\" is '{value}': it must be a whole number.")
        elif isinstance(value, int | float) and value < table[name].minimum:
            sentences.append(
                f'"{table[name].title}" is {value}: it must be at least {table[name].minimum:g}.'
            )
        elif isinstance(value, int | float) and value > (
            most := 1 if table[name].kind == "level" else table[name].maximum
        ):
            sentences.append(f'"{table[name].title}" is {value}: it must be at most {most:g}.')
    return sentences
