"""Why a job cannot start: every bad field of its config, named in plain words."""

import os
from collections.abc import Mapping
from numbers import Number
from pathlib import Path
from typing import Any

from smd import paths, registry
from smd.config import intensities, parsing, spacings
from smd.config.field_problems import of_fields, of_their_kinds, of_types
from smd.config.schema import (
    AttackConfig,
    C,
    EmbeddingConfig,
    EstimateConfig,
    ImportConfig,
    ScoreConfig,
    TrainConfig,
)
from smd.errors import UserError
from smd.registry.kinds import NORMS
from smd.registry.sinks import sink_problems

FEWEST_POINTS = 10  # of an embedding


def made(kind: type[C], values: Mapping[str, Any]) -> C:
    """A config of a caller's values; raises UserError where a field holds another kind of thing.

    Paths may be Path, numbers those of NumPy, and several of them a list or a range.
    """
    plain = {name: _plain(value) for name, value in values.items()}
    if unlike := of_types(kind, plain):
        raise UserError(" ".join(unlike))
    return kind(**plain)


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple | range):
        return tuple(map(_plain, value))
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value.item() if isinstance(value, Number) and hasattr(value, "item") else value


@of_their_kinds
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


@of_their_kinds
def of_import(config: ImportConfig) -> list[str]:
    """Every reason why these weights cannot be imported, each a sentence; empty if there is
    none."""
    return of_training(config) + _file_problems(config.file)


def _file_problems(file: str) -> list[str]:
    if not file:
        return ["An import needs the file of the weights: .safetensors, .pt, .pth, .pt2 or .onnx."]
    return _missing(file, "is_file", f"There is no file {file}: check the path to the weights.")


def _missing(path: str, looked: str, sentence: str) -> list[str]:
    """That sentence where what is looked for with a method of Path is not there."""
    try:
        return [] if getattr(paths.given(path), looked)() else [sentence]
    except UserError:
        return [sentence]


def _path_problems(config: TrainConfig) -> list[str]:
    if config.data != "folder":
        return []
    if not config.data_path:
        return [
            "Own images need a path: a folder of class folders, a .zip or .tar of one, or an .npz"
            " or .npy file."
        ]
    sentence = f"There is nothing at {config.data_path}: check the path to your images."
    return _missing(config.data_path, "exists", sentence)


def _table_problems(config: TrainConfig) -> list[str]:
    """Why a table of labels cannot be used, where that is known before it is read."""
    if not config.labels and config.columns and not _may_hold_a_table(config.data_path):
        return ["--columns are those of a table: give it with --labels, or in the archive."]
    if not config.labels:
        return parsing.problems(parsing.columns, config.columns)
    if config.data != "folder":
        return ["A table of labels is for own images only: leave it out, or give their path."]
    sentence = f"There is no file {config.labels}: check the path to the table of labels."
    gone = _missing(config.labels, "is_file", sentence)
    return gone or parsing.problems(parsing.columns, config.columns)


def _may_hold_a_table(path: str) -> bool:
    """Whether it is a file that may be an archive."""
    return Path(path).suffix.lower() not in (".npy", ".npz") and not _missing(path, "is_file", "no")


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


@of_their_kinds
def of_attack(config: AttackConfig) -> list[str]:
    """Every reason why this attack cannot start, each a sentence; empty if there is none."""
    return of_fields(config)


@of_their_kinds
def of_estimate(config: EstimateConfig) -> list[str]:
    """Every reason why this estimate cannot start, each a sentence; empty if there is none."""
    sentences = of_fields(config)
    if config.method not in registry.ESTIMATORS:
        return sentences
    norms = registry.ESTIMATORS[config.method].norms
    if config.norm in NORMS and config.norm not in norms:
        sentences.append(
            f"{config.method} measures in {norms[0]} alone: choose that norm (--norm {norms[0]})."
        )
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


@of_their_kinds
def of_score(config: ScoreConfig) -> list[str]:
    """Every reason why these scores cannot be searched, each a sentence; empty if there is none."""
    return of_fields(config)


@of_their_kinds
def of_embedding(config: EmbeddingConfig) -> list[str]:
    """Every reason why this embedding cannot be made, each a sentence; empty if there is none."""
    sentences = of_fields(config)
    if config.n and config.n < FEWEST_POINTS:
        sentences.append(
            f'"Images" is {config.n}: an embedding needs at least {FEWEST_POINTS} images, or 0 for'
            " all."
        )
    return sentences


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
