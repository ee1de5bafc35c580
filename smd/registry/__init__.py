"""What can be chosen: data sets, networks, defenses, attacks and estimators, by name.

Each entry names the object that implements it as "module:object", so that listing imports nothing
and pages stay free of torch. Adding one means one small file and one entry here.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, TypeVar

from smd.errors import UserError
from smd.registry.attacks import ATTACKS, by_strength, stages
from smd.registry.datasets import DATASETS
from smd.registry.defenses import DEFENSES, IMPORTED, KNOWN_DEFENSES
from smd.registry.estimators import ESTIMATORS, certifying, smoothing
from smd.registry.kinds import Attack, DataSet, Defense, Estimator, Network, Param, Stage
from smd.registry.nets_of_libraries import networks_of_library
from smd.registry.networks import NETWORKS
from smd.registry.offers import LARGEST, offered
from smd.registry.open_networks import (
    LIBRARIES,
    OWN,
    find_network,
    network_title,
    problem_of_network,
)
from smd.registry.own_nets import own_networks, own_problems

__all__ = [
    "ATTACKS",
    "DATASETS",
    "DEFENSES",
    "ESTIMATORS",
    "IMPORTED",
    "KNOWN_DEFENSES",
    "LARGEST",
    "LIBRARIES",
    "NETWORKS",
    "OWN",
    "Attack",
    "DataSet",
    "Defense",
    "Estimator",
    "Network",
    "Param",
    "Stage",
    "by_strength",
    "certifying",
    "find",
    "find_network",
    "load",
    "network_title",
    "networks_of_library",
    "offered",
    "own_networks",
    "own_problems",
    "problem_of_network",
    "range_of",
    "shape_problem",
    "size_problem",
    "smoothing",
    "stages",
]

T = TypeVar("T")
# dimensions -> what has them, and what it is made of
WHAT = {2: ("images", "pixels"), 3: ("volumes", "voxels")}


def find(table: Mapping[str, T], name: str, what: str) -> T:
    """The entry of that name; raises UserError with the known names otherwise."""
    if name not in table:
        raise UserError(f"There is no {what} '{name}': choose one of {', '.join(table)}.")
    return table[name]


def range_of(method: str) -> Param | None:
    """The parameter that limits how far an estimator searches; None: it has no limit."""
    params = ESTIMATORS[method].params if method in ESTIMATORS else ()
    return next((p for p in params if p.kind == "level"), None)


def size_problem(net: Network, size: int) -> str:
    """Why a network cannot take anything of that side, in a sentence; "" if it can."""
    return _sides_problem(net, (size,))


def shape_problem(net: Network, shape: tuple[int, ...]) -> str:
    """Why a network cannot take images or volumes of that shape, in a sentence; "" if it can.

    shape: (C, H, W) or (C, D, H, W).
    """
    dims = len(shape) - 1
    if net.dims and dims != net.dims:
        others = ", ".join(other.name for other in NETWORKS.values() if other.dims == dims)
        return f"{net.name} takes {WHAT[net.dims][0]}, these are {WHAT[dims][0]}: choose {others}."
    return _sides_problem(net, shape[1:])


def _sides_problem(net: Network, sides: tuple[int, ...]) -> str:
    low, high = net.sizes
    if all(low <= side <= high for side in sides):
        return ""
    what, points = WHAT.get(net.dims or len(sides), WHAT[2])
    shown = "x".join(map(str, dict.fromkeys(sides) if len(sides) < 3 else sides))
    return (
        f"{net.name} takes {what} of {low} to {high} {points} a side, these have {shown}: "
        f"choose another network or resize the {what}."
    )


def load(target: str) -> Any:
    """Import what an entry names, as "module:object"."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
