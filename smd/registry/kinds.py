"""The shapes of the registry's entries."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from smd.registry.recipes import COMMON, Recipe

NORMS = ("Linf", "L2")  # in which noise and margins are measured


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
    maximum: float = math.inf

    @property
    def title(self) -> str:
        """What its field in a form and messages about it call it."""
        return self.name.replace("_", " ").capitalize()


class Entry(Protocol):
    """What every entry has: the name by which it is chosen."""

    @property
    def name(self) -> str:
        """As configs, the command line and stores write it."""
        ...


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
    lengths: tuple[float, ...] = (0.25, 0.5, 1.0)  # the levels in L2, lengths over all pixels

    def watched(self, norm: str) -> tuple[float, ...]:
        """The noise levels in that norm."""
        return self.levels if norm == "Linf" else self.lengths


@dataclass(frozen=True)
class Network:
    """A network: its builder and what it takes."""

    name: str
    title: str
    target: str  # "module:function", (shape, classes) -> nn.Module, see smd.nets.build
    sizes: tuple[int, int]  # smallest and largest side of an image or a volume, in pixels
    source: str
    dims: int = 2  # 2 for images, 3 for volumes; 0: it is not known before it is built
    description: str = ""  # one plain sentence for those who do not know it
    # of one beside the table: the builder is (argument, shape, classes, pretrained) -> nn.Module
    argument: str = ""


@dataclass(frozen=True)
class Defense:
    """A training method with its own true knobs."""

    name: str
    title: str
    target: str  # "module:class", a frozen dataclass whose fields are the knobs
    source: str
    description: str = ""  # one plain sentence for those who do not know it
    params: tuple[Param, ...] = ()
    official: Recipe = COMMON  # the one that it was published with
    variants: tuple[tuple[str, str, Recipe], ...] = ()  # (knob, value, its official recipe) each
    label: str = ""  # in tables: "TR-b{beta}-{eps}", levels in 1/255; "": its title
    # knobs that its own paper endorses, which earn a star in tables
    endorsed: Mapping[str, tuple[int | float | str, ...]] = field(default_factory=dict)
    # rows of the paper's tables, the knobs of each; {}: the defaults
    settings: tuple[Mapping[str, int | float | str], ...] = ({},)
    margin: bool = False  # whether it keeps a margin of every sample
    norms: tuple[str, ...] = ("Linf",)  # in which a run with it can be trained and judged
    moves: bool = False  # whether an image's margin grows where it withstands the defense's attack
    state: str = ""  # another value kept of every sample: its name in the store
    state_title: str = ""  # what that value is, with its unit
    colour: str = "#8a9091"  # its lines on every page


@dataclass(frozen=True)
class Stage:
    """A stage of an attack: what it means that a sample withstands all weaker ones but not it."""

    name: str  # as verdicts are stored, smd.attacks.Stage.name
    pattern: str  # "falls to Square only"; stages that share a pattern count as one
    colour: str  # of the pattern in charts


@dataclass(frozen=True)
class Attack:
    """An attack on a trained network with its own settings."""

    name: str
    title: str
    target: str  # "module:class", a frozen dataclass whose fields are the settings
    source: str
    description: str = ""  # one plain sentence for those who do not know it
    params: tuple[Param, ...] = ()
    seeds: tuple[int, ...] = (0,)  # as many as the paper takes the mean over
    cost: str = ""  # how long it takes, in words
    # (settings) -> forward passes for an image that withstands it; a gradient counts as three
    passes: Callable[[Mapping[str, Any]], float] = lambda settings: 0.0
    strength: int = 0  # its rank among attacks, from 1, the weakest; 0: it is compared with none
    stages: tuple[Stage, ...] = ()  # in order; (): its samples are told by its own name


@dataclass(frozen=True)
class Estimator:
    """A way to measure margins of a trained network; one with a "level" param looks only so far."""

    name: str
    title: str
    target: str  # "module:class", a frozen dataclass whose fields are the settings
    source: str
    description: str = ""  # one plain sentence for those who do not know it
    params: tuple[Param, ...] = ()
    certifying: bool = False  # it proves lower bounds; others find upper bounds
    # the setting that is the noise of the smoothed network, which it certifies, and no other
    smooths: str = ""
    norms: tuple[str, ...] = NORMS  # in which it measures
