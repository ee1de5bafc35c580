"""The weights that a training is to start from: a file, another run, or those of a library."""

from contextlib import suppress
from pathlib import Path
from typing import Protocol

from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.registry.networks import NETWORKS

PRETRAINED = "pretrained"


class Trained(Protocol):
    """What is asked of a run that another is to start from."""

    @property
    def id(self) -> str:
        """Its whole id."""
        ...

    @property
    def weights(self) -> Path:
        """The file of its last weights."""
        ...

    @property
    def config(self) -> TrainConfig:
        """What it was asked to do."""
        ...


def is_file(init: str) -> bool:
    """Whether it names a file that is there; a file goes before a run of the same name."""
    with suppress(OSError, RuntimeError):  # a name too long for a file, a home that is none
        return bool(init) and Path(init).expanduser().is_file()
    return False


def may_be_run(init: str) -> bool:
    """Whether it can only be the id of a run."""
    return init not in ("", PRETRAINED) and not is_file(init)


def problems(config: TrainConfig, source: Trained | None) -> list[str]:
    """Why a training cannot start from `config.init`, each a sentence.

    source: the run of that name, None if there is none.
    """
    if not config.init or is_file(config.init):
        return []
    if config.init == PRETRAINED:
        return _of_library(config)
    if source is None:
        return [
            f"There is no file and no run '{config.init}' to start from: give the path of a file of"
            " weights, the id of a run, or pretrained."
        ]
    return [*filter(None, [_of_run(config, source)])]


def _of_library(config: TrainConfig) -> list[str]:
    if config.net not in NETWORKS:
        return []
    return [f"{config.net} has no pretrained weights: start it from a file or a run."]


def _of_run(config: TrainConfig, source: Trained) -> str:
    """The first thing that does not fit; "" if all does."""
    try:
        theirs = source.config
    except UserError as error:
        return str(error)
    if not source.weights.is_file():
        return f"{source.id} has no trained weights to start from: let it finish, or resume it."
    if theirs.net != config.net:
        return (
            f"{source.id} is a network {theirs.net}, this one is {config.net}: start with --net"
            f" {theirs.net}."
        )
    if (theirs.mean, theirs.std) != (config.mean, config.std):
        return f"{source.id} was trained {_normalisation(theirs)}: train this one so, too."
    return ""


def _normalisation(config: TrainConfig) -> str:
    if not config.mean:
        return "without a normalisation (no --mean, no --std)"
    mean, std = (",".join(map(str, numbers)) for numbers in (config.mean, config.std))
    return f"with --mean {mean} --std {std}"
