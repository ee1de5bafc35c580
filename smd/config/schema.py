"""What a job is asked to do: frozen dataclasses, JSON on disk, never edited after the start.

smd.config.validation names every bad field in plain words before anything is started.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from smd import registry
from smd.config import types
from smd.config.on_runs import AttackConfig, EmbeddingConfig, EstimateConfig, preview
from smd.config.options import Value
from smd.config.training import TrainConfig
from smd.errors import UserError
from smd.files import foreign

__all__ = ["AttackConfig", "EmbeddingConfig", "EstimateConfig", "TrainConfig", "Value", "preview"]

SCHEMA = 1  # raised when a config of an older version can no longer be read as it is

JobConfig = AttackConfig | EstimateConfig | EmbeddingConfig  # of jobs on a trained run
Config = TrainConfig | JobConfig
C = TypeVar("C", TrainConfig, AttackConfig, EstimateConfig, EmbeddingConfig)


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
