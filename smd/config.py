"""What a job is asked to do: frozen dataclasses, JSON on disk, never edited after the start.

`problems()` names every bad field in plain words before anything is started.
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

from smd import registry
from smd.errors import UserError
from smd.recipes import COMMON, Choice, Recipe
from smd.registry import Param

MOST_EPOCHS = 10_000
PREVIEW_IMAGES = 500
PRECISIONS = ("float32", "tf32", "bfloat16")  # see smd.precision
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
    recipe: str = "common"  # optimiser and schedule: "common" to all defenses, or the defense's "official" one
    epochs: int = 0  # 0: the data set's own, or those of the official recipe
    batch: int = 0  # 0: the recipe's own
    seed: int = 0
    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:1", ...
    precision: str = "float32"  # of the training steps, or "tf32" or "bfloat16"
    n_train: int = 0  # use only so many training images; 0: all
    n_test: int = 0  # attack only so many test images at the end; 0: at most 1,000

    def __post_init__(self) -> None:
        entry = registry.DATASETS.get(self.data)
        if entry:  # fill in what follows from the data set, so that the file says it all
            object.__setattr__(self, "net", self.net or entry.net)
            official = self.recipe == "official" and self.defense in registry.DEFENSES
            epochs = self.how.epochs if official else entry.epochs
            object.__setattr__(self, "epochs", self.epochs or epochs)
        object.__setattr__(self, "batch", self.batch or self.how.batch)
        if self.defense in registry.DEFENSES:
            object.__setattr__(self, "params", _own(self.params, registry.DEFENSES[self.defense].params))

    @property
    def how(self) -> Recipe:
        """Optimiser and schedule."""
        entry = registry.DEFENSES.get(self.defense)
        if not entry or self.recipe != "official":
            return COMMON
        fitting = [recipe for knob, value, recipe in entry.variants if self.params.get(knob) == value]
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
    levels: tuple[float, ...] = ()  # noise levels, in the unit of x; (): the data set's own, for Linf only
    split: str = "test"  # "train", "val" or "test"
    n: int = 0  # so many images, spread over the split; 0: all
    ids: tuple[int, ...] = ()  # these images instead
    seeds: tuple[int, ...] = ()  # (): as many as the paper takes the mean over
    batch: int = 0  # images a batch; 0: found by trying. Random attacks draw by seed and batch size
    device: str = "auto"
    keep: int = 256  # adversarial images kept of a level: broken ones, or any if their ids were given

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
    levels: tuple[float, ...] = ()  # how far a method like pgd looks, unit of x; for Linf filled in with its own
    norm: str = "Linf"  # or "L2"
    split: str = "test"  # "train", "val" or "test"
    n: int = 0  # so many images, spread over the split; 0: all
    seed: int = 0
    batch: int = 64  # small: a method takes thousands of passes over one before it can say how far it is, or stop
    device: str = "auto"

    def __post_init__(self) -> None:
        far = registry.range_of(self.method)
        if far:  # a level is written in one place only
            given = {*self.levels, *(float(v) for k, v in self.params.items() if k == far.name)}
            own = {float(far.default)} if self.norm == "Linf" else set()
            object.__setattr__(self, "levels", tuple(sorted(given or own)))
            object.__setattr__(self, "params", {k: v for k, v in self.params.items() if k != far.name})


def _own(params: Mapping[str, Value], known: tuple[Param, ...]) -> dict[str, Value]:
    """The knobs that are not as they are by default: written out or left out, it is the same config."""
    usual = {param.name: param.default for param in known}
    return {name: value for name, value in params.items() if name not in usual or value != usual[name]}


def preview(asked: AttackConfig, available: int) -> AttackConfig:
    """The same question answered within seconds: a short CE-PGD on at most 500 of the available images."""
    n = min(asked.n or PREVIEW_IMAGES, PREVIEW_IMAGES, available or PREVIEW_IMAGES)
    return dataclasses.replace(asked, attack="ce-pgd", params={"steps": PREVIEW_STEPS}, n=n, seeds=(0,))


def problems(config: TrainConfig) -> list[str]:
    """Every reason why this run cannot start, each a sentence; empty if there is none."""
    found: list[str] = []
    for table, name, what in (
        (registry.DATASETS, config.data, "data set"),
        (registry.NETWORKS, config.net or next(iter(registry.NETWORKS)), "network"),
        (registry.DEFENSES, config.defense, "defense"),
    ):
        if name not in table:
            found.append(f"There is no {what} '{name}': choose one of {', '.join(table)}.")
    if config.data == "folder" and not config.data_path:
        found.append("Own images need a path: a folder of class folders, or a .zip or .tar of one.")
    elif config.data == "folder" and not Path(config.data_path).expanduser().exists():
        found.append(f"There is nothing at {config.data_path}: check the path to your images.")
    if config.defense in registry.DEFENSES:
        known = registry.DEFENSES[config.defense].params
        found += _param_problems(config.params, known, f"defense '{config.defense}'")
    if config.recipe not in get_args(Choice):
        found.append(f"There is no recipe '{config.recipe}': choose common or official.")
    if config.precision not in PRECISIONS:
        found.append(f"There is no precision '{config.precision}': choose one of {', '.join(PRECISIONS)}.")
    for name, low in (("epochs", 1), ("batch", 1), ("seed", 0), ("image_size", 0), ("n_train", 0), ("n_test", 0)):
        if getattr(config, name) < low:
            found.append(f"{name} is {getattr(config, name)}: it must be at least {low}.")
    if config.epochs > MOST_EPOCHS:
        found.append(f"epochs is {config.epochs}: it must be at most {MOST_EPOCHS}.")
    return found + _size_problems(config) + _device_problems(config.device)


def attack_problems(config: AttackConfig) -> list[str]:
    """Every reason why this attack cannot start, each a sentence; empty if there is none."""
    found: list[str] = []
    if config.attack not in registry.ATTACKS:
        found.append(f"There is no attack '{config.attack}': choose one of {', '.join(registry.ATTACKS)}.")
    else:
        known = registry.ATTACKS[config.attack].params
        found += _param_problems(config.params, known, f"attack '{config.attack}'")
    if config.split not in ("train", "val", "test"):
        found.append(f"There is no split '{config.split}': choose train, val or test.")
    found += level_problems(config.levels, config.norm)
    if config.norm == "L2" and not config.levels:
        found.append("An L2 attack needs its noise levels, lengths over all pixels: write --eps 0.5.")
    if config.n < 0 or any(i < 0 for i in config.ids):
        found.append("The number of images and their ids cannot be negative.")
    if any(seed < 0 for seed in config.seeds):
        found.append("Seeds cannot be negative.")
    if config.batch < 0:
        found.append(f"batch is {config.batch}: it must be at least 1, or 0 to have it found.")
    if config.keep < 0:
        found.append(f"keep is {config.keep}: it must be at least 0.")
    return found + _device_problems(config.device)


def margins_problems(config: MarginsConfig) -> list[str]:
    """Every reason why this estimation cannot start, each a sentence; empty if there is none."""
    found: list[str] = []
    if config.method not in registry.ESTIMATORS:
        found.append(f"There is no method '{config.method}': choose one of {', '.join(registry.ESTIMATORS)}.")
    else:
        known = registry.ESTIMATORS[config.method].params
        found += _param_problems(config.params, known, f"method '{config.method}'")
        if config.levels and not registry.range_of(config.method):
            found.append(f"{config.method} looks as far as it takes: leave the noise levels out, or choose pgd.")
        if not config.levels and registry.range_of(config.method):
            found.append(f"{config.method} in L2 needs its noise level, a length over all pixels: write --eps 0.5.")
    found += level_problems(config.levels, config.norm)
    if config.split not in ("train", "val", "test"):
        found.append(f"There is no split '{config.split}': choose train, val or test.")
    for name, low in (("n", 0), ("seed", 0), ("batch", 1)):
        if getattr(config, name) < low:
            found.append(f"{name} is {getattr(config, name)}: it must be at least {low}.")
    return found + _device_problems(config.device)


def level_problems(levels: tuple[float, ...], norm: str) -> list[str]:
    """Why these noise levels cannot be attacked in that norm, each a sentence."""
    if norm not in ("Linf", "L2"):
        return [f"There is no norm '{norm}': choose Linf or L2."]
    if norm == "L2":
        return [f"The noise level {eps:g} is not positive: write 0.5." for eps in levels if not 0 < eps < math.inf]
    return [
        f"The noise level {eps:g} is outside (0, 1]: pixels are in [0, 1], write 8/255 for 8."
        for eps in levels
        if not 0 < eps <= 1
    ]


def _size_problems(config: TrainConfig) -> list[str]:
    """A network that cannot take the images, where their size is known before they are loaded."""
    data, net = registry.DATASETS.get(config.data), registry.NETWORKS.get(config.net)
    size = config.image_size or (data.size if data else 0)
    return [problem] if net and size and (problem := registry.size_problem(net, size)) else []


def _device_problems(device: str) -> list[str]:
    kind, colon, index = device.partition(":")
    if device in ("auto", "cpu", "cuda", "mps") or (kind == "cuda" and colon and index.isdigit()):
        return []
    return [f"There is no device '{device}': write auto, cpu, cuda, cuda:1 or mps."]


def _param_problems(given: Mapping[str, Value], known: tuple[Param, ...], owner: str) -> list[str]:
    table = {p.name: p for p in known}
    names = ", ".join(table) or "none"
    found = []
    for name, value in given.items():
        if name not in table:
            found.append(f"The {owner} has no parameter '{name}'; it knows {names}.")
        elif table[name].choices and value not in table[name].choices:
            found.append(f"{name} is '{value}': choose one of {', '.join(table[name].choices)}.")
        elif table[name].kind == "int" and value != int(value if isinstance(value, int | float) else 0):
            found.append(f"{name} is '{value}': it must be a whole number.")
        elif table[name].kind != "choice" and not (isinstance(value, int | float) and math.isfinite(value)):
            found.append(f"{name} is '{value}': it must be a number.")
        elif isinstance(value, int | float) and value < table[name].minimum:
            found.append(f"{name} is {value}: it must be at least {table[name].minimum:g}.")
        elif isinstance(value, int | float) and value > (
            most := 1 if table[name].kind == "level" else table[name].maximum
        ):
            found.append(f"{name} is {value}: it must be at most {most:g}.")
    return found


C = TypeVar("C", TrainConfig, AttackConfig, MarginsConfig)


def to_json(config: TrainConfig | AttackConfig | MarginsConfig) -> dict[str, Any]:
    """The config as plain JSON values, with the schema's version."""
    return {"schema": SCHEMA, **dataclasses.asdict(config)}


def from_json(kind: type[C], values: Mapping[str, Any]) -> C:
    """Read a config written by to_json; raises UserError for a newer version or unknown fields."""
    values = dict(values)
    if values.pop("schema", SCHEMA) > SCHEMA:
        raise UserError("This run was written by a newer version of SMD Studio: update to open it.")
    unknown = values.keys() - {f.name for f in dataclasses.fields(kind)}
    if unknown:
        raise UserError(f"The config has fields that this version does not know: {', '.join(sorted(unknown))}.")
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return kind(**given)


def read(kind: type[C], path: Path) -> C:
    """Read a config file; raises UserError if it is missing or broken."""
    try:
        config = from_json(kind, json.loads(path.read_text()))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: this is no folder of a run.") from None
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is broken: {error}.") from None
    if isinstance(config, TrainConfig) and config.data not in registry.DATASETS:
        raise UserError(
            f"This run is on a data set '{config.data}' that this version does not know: update to open it."
        )
    return config
