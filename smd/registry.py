"""What can be chosen: data sets, networks, defenses, attacks and estimators, by name.

Each entry names the object that implements it as "module:object", so that listing imports nothing
and pages stay free of torch. Adding one means one small file and one entry here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, TypeVar

from smd.errors import UserError
from smd.recipes import COMMON, Recipe
from smd.units import px

T = TypeVar("T")


@dataclass(frozen=True)
class Param:
    """One knob of a defense or an attack, as the form and the command line offer it."""

    name: str
    kind: Literal["int", "float", "level", "choice"]
    default: int | float | str
    help: str
    choices: tuple[str, ...] = ()
    in_form: bool = True
    minimum: float = 0


@dataclass(frozen=True)
class DataSet:
    """A data set: how to load it and what suits it."""

    name: str
    title: str
    target: str  # "module:function", (request) -> smd.data.images.Images
    size: int  # side of its square images in pixels; 0: it is not known before they are loaded
    net: str  # the network offered first
    levels: tuple[float, ...]  # noise levels attacked by default, in [0, 1]
    epochs: int
    augment: Literal["none", "crop", "crop+flip"]
    source: str


@dataclass(frozen=True)
class Network:
    """A network: its builder and the image sizes it takes."""

    name: str
    title: str
    target: str  # "module:function", (channels, size, classes) -> nn.Module
    sizes: tuple[int, int]  # smallest and largest side of a square image, in pixels
    source: str


@dataclass(frozen=True)
class Defense:
    """A training method with its own true knobs."""

    name: str
    title: str
    target: str  # "module:class", a frozen dataclass whose fields are the knobs
    source: str
    params: tuple[Param, ...] = ()
    official: Recipe = COMMON  # what it was published with
    variants: tuple[tuple[str, str, Recipe], ...] = ()  # (knob, value, what goes with it instead)
    label: str = ""  # as tables name it, with its knobs: "TR-b{beta}-{eps}", levels in 1/255; "": its title
    endorsed: Mapping[str, tuple[int | float | str, ...]] = field(default_factory=dict)  # knobs that earn a star
    settings: tuple[Mapping[str, int | float | str], ...] = ({},)  # those of the paper's tables; {}: its defaults
    state: str = ""  # what it keeps of every sample beside or instead of a margin: its name in the store
    state_title: str = ""  # what that is, with its unit


@dataclass(frozen=True)
class Attack:
    """An attack on a trained network with its own settings."""

    name: str
    title: str
    target: str
    source: str
    params: tuple[Param, ...] = ()
    seeds: tuple[int, ...] = (0,)  # as many as the paper takes the mean over
    cost: str = ""  # how long it takes, in words


@dataclass(frozen=True)
class Estimator:
    """A way to measure the margins of a trained network. One with a "level" among its params looks only so far."""

    name: str
    title: str
    target: str  # "module:class", a frozen dataclass whose fields are the settings
    source: str
    params: tuple[Param, ...] = ()


DATASETS = {
    d.name: d
    for d in (
        DataSet(
            "digits", "Digits, 8x8 gray", "smd.data.digits:load", 8, "small-cnn",
            px(8, 16, 32), 25, "none", "UCI optical digits, the test set, as in scikit-learn",
        ),
        DataSet(
            "fashion-mnist", "Fashion-MNIST, 28x28 gray", "smd.data.official:fashion_mnist",
            28, "fashion-cnn", px(2, 4, 8), 150, "none", "paper, App. B.4",
        ),
        DataSet(
            "svhn", "SVHN, 32x32 RGB", "smd.data.official:svhn", 32, "svhn-cnn",
            px(2, 4, 8), 150, "crop", "paper, App. B.3",
        ),
        DataSet(
            "cifar10", "CIFAR-10, 32x32 RGB", "smd.data.official:cifar10", 32, "wrn-28-4",
            px(2, 4, 8), 150, "crop+flip", "paper, App. B.2",
        ),
        DataSet(
            "folder", "My own images", "smd.data.folder:load", 0, "small-cnn",
            px(2, 4, 8), 60, "none", "class folders, or an archive of them",
        ),
    )
}  # fmt: skip

NETWORKS = {
    n.name: n
    for n in (
        Network("small-cnn", "Small CNN", "smd.nets.small:small_cnn", (8, 64), "ours"),
        Network("fashion-cnn", "CNN of App. B.4", "smd.nets.paper:fashion_cnn", (25, 64), "paper, App. B.4"),
        Network("svhn-cnn", "CNN of App. B.3", "smd.nets.paper:svhn_cnn", (25, 64), "paper, App. B.3"),
        Network("wrn-28-4", "WideResNet-28-4", "smd.nets.wrn:wrn_28_4", (8, 64), "paper, Sec. 4"),
    )
}  # fmt: skip

DEFENSES = {
    d.name: d
    for d in (
        Defense("smd", "SMD", "smd.defenses.smd:SMD", "paper, Alg. 1 and 2", (
            Param("preset", "choice", "paper", "the paper; its Alg. 2 read to the letter; the authors' later code",
                  ("paper", "literal", "ame"), in_form=False),
        ), variants=(("preset", "ame", Recipe(weight_decay=1e-4)),)),
        Defense("std", "STD", "smd.defenses.std:STD", "cross-entropy on clean images",
                official=Recipe(weight_decay=1e-4)),
    )
}  # fmt: skip

ATTACKS = {
    a.name: a
    for a in (
        Attack("ce-pgd", "CE-PGD", "smd.attacks.ce_pgd:CePgd", "paper, Eq. 2 and Sec. 4", (
            Param("steps", "int", 100, "gradient steps; each is a quarter of the noise level long", minimum=1),
        ), seeds=(0, 1, 2, 3, 4), cost="quick; a first look"),
        Attack("ce-cw-pgd", "CE-CW-PGD", "smd.attacks.ce_cw_pgd:CeCwPgd", "paper, Sec. 4; MMA's white-box attack", (
            Param("steps", "int", 100, "gradient steps of a run; each is a quarter of the noise level long", minimum=1),
            Param("runs", "int", 10, "random starts, the first half on the cross-entropy, the others on the CW loss; "
                  "the worst counts", minimum=1),
        ), cost="a few times CE-PGD"),
        Attack("autoattack", "AutoAttack", "smd.attacks.autoattack:AutoAttack", "Croce and Hein 2020, standard",
               seeds=(0, 1, 2), cost="about forty times CE-PGD for an image that withstands it; the paper's yardstick"),
    )
}  # fmt: skip

ESTIMATORS = {
    e.name: e
    for e in (
        Estimator("pgd", "PGD", "smd.estimators.pgd:Pgd", "paper, Sec. 2.5 and Fig. 5; how MMA estimates margins", (
            Param("eps", "level", 8 / 255, "how far it looks; the farther, the more it overestimates"),
        )),
        Estimator("gem", "Gradual expansion", "smd.estimators.gem:Gem", "paper, Sec. 3.1, without training", (
            Param("rounds", "int", 50, "expansions, which take the place of the epochs in Eq. 12", minimum=1),
        )),
        Estimator("min-norm", "Minimum norm (FAB)", "smd.estimators.min_norm:MinNorm", "Croce and Hein 2020", (
            Param("steps", "int", 100, "iterations of a run", minimum=1),
            Param("targets", "int", 9, "likeliest other classes with a run of their own; 0: one run towards any"),
            Param("restarts", "int", 1, "times to run; all but the first start at random", minimum=1),
        )),
    )
}  # fmt: skip


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
