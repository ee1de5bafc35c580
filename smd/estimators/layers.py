"""A network as a chain of steps that bounds go through: affine ones, and others one value a value.

Normalisation by an image's own values is an affine step, which takes the mean away, and a Scale,
which divides by the deviation.
"""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from smd.errors import UserError
from smd.nets.layers import HalvingStem, WholeMap
from smd.nets.normalized import Normalized
from smd.nets.paper import PaperCnn
from smd.nets.parts import InParts
from smd.nets.wrn import PerImageStandardize


@dataclass(frozen=True)
class Affine:
    """A step W v + b."""

    apply: Callable[[Tensor], Tensor]  # (B, ...) -> (B, ...)
    # |W| r, or more: how far values may move where each input moves by at most r; (B, ...)
    spread: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Bend:
    """(Leaky) ReLU."""

    slope: float  # below 0, in [0, 1]


@dataclass(frozen=True)
class Scale:
    """Division by max(sqrt(sum of squares / divisor + eps), floor), group by group.

    Its input has mean zero in each group.
    """

    groups: "Groups"
    lost: int = 0  # the divisor is a group's size less this
    eps: float = 0.0
    floored: bool = False  # the floor is 1 / sqrt(a group's size), else none


@dataclass(frozen=True)
class Groups:
    """How an image's values, in the order of memory, fall into groups: by number or by size."""

    number: int = -1
    size: int = -1

    def of(self, v: Tensor) -> Tensor:
        """(B, ...) -> (B, groups, values)."""
        return v.reshape(len(v), self.number, self.size)


Step = Affine | Bend | Scale


def chain(model: nn.Module) -> list[Step]:
    """The steps of a network in eval mode, in float64.

    Raises UserError for a network that is no chain of layers whose bounds are known.
    """
    exact = copy.deepcopy(model).double().eval()
    for parameter in exact.parameters():
        parameter.requires_grad_(False)
    return list(_steps(exact))


def _steps(layer: nn.Module) -> Iterator[Step]:
    """The steps of a layer, or of what it is made of; raises UserError where bounds are unknown."""
    # a hook, or a forward of this very module's, may compute something else than its class
    if layer._forward_pre_hooks or layer._forward_hooks or "forward" in vars(layer):
        raise _unknown(layer)
    if type(layer).forward is nn.Sequential.forward:
        for part in cast(nn.Sequential, layer):
            yield from _steps(part)
    elif type(layer) is PaperCnn:
        yield from [*_steps(layer.body), *_steps(layer.head)]
    elif type(layer) is InParts:
        yield from _steps(layer.network)
    elif type(layer) is Normalized:
        mean, std = layer.mean, layer.std
        yield Affine(
            lambda v: (v - _by_channel(mean, v)) / _by_channel(std, v),
            lambda r: r / _by_channel(std, r).abs(),
        )
        yield from _steps(layer.network)
    else:
        yield from _of_layer(layer)


def _of_layer(layer: nn.Module) -> list[Step]:
    """The steps of a single layer; raises UserError where its bounds are not known."""
    for kinds, steps in KNOWN:
        if type(layer) in kinds:  # a class derived from one of them may compute something else
            return steps(layer)
    raise _unknown(layer)


def _unknown(layer: nn.Module) -> UserError:
    return UserError(
        f"This network cannot be certified, as bounds through {type(layer).__name__} are not known:"
        " it must be a chain of convolutions, linear layers, (Leaky) ReLU, average pooling and"
        " normalisations. Choose another method."
    )


def _by_channel(values: Tensor, like: Tensor) -> Tensor:
    """(C,) values, or one for all channels, so that they broadcast over `like`, (B, C, ...)."""
    return values.view(1, -1, *[1] * (like.dim() - 2))


def _weighted(layer: Any) -> list[Step]:
    """Convolution or linear: the same with |weights| and no bias tells how far values may move."""
    around = copy.deepcopy(layer)
    around.weight.data.abs_()
    around.bias = None
    plain = nn.Conv2d.forward if isinstance(layer, nn.Conv2d) else type(layer).forward
    if getattr(layer, "padding_mode", "zeros") != "zeros":
        raise UserError(
            f"This network cannot be certified: it pads by {layer.padding_mode}, not by zeros."
        )
    return [Affine(lambda v: plain(layer, v), lambda r: plain(around, r))]


def _linear(layer: nn.Module) -> list[Step]:
    """Layers that only average or arrange values."""
    return [Affine(layer, layer)]


def _batch_norm(layer: Any) -> list[Step]:
    if layer.running_var is None:
        raise UserError(
            "This network cannot be certified: its batch norm keeps no statistics, so that images"
            " of a batch depend on each other."
        )
    factor = torch.rsqrt(layer.running_var + layer.eps)
    factor = factor * (1.0 if layer.weight is None else layer.weight)
    return [Affine(layer, lambda r: r * _by_channel(factor.abs(), r))]


def _centred(groups: Groups) -> Affine:
    """Each group without its mean."""

    def apply(v: Tensor) -> Tensor:
        parts = groups.of(v)
        return (parts - parts.mean(2, keepdim=True)).view_as(v)

    def spread(r: Tensor) -> Tensor:
        parts = groups.of(r)
        return (parts + parts.mean(2, keepdim=True)).view_as(r)

    return Affine(apply, spread)


def _group_norm(layer: Any) -> list[Step]:
    """Group, instance and layer norm of single images; an image's groups are contiguous."""
    by_channel = isinstance(layer, nn.GroupNorm)
    groups = Groups(layer.num_groups) if by_channel else Groups(size=_size(layer))
    steps: list[Step] = [_centred(groups), Scale(groups, eps=layer.eps)]
    if layer.weight is None:
        return steps

    def shaped(weight: Tensor, v: Tensor) -> Tensor:
        return _by_channel(weight, v) if by_channel else weight

    bias = torch.zeros_like(layer.weight) if layer.bias is None else layer.bias
    after = Affine(
        lambda v: v * shaped(layer.weight, v) + shaped(bias, v),
        lambda r: r * shaped(layer.weight, r).abs(),
    )
    return [*steps, after]


def _size(layer: nn.LayerNorm) -> int:
    return math.prod(layer.normalized_shape)


def _standardized(layer: nn.Module) -> list[Step]:
    return [_centred(Groups(1)), Scale(Groups(1), lost=1, floored=True)]


def _bend(layer: Any) -> list[Step]:
    slope = getattr(layer, "negative_slope", 0.0)
    if not 0 <= slope <= 1:
        raise UserError(f"This network cannot be certified: a Leaky ReLU has the slope {slope}.")
    return [Bend(slope)]


KNOWN: tuple[tuple[tuple[type, ...], Callable[[Any], list[Step]]], ...] = (
    ((nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, WholeMap, HalvingStem), _weighted),
    ((nn.ReLU, nn.LeakyReLU), _bend),
    ((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), _linear),
    ((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), _linear),
    ((nn.Flatten, nn.Identity, nn.Dropout), _linear),
    ((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), _batch_norm),
    ((nn.GroupNorm, nn.LayerNorm), _group_norm),
    ((PerImageStandardize,), _standardized),
)
