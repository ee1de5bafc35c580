"""What a job is asked to do: frozen dataclasses, JSON on disk, never edited after the start.

`problems()` names every bad field in plain words before anything is started.
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from smd import registry
from smd.errors import UserError
from smd.registry import Param
from smd.units import parse_level

MOST_EPOCHS = 10_000
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
    epochs: int = 0  # 0: the data set's own
    batch: int = 128
    seed: int = 0
    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:1", ...
    n_train: int = 0  # use only so many training images; 0: all
    n_test: int = 0  # attack only so many test images at the end; 0: at most 1,000

    def __post_init__(self) -> None:
        entry = registry.DATASETS.get(self.data)
        if entry:  # fill in what follows from the data set, so that the file says it all
            object.__setattr__(self, "net", self.net or entry.net)
            object.__setattr__(self, "epochs", self.epochs or entry.epochs)

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
    levels: tuple[float, ...] = ()  # noise levels in [0, 1]; (): the data set's own
    split: str = "test"  # "train", "val" or "test"
    n: int = 0  # so many images, spread over the split; 0: all
    ids: tuple[int, ...] = ()  # these images instead
    seeds: tuple[int, ...] = (0,)
    batch: int = 256
    device: str = "auto"


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
    found += [
        f"The noise level {level:g} is outside (0, 1]: pixels are in [0, 1], write 8/255 for 8."
        for level in config.levels
        if not 0 < level <= 1
    ]
    if config.n < 0 or any(i < 0 for i in config.ids):
        found.append("The number of images and their ids cannot be negative.")
    if not config.seeds:
        found.append("An attack needs at least one seed.")
    if config.batch < 1:
        found.append(f"batch is {config.batch}: it must be at least 1.")
    return found + _device_problems(config.device)


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
        elif table[name].kind != "choice" and not (isinstance(value, int | float) and math.isfinite(value)):
            found.append(f"{name} is '{value}': it must be a number.")
        elif isinstance(value, int | float) and value < table[name].minimum:
            found.append(f"{name} is {value}: it must be at least {table[name].minimum:g}.")
    return found


def parse_choice(text: str, table: Mapping[str, Any], what: str) -> tuple[str, dict[str, Value]]:
    """Read "name" or "name:key=value:key=value" as the command line takes it.

    Returns (name, params); raises UserError for an unknown name, key or value.
    """
    name, *pairs = text.split(":")
    known = {p.name: p for p in registry.find(table, name, what).params}
    params: dict[str, Value] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in known:
            names = ", ".join(known) or "none"
            raise UserError(f"'{pair}' is no parameter of {what} '{name}': write key=value with one of {names}.")
        params[key] = _parse_value(known[key], value)
    return name, params


def _parse_value(param: Param, text: str) -> Value:
    try:
        if param.kind == "level":
            return parse_level(text)
        return {"int": int, "float": float, "choice": str}[param.kind](text)
    except ValueError:
        raise UserError(f"{param.name}={text} is no {param.kind}.") from None


C = TypeVar("C", TrainConfig, AttackConfig)


def to_json(config: TrainConfig | AttackConfig) -> dict[str, Any]:
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
