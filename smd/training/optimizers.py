"""The optimiser that a recipe asks for."""

from typing import Any

import torch
from torch import nn

from smd.registry.recipes import Recipe


def optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD or AdamW; with decay_weights_only, tensors of one dimension (biases, scales) have no
    decay."""
    parameters = list(model.parameters())
    decayed = [p for p in parameters if p.dim() > 1 or not recipe.decay_weights_only]
    others = [p for p in parameters if p.dim() <= 1 and recipe.decay_weights_only]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    # one pass over the weights instead of four
    fused = parameters[0].device.type in ("cpu", "cuda")
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=fused)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=0.9, fused=fused)
