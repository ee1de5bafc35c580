"""A network behind a normalisation of its channels."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from smd.errors import UserError


class Normalized(nn.Module):
    """(x - mean) / std in every channel, then the network; both are buffers beside its weights."""

    mean: Tensor
    std: Tensor

    def __init__(
        self, network: nn.Module, channels: int, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        """Raises UserError where there are neither one nor `channels` numbers."""
        super().__init__()
        if len(mean) not in (1, channels) or len(std) != len(mean):
            raise UserError(
                f"The normalisation has {len(mean)} means and {len(std)} deviations, the images"
                f" have {channels} channels: write one for all, or {channels}."
            )
        self.network = network
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(-1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(-1))

    def _first(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C, ...)."""
        sides = (1,) * (x.dim() - 2)
        return (x - self.mean.view(1, -1, *sides)) / self.std.view(1, -1, *sides)

    def features(self, x: Tensor) -> Tensor:
        """(B, C, ...) in [0, 1] -> (B, F)."""
        return cast("Normalized", self.network).features(self._first(x))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) in [0, 1] -> logits (B, classes)."""
        return self.network(self._first(x))
