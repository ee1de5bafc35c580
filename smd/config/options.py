"""What is said once of a config's field, and all that derives from it.

The flag on the command line (smd.cli.flags), the bounds (smd.config.validation), what a file may
hold (smd.config.types), the words of the shell command (smd.config.commands) and what a cloned run
hands on beside the form (app/forms/cloning.py).
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from smd.registry import Param
from smd.registry.kinds import NORMS

NORM = {"title": "Norm", "choices": NORMS}  # words of its option
RUNS_NORM = {**NORM, "of_run": True}
Value = int | float | str  # of a setting of a defense, an attack or an estimator

SHAPES = {
    str: "str",
    bool: "bool",
    int: "int",
    float: "float",
    tuple[int, ...]: "ints",
    tuple[float, ...]: "floats",
}


@dataclass(frozen=True)
class Option:
    """What a user may choose in one field of a config."""

    help: str  # of its flag; {names}: those of the table, {default}: the field's own
    flag: str = ""  # "": "--" and the field's name
    title: str = ""  # what forms and sentences call it; "": the field's name
    minimum: float | None = None  # of the number, or of each
    maximum: float | None = None
    below: str = ""  # the sentence where {value} is below the minimum, if not the usual one
    choices: tuple[str, ...] = ()
    table: Mapping[str, Any] | None = None  # the entries of the registry to choose from
    beside: Callable[[str], str] | None = None  # (value that is none of them) -> why it is none; ""
    noun: str = ""  # what one of the choices is, in sentences; "": the field's name
    knobs: bool = False  # written "name:key=value"; the settings are the config's `params`
    level: bool = False  # a noise level, or several in the config's norm
    clean: bool = False  # 0, no noise at all, is a level, too
    always: bool = False  # in the shell command also where it is as by default
    seldom: bool = False  # at the end of the shell command
    unless: str = ""  # not in the shell command where that field holds something
    usual: Callable[[Any], Any] | None = None  # (config) -> the default that follows from it
    in_form: bool = True  # the page that starts the job has a field for it
    of_run: bool = False  # where a command does not say it, it is as in the run's own config


@dataclass(frozen=True)
class Field:
    """A field of a config that has an option."""

    name: str
    shape: str  # one of SHAPES
    default: Any
    option: Option

    @property
    def flag(self) -> str:
        """On the command line, like "--n-train"."""
        return self.option.flag or f"--{self.name.replace('_', '-')}"

    @property
    def title(self) -> str:
        """In forms and sentences."""
        return self.option.title or self.name

    @property
    def noun(self) -> str:
        """One of its choices, in sentences."""
        return self.option.noun or self.name

    def usual(self, config: object) -> Any:
        """What it holds where nothing was chosen."""
        return self.option.usual(config) if self.option.usual else self.default


def option(default: Any, help: str, **words: Any) -> Any:
    """A dataclass field with this default and an Option of these words."""
    return dataclasses.field(default=default, metadata={"option": Option(help, **words)})


def shape(hint: Any) -> str:
    """What a field of that type holds: one of SHAPES, or "params"."""
    return SHAPES.get(hint, "params")


def fields(config: type) -> tuple[Field, ...]:
    """The fields of a config class that have an option, in their order."""
    hints = get_type_hints(config)
    return tuple(
        Field(each.name, shape(hints[each.name]), each.default, each.metadata["option"])
        for each in dataclasses.fields(config)
        if "option" in each.metadata
    )


def field(config: type, name: str) -> Field:
    """One of them."""
    return next(each for each in fields(config) if each.name == name)


def outside_the_form(config: type) -> list[str]:
    """The fields that the page which starts the job does not show."""
    return [each.name for each in fields(config) if not each.option.in_form]


def own(params: Any, known: tuple[Param, ...]) -> Any:
    """The knobs that are not as they are by default: written out or left out, it is the same
    config. What is no settings at all stays for smd.config.validation to refuse."""
    if not isinstance(params, Mapping):
        return params
    usual = {param.name: param.default for param in known}
    return {
        name: value for name, value in params.items() if name not in usual or value != usual[name]
    }
