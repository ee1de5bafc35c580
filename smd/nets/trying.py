"""Trying a network out: passes that leave its modes, statistics and random numbers alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.func import functional_call

from smd.nets.fakes import outline_of

Try: TypeAlias = Callable[[Tensor, int], Tensor]  # (batch, seed of what the network draws)


@contextmanager
def trying(model: nn.Module, device: torch.device, train: bool) -> Iterator[Try]:
    """Within, a function that sends a batch on `device` through the network in that mode.

    Weights that are all zero, as residual branches and heads often begin, are small random numbers
    there: what stands before them counts as well.
    """
    outline = outline_of(model)
    if outline is not model:  # who watches the network itself shall not see these passes
        outline._forward_pre_hooks.clear()
        outline._forward_hooks.clear()
    modes = [(module, module.training) for module in outline.modules()]
    outline.train(train)
    state = {**_weights(model), **{name: b.detach().clone() for name, b in model.named_buffers()}}

    def tried(x: Tensor, seed: int) -> Tensor:
        torch.manual_seed(seed)
        return functional_call(outline, state, (x,))

    try:
        with (
            torch.random.fork_rng(range(torch.cuda.device_count())),
            torch.autocast(device.type, enabled=False),
        ):
            yield tried
    finally:
        for module, mode in modes:  # where it could not be copied it is the model itself
            module.training = mode


def noise(shape: tuple[int, ...], like: Tensor, seed: int = 0) -> Tensor:
    """Random images in [0, 1] of that shape, (B, C, ...), of the kind and on the device of `like`;
    random numbers elsewhere stay theirs."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(like)


def first_tensor(model: nn.Module) -> Tensor:
    """A network's first tensor of floats, which tells its device and precision."""
    tensors = (*model.parameters(), *model.buffers())
    return next((t.detach() for t in tensors if t.is_floating_point()), torch.zeros(()))


def _weights(model: nn.Module) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, weight in model.named_parameters():
        state[name] = weight.detach()
        if weight.is_floating_point() and not weight.detach().any():
            drawn = torch.randn(weight.shape, generator=generator) * 0.1
            state[name] = drawn.to(weight.device, weight.dtype)
    return state
