"""What a job is asked to do: frozen dataclasses, JSON on disk, never edited after the start.

smd.config.validation names every bad field in plain words before anything is started.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from smd import registry
from smd.config import types
from smd.errors import UserError
from smd.files import foreign
from smd.registry import Param
from smd.registry.recipes import COMMON, Recipe

PREVIEW_IMAGES = 500
PREVIEW_STEPS = 20
SCHEMA = 1  # raised when a config of an older version can no longer be read as it is

Value = int | float | str


@dataclass(frozen=True)
class TrainConfig:
    """One training run. What is left out follows from the data set."""

    data: str = "digits"
    data_path: str = ""  # folder or archive of class folders, for data = "folder"
    image_size: int = 0  # side in pixels that own images are resized to; 0: as they are
    net: str = ""  # "": the data set's own
    defense: str = "smd"
    params: Mapping[str, Value] = field(default_factory=dict)  # the defense's own knobs
    # optimiser and schedule: "common" to all defenses, or the defense's "official" one
    recipe: str = "common"
    epochs: int = 0  # 0: the data set's own, or those of the official recipe
    batch: int = 0  # 0: the recipe's own
    seed: int = 0
    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:1", ...
    precision: str = "float32"  # of the training steps, or "tf32" or "bfloat16"
    n_train: int = 0  # use only so many training images; 0: all
    n_test: int = 0  # attack only so many test images at the end; 0: at most 1,000
    # estimate the margins of at most so many test images at the end, see
    # smd.evaluation.final_margins
    n_margins: int = 200
    skip_broken: bool = False  # own images: leave out files that cannot be read, and say so
    channels: str = ""  # own images: convert all to "gray" or "rgb"; "": as they are

    def __post_init__(self) -> None:
        entry = registry.DATASETS.get(self.data)
        if entry:  # fill in what follows from the data set, so that the file says it all
            object.__setattr__(self, "net", self.net or entry.net)
            official = self.recipe == "official" and self.defense in registry.DEFENSES
            epochs = self.how.epochs if official else entry.epochs
            object.__setattr__(self, "epochs", self.epochs or epochs)
        object.__setattr__(self, "batch", self.batch or self.how.batch)
        if self.defense in registry.DEFENSES:
            object.__setattr__(
                self, "params", _own(self.params, registry.DEFENSES[self.defense].params)
            )

    @property
    def how(self) -> Recipe:
        """Optimiser and schedule."""
        entry = registry.DEFENSES.get(self.defense)
        if not entry or self.recipe != "official":
            return COMMON
        fitting = [
            recipe for knob, value, recipe in entry.variants if self.params.get(knob) == value
        ]
        return (fitting or [entry.official])[0]

    @property
    def levels(self) -> tuple[float, ...]:
        """The noise levels watched while training, in [0, 1]."""
        return registry.DATASETS[self.data].levels


@dataclass(frozen=True)
class AttackConfig:
    """One attack on a trained run's images."""

    run: str
    attack: str = "ce-pgd"
    params: Mapping[str, Value] = field(default_factory=dict)
    norm: str = "Linf"  # or "L2"
    # noise levels, in the unit of x; (): the data set's own, for Linf only
    levels: tuple[float, ...] = ()
    split: str = "test"  # "train", "val" or "test"
    n: int = 0  # so many images, spread over the split; 0: all
    ids: tuple[int, ...] = ()  # these images instead
    seeds: tuple[int, ...] = ()  # (): as many as the paper takes the mean over
    batch: int = 0  # images a batch; 0: found by trying. Random attacks draw by seed and batch size
    device: str = "auto"
    # adversarial images kept of a level: broken ones, or any if their ids were given
    keep: int = 256

    def __post_init__(self) -> None:
        entry = registry.ATTACKS.get(self.attack)
        if entry:  # so that the file says it all
            object.__setattr__(self, "seeds", self.seeds or entry.seeds)
            object.__setattr__(self, "params", _own(self.params, entry.params))


@dataclass(frozen=True)
class MarginsConfig:
    """One estimation of the margins of a trained run's images, or one for each noise level."""

    run: str
    method: str = "min-norm"
    params: Mapping[str, Value] = field(default_factory=dict)
    # how far a method like pgd looks, unit of x; for Linf filled in with its own
    levels: tuple[float, ...] = ()
    norm: str = "Linf"  # or "L2"
    split: str = "test"  # "train", "val" or "test"
    n: int = 0  # so many images, spread over the split; 0: all
    seed: int = 0
    # small: a method takes thousands of passes over one before it can say how far it is, or stop
    batch: int = 64
    device: str = "auto"

    def __post_init__(self) -> None:
        far = registry.range_of(self.method)
        if far:  # a level is written in one place only
            given = {*self.levels, *(float(v) for k, v in self.params.items() if k == far.name)}
            own = {float(far.default)} if self.norm == "Linf" else set()
            object.__setattr__(self, "levels", tuple(sorted(given or own)))
            object.__setattr__(
                self, "params", {k: v for k, v in self.params.items() if k != far.name}
            )


@dataclass(frozen=True)
class EmbedConfig:
    """One map of a trained run's images: their features on a plane, and those of some adversarial
    twins."""

    run: str
    split: str = "test"  # "train", "val" or "test"
    n: int = 2000  # so many images, spread over the split, at most all of them; 0: all
    pairs: int = 500  # so many of them with their adversarial twin
    level: float = 0.0  # the twins' noise level, unit of x; 0: the largest that the run watches
    seed: int = 0
    batch: int = 256
    device: str = "auto"


def _own(params: Mapping[str, Value], known: tuple[Param, ...]) -> dict[str, Value]:
    """The knobs that are not as they are by default: written out or left out, it is the same
    config."""
    usual = {param.name: param.default for param in known}
    return {
        name: value for name, value in params.items() if name not in usual or value != usual[name]
    }


def preview(asked: AttackConfig, available: int) -> AttackConfig:
    """The same question answered within seconds: a short CE-PGD on at most 500 of the available
    images."""
    n = min(asked.n or PREVIEW_IMAGES, PREVIEW_IMAGES, available or PREVIEW_IMAGES)
    return dataclasses.replace(
        asked, attack="ce-pgd", params={"steps": PREVIEW_STEPS}, n=n, seeds=(0,)
    )


JobConfig = AttackConfig | MarginsConfig | EmbedConfig  # of jobs on a trained run
Config = TrainConfig | JobConfig
C = TypeVar("C", TrainConfig, AttackConfig, MarginsConfig, EmbedConfig)


def to_json(config: Config) -> dict[str, Any]:
    """The config as plain JSON values, with the schema's version."""
    return {"schema": SCHEMA, **dataclasses.asdict(config)}


def from_json(kind: type[C], values: Mapping[str, Any]) -> C:
    """Read a config written by to_json; raises UserError for a newer version or unknown fields.

    Raises ValueError or TypeError where a field holds something else than it may.
    """
    values = dict(values)
    schema = values.pop("schema", SCHEMA)
    if not types.count(schema):
        raise ValueError("schema must be a whole number from 0 on")
    if schema > SCHEMA:
        raise UserError("This run was written by a newer version of SMD Studio: update to open it.")
    unknown = values.keys() - {f.name for f in dataclasses.fields(kind)}
    if unknown:
        names = ", ".join(name if name.isprintable() else ascii(name) for name in sorted(unknown))
        raise UserError(f"The config has fields that this version does not know: {names[:200]}.")
    types.check(kind, values)
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return kind(**given)


def read(kind: type[C], path: Path) -> C:
    """Read a config file; raises UserError if it is missing or broken."""
    try:
        config = from_json(kind, foreign.json_object(path))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: this is no folder of a run.") from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): check who may read it."
        ) from None
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{path} is broken: {error}.") from None
    if isinstance(config, TrainConfig) and config.data not in registry.DATASETS:
        raise UserError(
            f"This run is on a data set '{config.data}' that this version does not know: update to"
            " open it."
        )
    return config
