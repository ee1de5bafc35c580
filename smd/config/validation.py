"""Why a job cannot start: every bad field of its config, named in plain words."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from smd import devices, registry
from smd.config.schema import AttackConfig, EmbedConfig, MarginsConfig, TrainConfig, Value
from smd.registry import Param
from smd.registry.recipes import Choice

MOST_EPOCHS = 10_000
PRECISIONS = ("float32", "tf32", "bfloat16")  # see smd.core.precision
SPLITS = ("train", "val", "test")
FEWEST_POINTS = 10  # of a map
TITLES = {  # what forms call a field of a config
    "epochs": "Epochs",
    "batch": "Batch size",
    "seed": "Seed",
    "image_size": "Resize to",
    "n": "Images",
    "n_train": "Training images",
    "n_test": "Test images",
    "pairs": "Twins",
    "keep": "Images kept",
}


def of_training(config: TrainConfig) -> list[str]:
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
        found.append(
            "Own images need a path: a folder of class folders, a .zip or .tar of one, or an .npz"
            " or .npy file."
        )
    elif config.data == "folder" and not Path(config.data_path).expanduser().exists():
        found.append(f"There is nothing at {config.data_path}: check the path to your images.")
    if config.defense in registry.DEFENSES:
        known = registry.DEFENSES[config.defense].params
        found += _param_problems(config.params, known, f"defense '{config.defense}'")
    if config.recipe not in get_args(Choice):
        found.append(f"There is no recipe '{config.recipe}': choose common or official.")
    if config.precision not in PRECISIONS:
        found.append(
            f"There is no precision '{config.precision}': choose one of {', '.join(PRECISIONS)}."
        )
    for name, low in (
        ("epochs", 1),
        ("batch", 1),
        ("seed", 0),
        ("image_size", 0),
        ("n_train", 0),
        ("n_test", 0),
        ("n_margins", 0),
    ):
        if getattr(config, name) < low:
            found.append(_too_small(name, getattr(config, name), low))
    if config.epochs > MOST_EPOCHS:
        found.append(f'"Epochs" is {config.epochs}: it must be at most {MOST_EPOCHS}.')
    return found + _size_problems(config) + devices.problems(config.device)


def of_attack(config: AttackConfig) -> list[str]:
    """Every reason why this attack cannot start, each a sentence; empty if there is none."""
    found: list[str] = []
    if config.attack not in registry.ATTACKS:
        found.append(
            f"There is no attack '{config.attack}': choose one of {', '.join(registry.ATTACKS)}."
        )
    else:
        known = registry.ATTACKS[config.attack].params
        found += _param_problems(config.params, known, f"attack '{config.attack}'")
    if config.split not in SPLITS:
        found.append(f"There is no split '{config.split}': choose train, val or test.")
    found += of_levels(config.levels, config.norm)
    if config.norm == "L2" and not config.levels:
        found.append(
            "An L2 attack needs its noise levels, lengths over all pixels like 0.5 (--eps 0.5)."
        )
    if config.n < 0 or any(i < 0 for i in config.ids):
        found.append("The number of images and their ids cannot be negative.")
    if any(seed < 0 for seed in config.seeds):
        found.append("Seeds cannot be negative.")
    if config.batch < 0:
        found.append(
            f'"Batch size" is {config.batch}: it must be at least 1, or 0 to have it found.'
        )
    if config.keep < 0:
        found.append(_too_small("keep", config.keep, 0))
    return found + devices.problems(config.device)


def of_margins(config: MarginsConfig) -> list[str]:
    """Every reason why this estimation cannot start, each a sentence; empty if there is none."""
    found: list[str] = []
    if config.method not in registry.ESTIMATORS:
        found.append(
            f"There is no method '{config.method}': choose one of {', '.join(registry.ESTIMATORS)}."
        )
    else:
        known = registry.ESTIMATORS[config.method].params
        found += _param_problems(config.params, known, f"method '{config.method}'")
        if config.levels and not registry.range_of(config.method):
            found.append(
                f"{config.method} looks as far as it takes: leave the noise levels out, or choose"
                " pgd."
            )
        if not config.levels and registry.range_of(config.method):
            found.append(
                f"{config.method} in L2 needs its noise level, a length over all pixels like 0.5"
                " (--eps 0.5)."
            )
    found += of_levels(config.levels, config.norm)
    if config.split not in SPLITS:
        found.append(f"There is no split '{config.split}': choose train, val or test.")
    for name, low in (("n", 0), ("seed", 0), ("batch", 1)):
        if getattr(config, name) < low:
            found.append(_too_small(name, getattr(config, name), low))
    return found + devices.problems(config.device)


def of_embedding(config: EmbedConfig) -> list[str]:
    """Every reason why this map cannot be made, each a sentence; empty if there is none."""
    found: list[str] = []
    if config.split not in SPLITS:
        found.append(f"There is no split '{config.split}': choose train, val or test.")
    if config.n and config.n < FEWEST_POINTS:
        found.append(
            f'"Images" is {config.n}: a map needs at least {FEWEST_POINTS} images, or 0 for all.'
        )
    if config.level:
        found += of_levels((config.level,), "Linf")
    for name, low in (("pairs", 0), ("seed", 0), ("batch", 1)):
        if getattr(config, name) < low:
            found.append(_too_small(name, getattr(config, name), low))
    return found + devices.problems(config.device)


def _too_small(name: str, value: int, low: int) -> str:
    return f'"{TITLES[name]}" is {value}: it must be at least {low}.'


def of_levels(levels: tuple[float, ...], norm: str) -> list[str]:
    """Why these noise levels cannot be attacked in that norm, each a sentence."""
    if norm not in ("Linf", "L2"):
        return [f"There is no norm '{norm}': choose Linf or L2."]
    if norm == "L2":
        return [
            f"The noise level {eps:g} is not positive: write 0.5."
            for eps in levels
            if not 0 < eps < math.inf
        ]
    return [
        f"The noise level {eps:g} is outside (0, 1]: pixels are in [0, 1], write 8/255 for 8."
        for eps in levels
        if not 0 < eps <= 1
    ]


def _size_problems(config: TrainConfig) -> list[str]:
    """A network that cannot take the images, where their size is known before they are loaded."""
    data, net = registry.DATASETS.get(config.data), registry.NETWORKS.get(config.net)
    if not net or not data:
        return []
    if data.size:  # these are images
        problem = registry.shape_problem(net, (1, data.size, data.size))
    else:
        problem = registry.size_problem(net, config.image_size) if config.image_size else ""
    return [problem] if problem else []


def _param_problems(given: Mapping[str, Value], known: tuple[Param, ...], owner: str) -> list[str]:
    table = {p.name: p for p in known}
    names = ", ".join(table) or "none"
    found = []
    for name, value in given.items():
        if name not in table:
            found.append(f"The {owner} has no parameter '{name}'; it knows {names}.")
        elif table[name].choices and value not in table[name].choices:
            found.append(
                f"\"{table[name].title}\" is '{value}': choose one of"
                f" {', '.join(table[name].choices)}."
            )
        elif table[name].kind == "int" and value != int(
            value if isinstance(value, int | float) else 0
        ):
            found.append(f"\"{table[name].title}\" is '{value}': it must be a whole number.")
        elif table[name].kind != "choice" and not (
            isinstance(value, int | float) and math.isfinite(value)
        ):
            found.append(f"\"{table[name].title}\" is '{value}': it must be a number.")
        elif isinstance(value, int | float) and value < table[name].minimum:
            found.append(
                f'"{table[name].title}" is {value}: it must be at least {table[name].minimum:g}.'
            )
        elif isinstance(value, int | float) and value > (
            most := 1 if table[name].kind == "level" else table[name].maximum
        ):
            found.append(f'"{table[name].title}" is {value}: it must be at most {most:g}.')
    return found
