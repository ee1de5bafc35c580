"""Defenses, attacks and estimators as tables name them."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePath

from smd import registry
from smd.config.schema import TrainConfig
from smd.registry import Param
from smd.units import show_level

# of a config: what says which images they are
IMAGES = (
    *("data", "data_path", "image_size", "channels", "skip_broken", "volumes"),
    *("labels", "columns", "intensity", "spacing"),
)
ARCHIVE = re.compile(r"(?<=.)\.(zip|tar|tar\.gz|tgz|npz|npy)$", re.IGNORECASE)


def defense_title(config: TrainConfig) -> str:
    """The defense as the paper's tables name it, with its knobs: "AT8*", "SMD preset=ame".

    A star marks settings that the defense's own paper endorses.
    """
    entry = registry.KNOWN_DEFENSES.get(config.defense)
    if entry is None:
        return " ".join([config.defense, *(f"{k}={v}" for k, v in config.params.items())])
    knobs = {p.name: p for p in entry.params}
    values = {**{name: p.default for name, p in knobs.items()}, **config.params}
    label = (entry.label or entry.title).format(
        **{name: _short(knobs[name], v) for name, v in values.items()}
    )
    star = (
        "*"
        if entry.endorsed and all(_among(values[k], good) for k, good in entry.endorsed.items())
        else ""
    )
    named = {name for name in knobs if f"{{{name}}}" in entry.label}
    others = [
        f"{k}={_long(knobs[k], v)}"
        for k, v in config.params.items()
        if k not in named and v != knobs[k].default
    ]
    others += [f"balance={config.balance}"] if config.balance != "none" else []
    others += [f"({config.norm})"] if config.norm != "Linf" else []
    return " ".join([label + star, *others])


def data_name(config: TrainConfig, parts: int = 1) -> str:
    """The data set as lists and tables name it: its own name, of own images the last parts of where
    they lay, less what says that it is an archive."""
    if config.data != "folder":
        return config.data
    given = PurePath(config.data_path)
    name = ARCHIVE.sub("", "/".join(given.parts[-parts:])) or "own images"
    return f"{name} (own)" if name in registry.DATASETS else name


def data_names(configs: Sequence[TrainConfig]) -> list[str]:
    """As data_name; of own images with as much of the path as tells them from the others, and with
    a number where that is one, and tables, sizes or other choices differ."""
    own = [config for config in configs if config.data == "folder"]
    names = dict[tuple[object, ...], str]()
    for config in own:
        names.setdefault(_images(config), _apart(config, {c.data_path for c in own}))
    counts = Counter(names.values())
    numbers = {name: iter(range(1, count + 1)) for name, count in counts.items() if count > 1}
    told = {
        images: f"{name} ({next(numbers[name])})" if name in numbers else name
        for images, name in names.items()
    }
    return [told.get(_images(config)) or data_name(config) for config in configs]


def _images(config: TrainConfig) -> tuple[object, ...]:
    """All that says which images they are, and how they are read."""
    return tuple(getattr(config, name) for name in IMAGES)


def _apart(config: TrainConfig, places: set[str]) -> str:
    """The shortest name that no other of these paths has; the whole path where the ending alone
    tells them apart."""
    parts = len(PurePath(config.data_path).parts)
    for k in range(1, parts + 1):
        name = data_name(config, k)
        if sum(data_name(replace(config, data_path=place), k) == name for place in places) == 1:
            return name
    return config.data_path


def data_title(config: TrainConfig) -> str:
    """The data set's title; of own images their name."""
    known = registry.DATASETS.get(config.data)
    return known.title if known and config.data != "folder" else data_name(config)


def _short(knob: Param, value: int | float | str) -> str:
    """A knob within a label: levels in 1/255, numbers without needless digits."""
    if isinstance(value, str):
        return value
    return f"{round(255 * value, 2):g}" if knob.kind == "level" else f"{value:g}"


def _long(knob: Param, value: int | float | str) -> str:
    return show_level(float(value)) if knob.kind == "level" else str(value)


def _among(value: int | float | str, good: Iterable[int | float | str]) -> bool:
    if isinstance(value, str):
        return value in good
    return any(not isinstance(v, str) and math.isclose(v, value, abs_tol=1e-6) for v in good)


def attack_title(name: str, note: str = "", steps: int = 0) -> str:
    """The attack as tables name it, with its settings: "CE-CW-PGD, 100 steps, runs=1".

    It is its own name if this version does not know it. note: as it is
    stored, of which settings are named that are not as usual; steps: 0 where they do not matter.
    """
    title = registry.ATTACKS[name].title if name in registry.ATTACKS else name
    return ", ".join([title, *([f"{steps} steps"] if steps else []), *attack_settings(name, note)])


def attack_settings(name: str, note: str) -> list[str]:
    """The settings that a stored note names, those that are not as usual: ["runs=1"]."""
    known = (
        {param.name for param in registry.ATTACKS[name].params}
        if name in registry.ATTACKS
        else set()
    )
    words = str(note or "").split()
    return [
        word
        for word in words
        if word.partition("=")[1]
        and (not known or word.partition("=")[0] in known | {"weights", "sound"})
    ]


def estimate_title(method: str, eps: float, norm: str, weights: str = "last") -> str:
    """The estimator as tables name it, with how far it looked where it was told: "PGD 16/255", "PGD
    0.5, L2"; or the noise of the smoothed network; and which weights it was on, unless the last."""
    entry = registry.ESTIMATORS.get(method)
    title = entry.title if entry else method
    sign = ", σ = " if entry and entry.smooths else " "
    far = f"{sign}{show_level(eps, norm)}" if eps else ""
    other = f", weights={weights}" if weights != "last" else ""
    return title + far + (f", {norm}" if norm != "Linf" else "") + other
