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
    return (
        _of_optimizer(training, saved["optimizer"])
        or _of_average(training, saved)
        or _of_stats(training, saved["tally"])
    )


def unlike(stored: Mapping[str, Any], expected: Mapping[str, Tensor], finite: bool = True) -> str:
    """The name of a tensor that is missing, unknown, of another shape or type or not finite; ""."""
    for name in sorted(map(str, stored.keys() ^ expected.keys())):
        return name[:80]
    for name, tensor in expected.items():
        if not _like(stored[name], tensor, finite):
            return name
    return ""


def _like(stored: Any, expected: Tensor, finite: bool = True) -> bool:
    right = (
        isinstance(stored, Tensor)
        and stored.shape == expected.shape
        and stored.dtype == expected.dtype
    )
    return right and (not finite or bool(stored.isfinite().all()))


def _of_optimizer(training: Training, saved: Mapping[str, Any]) -> str:
    own = training.optimizer.state_dict()
    ids = [group["params"] for group in own["param_groups"]]
    if [group["params"] for group in saved["param_groups"]] != ids:
        return "its optimizer is another one"
    if not all(number(group["lr"]) for group in saved["param_groups"]):
        return "its optimizer has no step size"
    parameters = [p for group in training.optimizer.param_groups for p in group["params"]]
    for key, state in saved["state"].items():
        if not (isinstance(key, int) and 0 <= key < len(parameters)):
            return "its optimizer is another one"
        expected = parameters[key].detach()
        adaptive = isinstance(training.optimizer, torch.optim.AdamW)
        if not (_moments(state, expected) if adaptive else _momentum(state, expected)):
            return "its optimizer's momentum does not fit"
    return _of_groups(own["param_groups"], saved["param_groups"])


def _momentum(state: Mapping[str, Any], expected: Tensor) -> bool:
    """Whether it is what SGD keeps of a tensor."""
    buffer = state.get("momentum_buffer")
    return buffer is None or _like(buffer, expected)


def _moments(state: Mapping[str, Any], expected: Tensor) -> bool:
    """Whether it is what AdamW keeps of a tensor: both moments, and how many steps it took."""
    step = state["step"]
    return (
        state.keys() == {"step", "exp_avg", "exp_avg_sq"}
        and all(_like(state[name], expected) for name in ("exp_avg", "exp_avg_sq"))
        and bool((state["exp_avg_sq"] >= 0).all())
        and _like(step, torch.zeros((), dtype=torch.float32))
        and float(step) >= 1
    )


def _of_groups(own: list[dict[str, Any]], saved: list[dict[str, Any]]) -> str:
    """The recipe says all of a group but the running rate; which kernel is used is the device's."""
    apart = ("params", "lr", "fused", "foreach")
    for ours, theirs in zip(own, saved, strict=True):
        if any(repr(theirs.get(k, v)) != repr(v) for k, v in ours.items() if k not in apart):
            return "its optimizer has other settings"
    return ""


def _of_average(training: Training, saved: Mapping[str, Any]) -> str:
    if training.averaged is None:
        return ""
    values, expected = saved["averaged"], training.averaged.state_dict()
    if wrong := unlike(values, expected):
        return f"its averaged weights are not this network's, or not finite ({wrong})"
    return "" if int(values["n_averaged"]) >= 0 else "its averaged weights are of no step"


def _of_stats(training: Training, saved: Mapping[str, Any]) -> str:
    later = ("crossed", "drawn")  # earlier versions did not keep them
    flags = [
        saved[name] for name in ("clean_ok", "adv_ok", *later) if name in saved or name not in later
    ]
    if any(flag.shape != (training.info.n,) or flag.dtype != torch.bool for flag in flags):
        return "its statistics are of other images"
    sums, counts = saved["sums"], saved["counts"]
    scalars = all(
        isinstance(value, Tensor) and value.numel() == 1
        for value in (*sums.values(), *counts.values())
    )
    if sums.keys() != counts.keys() or not scalars or not count(saved.get("draws", 0)):
        return "its statistics do not fit"
    return "" if number(saved["seconds"]) else "its statistics do not fit"
