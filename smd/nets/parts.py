"""A network that takes its batch in parts, where the memory does not hold what a whole one leaves.

Logits, losses, flags and gradients are those of the whole batch to float noise, for every defense
and attack: a part's activations are computed again when its gradient is, and the parts' gradients
add up. Each gradient of the weights takes one forward pass more; one of the pixels takes none
(smd.core.pgd.input_gradient). It holds for networks that treat each image on its own; batch norm
does not in train mode.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from smd.data.batches import looked_at
from smd.errors import UserError
from smd.nets.memory import Need, caution_of_memory, memory_of, need_of, problem_of_memory

SMALL = 64  # pixels or voxels a side up to which batches are taken whole, as they always were
COPIES = 6  # of a batch's images beside what the network keeps: x, x under attack, gradients, ...


class InParts(nn.Module):
    """The network, at most `size` images at a time; shares its weights and its mode."""

    uncaptured = True  # it recomputes, see smd.core.cuda_graph

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.network, self.size = network, size
        self.images_a_part = size  # see smd.core.pgd.input_gradient
        self.training = network.training

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) or (B, C, D, H, W) -> logits (B, K)."""
        if len(x) <= self.size:
            answer: Tensor = self.network(x)
            return answer
        return torch.cat([self._part(part) for part in x.split(self.size)])

    def features(self, x: Tensor) -> Tensor:
        """The penultimate layer, (B, ...) -> (B, F), of a network that has it."""
        return torch.cat([self.network.features(part) for part in x.split(self.size)])  # type: ignore[operator]

    def _part(self, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            answer: Tensor = self.network(x)
            return answer
        again: Tensor = checkpoint(self.network, x, use_reentrant=False)
        return again


def in_parts(model: nn.Module, size: int) -> nn.Module:
    """The network that takes at most so many images at a time; itself if size is 0."""
    return InParts(model, size) if size else model


def found(model: nn.Module, shape: tuple[int, ...], batch: int, device: torch.device) -> int:
    """Images a part, whose activations take half of what weights and pixels of a step on `batch`
    images leave free; 0: all at once, as they fit, or as nothing is known of the network's need.

    shape: of an image, (C, H, W) or (C, D, H, W). Raises UserError where not even the batch's
    images fit.
    """
    if max(shape[1:]) <= SMALL:
        return 0
    try:
        need = need_of(model, shape)
    except Exception:  # numbers decide in it, or it does not fit: others say so
        return 0
    return fitting(need, math.prod(shape), batch, device)


def whole(model: nn.Module, shape: tuple[int, ...], batch: int, device: torch.device) -> str:
    """What to know of a batch that cannot go in parts: the memory may not hold it; "".

    shape: as for `found`. Raises UserError where it certainly does not.
    """
    if max(shape[1:]) <= SMALL:
        return ""
    try:
        need = need_of(model, shape)
    except Exception:  # numbers decide in it, or it does not fit: others say so
        return ""
    if why := problem_of_memory(need, batch, device):
        raise UserError(why)
    return caution_of_memory(need, batch, device)


def fitting(need: Need, values: int, batch: int, device: torch.device) -> int:
    """As `found`, by what the network needs; values: of an image."""
    pixels = COPIES * 4 * values
    if not problem_of_memory(replace(need, image=need.image + pixels), batch, device):
        return 0
    if why := problem_of_memory(replace(need, image=pixels), batch, device):
        raise UserError(why)
    left = (memory_of(device, need.built) - need.weights - batch * pixels) // 2
    return max(1, min(left // max(need.image, 1), batch))


def for_looks(model: nn.Module, shape: tuple[int, ...], device: torch.device) -> nn.Module:
    """The network for attacks and estimates, whose batches have up to `looked_at` images."""
    return in_parts(model, found(model, shape, looked_at(shape), device))
