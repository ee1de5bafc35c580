"""Algorithms 1 and 2 as printed, on batches: what the engine's step is measured against.

Nothing is shared between passes: each iterate's gradient and its label check are passes of their
own, all samples are searched back, gamma2 has a gradient of its own, the networks are written in
the plain layers. The search is a true bisection, like the engine's.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smd.data.batches import Batch
from smd.defenses import RunInfo
from smd.nets.batchnorm import couples_samples, statistics_kept
from smd.nets.layers import HalvingStem, WholeMap


def plain(model: nn.Module) -> nn.Module:
    """The same network in PyTorch's own layers and memory layout."""
    model = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, nn.GroupNorm):
                setattr(parent, name, nn.InstanceNorm2d(layer.num_channels))
            elif isinstance(layer, (HalvingStem, WholeMap)):
                setattr(parent, name, _convolution(layer))
    return model


def _convolution(layer: nn.Conv2d) -> nn.Conv2d:
    stride, padding = layer.stride[0], int(layer.padding[0])
    new = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size[0], stride, padding)
    new.load_state_dict(layer.state_dict())
    return new


def step(
    model: nn.Module, batch: Batch, margins: Tensor, info: RunInfo
) -> tuple[Tensor, Tensor, Tensor]:
    """Alg. 1, l. 2-12: Flag1, Flag2 (B,) bool and new margins (B,); leaves the loss's gradient."""
    x, y = batch.x, batch.y
    logits = model(x)
    loss0 = F.cross_entropy(logits, y)
    flag1 = logits.argmax(1) == y
    # the documented decision: under batch norm the whole batch is attacked
    every = couples_samples(model, x)
    rows = torch.arange(len(x)) if every else flag1.nonzero().squeeze(1)
    with statistics_kept(model):
        noisy, flag2 = epgd(model, x[rows], y[rows], margins[rows])
    if every:
        noisy = torch.where(flag1.view(-1, 1, 1, 1), noisy, x)
    delta = -(-255 // info.epochs) / 255
    steepness = _gradient(model, noisy, y[rows]).abs().flatten(1).amax(1)
    growth = delta * 0.9 ** torch.floor(margins[rows] * 255 + 1e-4) / (1 + steepness)
    distance = (noisy - x[rows]).abs().flatten(1).amax(1)
    new = margins.clone()
    new[rows] = torch.where(flag2, margins[rows] + growth, distance)
    new = torch.where(flag1, new, margins)
    each = F.cross_entropy(model(noisy), y[rows], reduction="none")
    loss1 = each[flag1[rows]].mean()
    ((loss0 + loss1) / 2).backward()
    return flag1, torch.zeros_like(flag1).index_copy(0, rows, flag2) & flag1, new


def epgd(model: nn.Module, x: Tensor, y: Tensor, margin: Tensor) -> tuple[Tensor, Tensor]:
    """Alg. 2: noisy samples (B, C, H, W) and Flag2 (B,) bool."""
    eps = margin.view(-1, 1, 1, 1)
    crossed = torch.zeros_like(y, dtype=torch.bool)
    far = x
    for _ in range(20):
        far = far + 4 * eps / 20 * _gradient(model, far, y).sign()
        far = torch.max(torch.min(far, x + eps), x - eps).clamp(0, 1)
        with torch.no_grad():
            crossed |= model(far).argmax(1) != y
    near, end = x, far
    with torch.no_grad():
        for _ in range(10):
            middle = (near + end) / 2
            right = (model(middle).argmax(1) == y).view(-1, 1, 1, 1)
            near, end = torch.where(right, middle, near), torch.where(right, end, middle)
    return torch.where(crossed.view(-1, 1, 1, 1), near, far), ~crossed


def _gradient(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    loss = F.cross_entropy(model(x), y, reduction="sum")
    return torch.autograd.grad(loss, x)[0]
