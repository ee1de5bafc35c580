"""Lp geometry on batches of images: vector norms, steepest steps, projections (paper, Sec. 2.2)."""

import math
from typing import Literal

import torch
from torch import Tensor

from smd.core import rng
from smd.core.rng import Source

Norm = Literal["Linf", "L2"]


def per_sample(values: Tensor, like: Tensor) -> Tensor:
    """Shape (B,) values so that they broadcast over `like`, (B, ...)."""
    return values.view(-1, *[1] * (like.dim() - 1))


def length(v: Tensor, norm: Norm) -> Tensor:
    """Vector norm of each sample: (B, ...) -> (B,)."""
    flat = v.flatten(1)
    return flat.abs().amax(1) if norm == "Linf" else flat.norm(dim=1)


def pixel(shape: tuple[int, ...], norm: Norm) -> float:
    """h(x/255) of Eq. 12 and 13: the length of a step of 1/255 in every pixel of an image."""
    return 1 / 255 if norm == "Linf" else math.sqrt(math.prod(shape)) / 255


def longest(shape: tuple[int, ...], norm: Norm) -> float:
    """The length of the longest noise that an image in [0, 1] can take, from corner to corner."""
    return 1.0 if norm == "Linf" else math.sqrt(math.prod(shape))


def unit_step(gradient: Tensor, norm: Norm) -> Tensor:
    """The step of length 1 that raises a linear function most; zero where the gradient is zero."""
    if norm == "Linf":
        return gradient.sign()
    scale = length(gradient, norm).clamp_min(torch.finfo(gradient.dtype).tiny)
    return gradient / per_sample(scale, gradient)


def project(
    x_adv: Tensor,  # (B, ...) anywhere
    x: Tensor,  # (B, ...) in [0, 1], the centres
    eps: Tensor,  # (B,) radii, unit of x
    norm: Norm,
) -> Tensor:
    """Bring each sample back to the eps ball around its centre and to [0, 1] (Pi of Eq. 2)."""
    eps = per_sample(eps, x)
    if norm == "Linf":
        return torch.minimum(torch.maximum(x_adv, x - eps), x + eps).clamp(0, 1)
    noise = x_adv - x
    scale = per_sample(length(noise, norm), x).clamp_min(torch.finfo(x.dtype).tiny)
    return (x + noise * (eps / scale).clamp(max=1)).clamp(0, 1)


def uniform(x: Tensor, eps: Tensor, norm: Norm, generator: Source) -> Tensor:
    """A random start in the eps ball around x and in [0, 1]."""
    noise = rng.like(x, generator, torch.rand) * 2 - 1
    return project(x + per_sample(eps, x) * noise, x, eps, norm)
