"""A run's own files: checkpoint and weights, always replaced as a whole, never unpickled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from smd.config.types import count
from smd.errors import UserError
from smd.files import durable, foreign
from smd.runs.folders import Run
from smd.training.checkpoints import unlike


def save_checkpoint(path: Path, values: Mapping[str, Any]) -> None:
    """Write a checkpoint; a crash leaves the one before."""
    with durable.replacing(path) as file:
        torch.save(dict(values), file)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint; raises UserError if it is broken or newer."""
    try:
        with foreign.opened(path) as file:
            values: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
        if not isinstance(values, dict) or not count(values.get("schema", 0)):
            raise TypeError("it is no checkpoint")
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"The checkpoint {path} cannot be read: delete the file to start over."
        ) from error
    if values.get("schema", 0) > 1:
        raise UserError(
            "The checkpoint was written by a newer version of SMD Studio: update to resume."
        )
    return values


def save_weights(path: Path, model: nn.Module, about: Mapping[str, str]) -> None:
    """Write the weights as safetensors."""
    tensors = {  # copies: layers may share their weights, which the format does not know
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in model.state_dict().items()
    }
    # save_file would keep others from reading it
    durable.write(path, save(tensors, metadata=dict(about)))


def weights_file(run: Run, weights: str) -> Path:
    """Where a run's weights lie, "last" or "ema"; raises UserError for other names, and for
    averaged ones of a run that has none."""
    if weights == "last":
        return run.weights
    if weights != "ema":
        raise UserError(f"There are no weights '{weights}': choose last or ema.")
    if run.config.average != "ema":
        raise UserError(f"{run.id} has no averaged weights: train with --average ema for them.")
    return run.averaged_weights


def load_weights(path: Path, model: nn.Module) -> None:
    """Fill a network; raises UserError if the file is missing, broken or of another network."""
    try:
        with foreign.opened(path):  # safetensors maps the file by its name
            tensors: dict[str, Tensor] = load_file(path)
        if wrong := unlike(tensors, model.state_dict()):
            raise RuntimeError(
                f"{wrong} is missing, of another network, of another type or not finite."
            )
        model.load_state_dict(tensors)
    except FileNotFoundError:
        raise UserError(
            "This run has no trained weights yet: let it finish, or resume it."
        ) from None
    except (SafetensorError, RuntimeError, OSError, ValueError, TypeError) as error:
        raise UserError(
            f"The weights {path} do not fit this run's network: {_line(error)}"
        ) from error


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
