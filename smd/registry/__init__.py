"""What can be chosen: data sets, networks, defenses, attacks and estimators, by name.

Each entry names the object that implements it as "module:object", so that listing imports nothing
and pages stay free of torch. Adding one means one small file and one entry here.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, TypeVar

from smd.errors import UserError
from smd.registry.defenses import DEFENSES
from smd.registry.entries import ATTACKS, DATASETS, ESTIMATORS, NETWORKS
from smd.registry.kinds import Attack, DataSet, Defense, Estimator, Network, Param

__all__ = [
    "ATTACKS", "DATASETS", "DEFENSES", "ESTIMATORS", "NETWORKS", "Attack", "DataSet", "Defense", "Estimator",
    "Network", "Param", "find", "load", "range_of", "size_problem",
]  # fmt: skip

T = TypeVar("T")


def find(table: Mapping[str, T], name: str, what: str) -> T:
    """The entry of that name; raises UserError with the known names otherwise."""
    if name not in table:
        raise UserError(f"There is no {what} '{name}': choose one of {', '.join(table)}.")
    return table[name]


def range_of(method: str) -> Param | None:
    """The parameter that says how far an estimator looks; None for one that looks as far as it takes."""
    params = ESTIMATORS[method].params if method in ESTIMATORS else ()
    return next((p for p in params if p.kind == "level"), None)


def size_problem(net: Network, size: int) -> str:
    """Why a network cannot take square images of that side, in a sentence; "" if it can."""
    low, high = net.sizes
    if low <= size <= high:
        return ""
    return (
        f"{net.name} takes images of {low} to {high} pixels a side, these have {size}: "
        "choose another network or resize the images."
    )


def load(target: str) -> Any:
    """Import what an entry names, as "module:object"."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
