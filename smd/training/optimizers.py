"""The optimiser that a recipe asks for."""

from inspect import unwrap
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


def step(optimizer: torch.optim.Optimizer) -> None:
    """One step on the gradients that the parameters have: optimizer.step(), which would load the
    compiler, without its hooks and closure."""
    with torch.no_grad():
        unwrap(type(optimizer).step)(optimizer)


def without_compiler() -> None:
    """For a process that compiles nothing: optimisers load no compiler, 3 s of every start.

    torch.optim shields some of its methods from torch.compile, and loads torch._dynamo for it at
    the first call of each; one that is marked as shielded is called as it is.
    """
    base = torch.optim.Optimizer
    for method in (base.add_param_group, base.load_state_dict, base.state_dict, base.zero_grad):
        inner = unwrap(method)
        if not hasattr(inner, "__dynamo_disable"):
            setattr(inner, "__dynamo_disable", inner)
