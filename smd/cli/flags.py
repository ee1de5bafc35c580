"""The flags of a command, and what they say, by the options of a config's fields."""

import argparse
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from smd import devices
from smd.config import options
from smd.config.options import Field
from smd.config.parsing import decimals, numbers, parse_choice
from smd.errors import UserError
from smd.units import parse_levels

NUMBERS: Mapping[str, type] = {"int": int, "float": float}
LISTS = {"ints": numbers, "floats": decimals}


def add(sub: argparse.ArgumentParser, config: type, leave_out: Collection[str] = ()) -> None:
    """A flag for each field of that config class that has an option, but for those left out."""
    for each in options.fields(config):
        if each.name not in leave_out:
            sub.add_argument(each.flag, dest=each.name, **_words(each))


def place(text: str) -> Path:
    """A file or folder to write; what argparse says where none is named."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: name a place to write to")
    return Path(text)


def on_cluster(sub: argparse.ArgumentParser) -> None:
    """The flag by which a cluster does the job, which is a device to the queue."""
    sub.add_argument(
        "--on",
        dest="device",
        choices=devices.AWAY,
        default=argparse.SUPPRESS,
        help="the cluster that does it, as --device ray or slurm would say",
    )


def _words(each: Field) -> dict[str, Any]:
    """What argparse is told of a flag."""
    option = each.option
    help = option.help.format(names=", ".join(option.table or ()), default=each.default)
    if each.shape == "bool":
        return {"action": "store_true", "help": help}
    later = option.level or option.of_run or each.shape in LISTS  # `values` reads it
    typed = "" if later else each.default
    words = {"default": typed, "help": help, "type": str}
    if not option.level and each.shape in NUMBERS:
        words["type"] = NUMBERS[each.shape]
    if option.choices:
        return {**words, "choices": tuple(filter(None, option.choices))}
    return {**words, "metavar": each.flag.strip("-").replace("-", "_").upper()}


def values(config: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The config's fields as the flags describe them; raises UserError for what cannot be read."""
    fields: dict[str, Any] = {}
    for each in options.fields(config):
        text, option = given[each.name], each.option
        if option.knobs and option.table is not None:
            fields[each.name], fields["params"] = parse_choice(text, option.table, each.noun)
        elif option.level:
            fields[each.name] = _levels(each, text, given.get("norm", "Linf"))
        else:
            fields[each.name] = LISTS[each.shape](text) if each.shape in LISTS else text
    return fields


def _levels(each: Field, text: str, norm: str) -> float | tuple[float, ...]:
    levels = parse_levels(text, math.inf if norm == "L2" else 1.0)
    if each.shape == "floats":
        if text and not levels:
            raise UserError(f"{each.flag} names no noise level: write it like 8/255 or 0.031.")
        return levels
    if len(levels) > 1 or (text and not levels):
        raise UserError(f"{each.flag} takes one noise level: write it like 8/255 or 0.031.")
    return levels[0] if levels else 0.0
