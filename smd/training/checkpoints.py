"""Whether a checkpoint is of this very run; its file may be damaged or anybody's."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from smd.config.types import count, number
from smd.training.loop import Training


def misfit(training: Training, saved: Mapping[str, Any]) -> str:
    """Why a checkpoint does not fit a prepared run, as the end of a sentence; "" if it does."""
    try:
        return _misfit(training, saved)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        return (
            f"it has no {error}"
            if isinstance(error, KeyError)
            else "its parts are not of the right kind"
        )


def _misfit(training: Training, saved: Mapping[str, Any]) -> str:
    batches = -(-training.info.n // training.config.batch)
    if not count(saved["epoch"]) or saved["epoch"] > training.config.epochs:
        return f"its epoch is {str(saved['epoch'])[:20]} of {training.config.epochs}"
    if not count(saved["batch"]) or saved["batch"] > batches:
        return f"its batch is {str(saved['batch'])[:20]} of {batches}"
    if wrong := unlike(saved["model"], training.model.state_dict()):
        return f"its weights are not this network's, or not finite ({wrong})"
    if wrong := unlike(saved["state"], training.state, finite=False):
        return f"its state of the samples is of another defense or other images ({wrong})"
    return _of_optimizer(training, saved["optimizer"]) or _of_stats(training, saved["tally"])


def unlike(found: Mapping[str, Any], expected: Mapping[str, Tensor], finite: bool = True) -> str:
    """The name of a tensor that is missing, unknown, of another shape or type or not finite; ""."""
    for name in sorted(map(str, found.keys() ^ expected.keys())):
        return name[:80]
    for name, tensor in expected.items():
        if not _like(found[name], tensor, finite):
            return name
    return ""


def _like(found: Any, expected: Tensor, finite: bool = True) -> bool:
    right = (
        isinstance(found, Tensor)
        and found.shape == expected.shape
        and found.dtype == expected.dtype
    )
    return right and (not finite or bool(found.isfinite().all()))


def _of_optimizer(training: Training, saved: Mapping[str, Any]) -> str:
    own = training.optimizer.state_dict()
    ids = [group["params"] for group in own["param_groups"]]
    if [group["params"] for group in saved["param_groups"]] != ids:
        return "its optimizer is another one"
    if not all(number(group["lr"]) for group in saved["param_groups"]):
        return "its optimizer has no step size"
    parameters = [p for group in training.optimizer.param_groups for p in group["params"]]
    for key, state in saved["state"].items():
        buffer = state.get("momentum_buffer")
        if not (isinstance(key, int) and 0 <= key < len(parameters)):
            return "its optimizer is another one"
        if buffer is not None and not _like(buffer, parameters[key].detach()):
            return "its optimizer's momentum does not fit"
    return ""


def _of_stats(training: Training, saved: Mapping[str, Any]) -> str:
    flags = [
        saved[name]
        for name in ("clean_ok", "adv_ok", "crossed")
        if name in saved or name != "crossed"
    ]
    if any(flag.shape != (training.info.n,) or flag.dtype != torch.bool for flag in flags):
        return "its statistics are of other images"  # earlier versions did not keep `crossed`
    sums, counts = saved["sums"], saved["counts"]
    scalars = all(
        isinstance(value, Tensor) and value.numel() == 1
        for value in (*sums.values(), *counts.values())
    )
    if sums.keys() != counts.keys() or not scalars:
        return "its statistics do not fit"
    return "" if number(saved["seconds"]) else "its statistics do not fit"
