"""Why a job cannot start: every bad field of its config, named in plain words."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smd import devices, registry, several
from smd.config import intensities, options, parsing, spacings
from smd.config.options import Field
from smd.config.schema import (
    AttackConfig,
    EmbeddingConfig,
    EstimateConfig,
    ImportConfig,
    ScoreConfig,
    TrainConfig,
    Value,
)
from smd.registry import Param
from smd.registry.kinds import NORMS
from smd.registry.sinks import sink_problems

FEWEST_POINTS = 10  # of an embedding


def of_fields(config: Any) -> list[str]:
    """What is wrong with single fields, by what their options allow; each sentence once."""
    sentences = [
        sentence
        for each in options.fields(type(config))
        for sentence in _of_field(each, getattr(config, each.name), config)
    ]
    return list(dict.fromkeys(sentences))


def _of_field(each: Field, value: Any, config: Any) -> list[str]:
    if value == "" == each.default:  # it follows from another field
        return []
    if each.name == "device":
        return devices.problems(value)
    if each.name == "devices":
        return several.problems(value, config.device, isinstance(config, TrainConfig))
    if each.option.table is not None:
        return _unlisted(each, value) or (_wrong_knobs(each, value, config))
    if each.option.choices:
        return _unchosen(each, value)
    if each.option.level:
        levels = value if isinstance(value, tuple) else (value,) if value else ()
        levels = tuple(eps for eps in levels if eps or not each.option.clean)
        return of_levels(levels, getattr(config, "norm", "Linf"))
    return _out_of_bounds(each, value if isinstance(value, tuple) else (value,))


def _unlisted(each: Field, value: str) -> list[str]:
    names = each.option.table or {}
    known = ", ".join(names)
    if each.option.beside and value not in names:
        return [why] if (why := each.option.beside(value)) else []
    return [] if value in names else [f"There is no {each.noun} '{value}': choose one of {known}."]


def _wrong_knobs(each: Field, value: str, config: Any) -> list[str]:
    if not each.option.knobs or each.option.table is None:
        return []
    return _param_problems(config.params, each.option.table[value].params, f"{each.noun} '{value}'")


def _unchosen(each: Field, value: str) -> list[str]:
    *first, last = filter(None, each.option.choices)
    known = f"{', '.join(first)} or {last}"
    if value in each.option.choices:
        return []
    return [f"There is no {each.noun} '{value}': choose {known}."]


def _out_of_bounds(each: Field, values: tuple[Any, ...]) -> list[str]:
    low, high = each.option.minimum, each.option.maximum
    usual = f'"{each.title}" is {{value}}: it must be at least {low}.'
    small = [v for v in values if low is not None and v < low]
    large = [v for v in values if high is not None and v > high]
    return [(each.option.below or usual).format(value=v) for v in small] + [
        f'"{each.title}" is {v}: it must be at most {high}.' for v in large
    ]


def of_training(config: TrainConfig) -> list[str]:
    """Every reason why this run cannot start, each a sentence; empty if there is none."""
    return (
        of_fields(config)
        + _path_problems(config)
        + _table_problems(config)
        + _fold_problems(config)
        + _size_problems(config)
        + parsing.problems(intensities.parse, config.intensity)
        + parsing.problems(spacings.parse, config.spacing)
        + of_normalisation(config.mean, config.std)
        + of_norm(config)
        + sink_problems(config.log)
    )


def of_norm(config: TrainConfig) -> list[str]:
    """Why its defense is not trained in its norm, a sentence; empty where it is."""
    entry = registry.DEFENSES.get(config.defense)
    if not entry or config.norm not in NORMS or config.norm in entry.norms:
        return []
    able = [each.title for each in registry.DEFENSES.values() if config.norm in each.norms]
    return [
        f"{entry.title} is not trained in {config.norm}: choose {' or '.join(able)}, or the norm"
        f" {entry.norms[0]}."
    ]


def of_normalisation(mean: tuple[float, ...], std: tuple[float, ...]) -> list[str]:
    """Why a network cannot begin with (x - mean) / std, each a sentence."""
    if len(mean) != len(std):
        return ['"Mean" and "Standard deviation" go together: write as many numbers in both.']
    if any(value <= 0 for value in std):
        return ['"Standard deviation" must be above 0 in every channel.']
    return []


def of_import(config: ImportConfig) -> list[str]:
    """Every reason why these weights cannot be imported, each a sentence; empty if there is
    none."""
    return of_training(config) + _file_problems(config.file)


def _file_problems(file: str) -> list[str]:
    if not file:
        return ["An import needs the file of the weights: .safetensors, .pt, .pth, .pt2 or .onnx."]
    if not Path(file).expanduser().is_file():
        return [f"There is no file {file}: check the path to the weights."]
    return []


def _path_problems(config: TrainConfig) -> list[str]:
    if config.data != "folder":
        return []
    if not config.data_path:
        return [
            "Own images need a path: a folder of class folders, a .zip or .tar of one, or an .npz"
            " or .npy file."
        ]
    if not Path(config.data_path).expanduser().exists():
        return [f"There is nothing at {config.data_path}: check the path to your images."]
    return []


def _table_problems(config: TrainConfig) -> list[str]:
    """Why a table of labels cannot be used, where that is known before it is read."""
    if not config.labels and config.columns and not _may_hold_a_table(config.data_path):
        return ["--columns are those of a table: give it with --labels, or in the archive."]
    if not config.labels:
        return parsing.problems(parsing.columns, config.columns)
    if config.data != "folder":
        return ["A table of labels is for own images only: leave it out, or give their path."]
    if not Path(config.labels).expanduser().is_file():
        return [f"There is no file {config.labels}: check the path to the table of labels."]
    return parsing.problems(parsing.columns, config.columns)


def _may_hold_a_table(path: str) -> bool:
    """Whether it is a file that may be an archive."""
    file = Path(path).expanduser()
    return file.suffix.lower() not in (".npy", ".npz") and file.is_file()


def _fold_problems(config: TrainConfig) -> list[str]:
    if config.folds and config.data != "folder":
        return [f"'{config.data}' has test images of its own: leave --folds out."]
    if config.folds == 1:
        return ["One fold is no cross-validation: choose at least 2, such as --folds 5."]
    if config.folds and not config.fold:
        return [
            f"Cross-validation is {config.folds} trainings: use `sweep` with --folds"
            f" {config.folds}, or choose one with --fold 1."
        ]
    if config.fold > config.folds:
        return [f"There is no fold {config.fold} of {config.folds}: choose --folds and --fold."]
    return []


def of_attack(config: AttackConfig) -> list[str]:
    """Every reason why this attack cannot start, each a sentence; empty if there is none."""
    sentences = of_fields(config)
    if config.norm == "L2" and not config.levels:
        sentences.append(
            "An L2 attack needs its noise levels, lengths over all pixels like 0.5 (--eps 0.5)."
        )
    return sentences


def of_estimate(config: EstimateConfig) -> list[str]:
    """Every reason why this estimate cannot start, each a sentence; empty if there is none."""
    sentences = of_fields(config)
    if config.method not in registry.ESTIMATORS:
        return sentences
    ranged = registry.range_of(config.method)
    if config.levels and not ranged:
        sentences.append(
            f"{config.method} looks as far as it takes: leave the noise levels out, or choose pgd."
        )
    if not config.levels and ranged:
        sentences.append(
            f"{config.method} in L2 needs its noise level, a length over all pixels like 0.5"
            " (--eps 0.5)."
        )
    return sentences


def of_score(config: ScoreConfig) -> list[str]:
    """Every reason why these scores cannot be searched, each a sentence; empty if there is none."""
    sentences = of_fields(config)
    if config.norm == "L2" and not config.levels:
        sentences.append(
            "Scores in L2 need their noise levels, lengths over all pixels like 0.5 (--eps 0.5)."
        )
    return sentences


def of_embedding(config: EmbeddingConfig) -> list[str]:
    """Every reason why this embedding cannot be made, each a sentence; empty if there is none."""
    sentences = of_fields(config)
    if config.n and config.n < FEWEST_POINTS:
        sentences.append(
            f'"Images" is {config.n}: an embedding needs at least {FEWEST_POINTS} images, or 0 for'
            " all."
        )
    return sentences


def of_levels(levels: tuple[float, ...], norm: str) -> list[str]:
    """Why these noise levels cannot be attacked in that norm, each a sentence."""
    if norm not in NORMS:
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
    data = registry.DATASETS.get(config.data)
    if not data or registry.problem_of_network(config.net):
        return []
    net = registry.find_network(config.net)
    if data.size:  # these are images
        problem = registry.shape_problem(net, (1, data.size, data.size))
    else:
        problem = registry.size_problem(net, config.image_size) if config.image_size else ""
    return [problem] if problem else []


def _param_problems(given: Mapping[str, Value], known: tuple[Param, ...], owner: str) -> list[str]:
    table = {p.name: p for p in known}
    names = ", ".join(table) or "none"
    sentences = []
    for name, value in given.items():
        if name not in table:
            sentences.append(f"The {owner} has no parameter '{name}'; it knows {names}.")
        elif table[name].choices and value not in table[name].choices:
            sentences.append(
                f"\"{table[name].title}\" is '{value}': choose one of"
                f" {', '.join(table[name].choices)}."
            )
        elif table[name].kind == "int" and value != int(
            value if isinstance(value, int | float) else 0
        ):
            sentences.append(f"\"{table[name].title}\" is '{value}': it must be a whole number.")
        elif table[name].kind != "choice" and not (
            isinstance(value, int | float) and math.isfinite(value)
        ):
            sentences.append(f"\"{table[name].title}\" is '{value}': it must be a number.")
        elif isinstance(value, int | float) and value < table[name].minimum:
            sentences.append(
                f'"{table[name].title}" is {value}: it must be at least {table[name].minimum:g}.'
            )
        elif isinstance(value, int | float) and value > (
            most := 1 if table[name].kind == "level" else table[name].maximum
        ):
            sentences.append(f'"{table[name].title}" is {value}: it must be at most {most:g}.')
    return sentences
