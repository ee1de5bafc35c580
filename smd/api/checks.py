"""Are a caller's tensors what they should be? One clear UserError each where they are not."""

from typing import Any

import torch
from torch import Tensor, nn

from smd.errors import UserError
from smd.nets.last_layer import last_line

WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


MOST_CLASSES = 2**15 - 1  # a store counts them in 16 bits


def tensor(values: Any, name: str) -> Tensor:
    """The values as a tensor; raises UserError where they are no numbers, or of no one shape."""
    try:
        return torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise UserError(
            f"{name} is no array of numbers ({last_line(error)}): give a tensor or an array."
        ) from None


def network(model: Any) -> torch.dtype:
    """What a network computes in; raises UserError where it is none, or computes in half
    precision."""
    if not isinstance(model, nn.Module):
        raise UserError(
            f"The network is of type {type(model).__name__}: give a torch.nn.Module, x -> logits."
        )
    floats = (t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point())
    found = next((t.dtype for t in floats), torch.float32)
    if found not in (torch.float32, torch.float64):
        raise UserError(
            f"The network computes in {str(found).removeprefix('torch.')}: a margin is finer than"
            " that, take model.float()."
        )
    return found


def cannot_take(error: Exception, shape: tuple[int, ...]) -> UserError:
    """What is raised where a network's forward pass fails on images of that shape."""
    return UserError(f"The network cannot take images of {_shape(shape)}: {last_line(error)}.")


def images(x: Any, shape: tuple[int, ...] | None = None) -> Tensor:
    """x as a batch of float images (B, ...); their range is checked by `in_unit`.

    shape: what each of them must have, such as (C, H, W); None: any.
    """
    x = tensor(x, "x")
    if not x.is_floating_point():
        raise UserError(
            f"x is {_kind(x)}: give floats in [0, 1], such as uint8 pixels / 255 before any"
            " normalisation, which is the network's first layer."
        )
    if x.dim() < 2 or not x.numel():
        raise UserError(
            f"x has shape {_shape(x.shape)}: give a batch, (B, C, H, W) with B >= 1 and no side"
            " of 0."
        )
    if shape is not None and tuple(x.shape[1:]) != shape:
        raise UserError(
            f"x has images of shape {_shape(x.shape[1:])}, but {_shape(shape)} was announced."
        )
    return x.detach()


def whole(values: Any, name: str, n: int) -> Tensor:
    """`values` as n whole numbers, (n,) int64: ids or labels."""
    values = tensor(values, name)
    if values.dtype not in WHOLE:
        raise UserError(f"{name} are {_kind(values)}: give whole numbers (int64).")
    if values.shape != (n,):
        raise UserError(
            f"{name} have shape {_shape(values.shape)}, x has {n} images: give one each, ({n},)."
        )
    return values.long()


def in_unit(x: Tensor) -> Tensor:
    """() bool on x's device: whether all of x is finite and in [0, 1]."""
    low, high = torch.aminmax(x)
    return (low >= 0) & (high <= 1)


def refuse_range(x: Tensor) -> None:
    """Raise the UserError about x outside [0, 1]."""
    if not x.isfinite().all():
        raise UserError("x holds nan or inf: give finite pixels in [0, 1].")
    raise UserError(
        f"x reaches from {float(x.min()):g} to {float(x.max()):g}: give pixels in [0, 1]; a"
        " normalisation belongs into the network, as its first layer."
    )


def refuse_labels(y: Tensor, classes: int | None) -> None:
    """Raise the UserError about a label below 0, or beyond the network's classes if known."""
    low, high = int(y.min()), int(y.max())
    if low < 0:
        raise UserError(f"y has the label {low}: labels count from 0.")
    if classes is not None and high >= classes:
        raise UserError(
            f"y has the label {high}, the network answers with {classes} classes: labels go from 0"
            f" to {classes - 1}."
        )


def logits(answer: Any, n: int) -> int:
    """How many classes a network's answer to n images has; raises UserError if it is no (n, K)."""
    if isinstance(answer, Tensor) and answer.dim() == 2 and len(answer) == n:
        _refuse_answer(answer)
        return answer.shape[1]
    kind = _shape(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
    raise UserError(f"The network answers {n} images with {kind}: it must give logits ({n}, K).")


def _refuse_answer(answer: Tensor) -> None:
    classes = answer.shape[1]
    if not answer.is_floating_point():
        raise UserError(f"The network answers with {_kind(answer)}: it must give float logits.")
    if classes < 2:
        raise UserError(
            f"The network answers with {classes} logit: it must give one a class, at least 2; of"
            " one logit z make (0, z)."
        )
    if classes > MOST_CLASSES:
        raise UserError(
            f"The network answers with {classes:,} classes: at most {MOST_CLASSES:,} can be told."
        )


def _kind(values: Tensor) -> str:
    return str(values.dtype).removeprefix("torch.")


def _shape(shape: tuple[int, ...]) -> str:
    return str(tuple(shape))
