"""What a job is asked to do: frozen dataclasses, JSON on disk, never edited after the start.

smd.config.validation names every bad field in plain words before anything is started.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from smd import registry
from smd.config import types
from smd.config.importing import ImportConfig
from smd.config.on_runs import (
    AttackConfig,
    EmbeddingConfig,
    EstimateConfig,
    ScoreConfig,
    preview,
    score_passes,
)
from smd.config.options import Value
from smd.config.training import TrainConfig
from smd.errors import UserError
from smd.files import foreign
from smd.registry import IMPORTED

__all__ = [
    "AttackConfig",
    "EmbeddingConfig",
    "EstimateConfig",
    "ImportConfig",
    "ScoreConfig",
    "TrainConfig",
    "Value",
    "preview",
    "score_passes",
]

SCHEMA = 1  # raised when a config of an older version can no longer be read as it is

JobConfig = (
    AttackConfig | EstimateConfig | ScoreConfig | EmbeddingConfig
)  # of jobs on a trained run
Config = TrainConfig | JobConfig
C = TypeVar(
    "C", TrainConfig, ImportConfig, AttackConfig, EstimateConfig, ScoreConfig, EmbeddingConfig
)


def to_json(config: Config) -> dict[str, Any]:
    """The config as plain JSON values, with the schema's version."""
    return {"schema": SCHEMA, **dataclasses.asdict(config)}


def to_file(config: Config) -> dict[str, Any]:
    """What config.json is to hold; raises UserError where it is longer than its reader takes."""
    values = to_json(config)
    if len(json.dumps(values, indent=1)) > foreign.JSON:
        raise UserError(
            f"The settings take more than {foreign.JSON // foreign.MEGABYTE} MB: name fewer images."
        )
    return values


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


def is_import(folder: Path) -> bool:
    """Whether the run in that folder is an import; False where its config cannot be read."""
    try:
        return foreign.json_object(folder / "config.json").get("defense") == IMPORTED.name
    except (OSError, ValueError, UserError):
        return False


def read_run(folder: Path) -> TrainConfig:
    """The config of the run in that folder, an ImportConfig if it is one; as `read`.

    Pages ask for those of all runs at every rerun: a file is read again when it has changed.
    """
    path = folder / "config.json"
    try:
        about = path.lstat()
    except OSError:
        return _read(path, _kind_of_run)  # which says why
    return _read_once(path, (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns))


@lru_cache(maxsize=4096)
def _read_once(path: Path, _version: tuple[int, ...]) -> TrainConfig:
    return _read(path, _kind_of_run)


def _kind_of_run(values: Mapping[str, Any]) -> type[TrainConfig]:
    return ImportConfig if values.get("defense") == IMPORTED.name else TrainConfig


def read(kind: type[C], path: Path) -> C:
    """Read a config file; raises UserError if it is missing or broken."""
    return _read(path, lambda _: kind)


def _read(path: Path, kind: Callable[[Mapping[str, Any]], type[C]]) -> C:
    """Read a config of the kind that its values tell."""
    try:
        values = foreign.json_object(path)
        config = from_json(kind(values), values)
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
