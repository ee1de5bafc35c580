"""How much memory a training step takes, from fake tensors, against what the machine has."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from smd import limits
from smd.nets.fakes import fake_passes, outline_of

TRIED = 2  # images of the batch that activations are counted in
COPIES = 3  # of the weights: themselves, their gradients, the optimiser's momentum
GIGABYTE = 2**30
USUAL = 1.5  # times the bound: ResNet-18 of 16 and 32 images of 224 pixels on a CPU


@dataclass(frozen=True)
class Need:
    """What a training step takes, in bytes."""

    weights: int  # with gradients and momentum
    image: int  # what is kept of one image for the backward pass
    built: int = 0  # of the weights, what the machine's memory holds already

    def of(self, batch: int) -> int:
        """For a batch of that many images."""
        return self.weights + batch * self.image


def need_of(model: nn.Module, shape: tuple[int, ...]) -> Need:
    """A lower bound: what one forward pass in train mode keeps for its backward pass.

    shape: of an image, (C, H, W) or (C, D, H, W). Raises what the network raises.
    """
    tensors = (*model.parameters(), *model.buffers())
    weights = COPIES * sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage.nbytes()
        return tensor

    with fake_passes(outline_of(model).train()) as passed, torch.enable_grad():
        own = {tensor.untyped_storage()._cdata for tensor in passed.state.values()}
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            answer: Any = passed((TRIED, *shape))  # its tensors live as long as this
        del answer
    images = sum(size for storage, size in kept.items() if storage not in own)
    built = sum(tensor.untyped_storage().nbytes() for tensor in tensors if tensor.is_cpu)
    return Need(weights, images // TRIED, built)


def memory_of(device: torch.device, built: int = 0) -> int:
    """Bytes of the GPU's memory, or of that which this process may still take (smd.limits), its
    weights of `built` bytes among them."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return max(0, limits.memory() - limits.held() + built)


def problem_of_memory(need: Need, batch: int, device: torch.device) -> str:
    """Why a step cannot fit into the device's memory, in a sentence; ""."""
    has, needs = memory_of(device, need.built), need.of(batch)
    if needs <= has:
        return ""
    fits = (has - need.weights) // max(need.image, 1)
    advice = f"take at most {fits} images a batch, or " if fits >= 1 else "take "
    return (
        f"A step on {batch} images takes at least {_gb(needs)} ({_gb(need.weights)} for weights,"
        f" gradients and momentum), {device} has {_gb(has)}: {advice}a smaller network or images."
    )


def caution_of_memory(need: Need, batch: int, device: torch.device) -> str:
    """What to do should the memory run out, where a step that fits by its bound may not; ""."""
    has = memory_of(device, need.built)
    likely = need.weights + int(USUAL * batch * need.image)
    if likely <= has:
        return ""
    fits = max(1, int((has - need.weights) / (USUAL * max(need.image, 1))))
    return (
        f"A step on {batch} images may take {_gb(likely)}, and {device} has {_gb(has)}: should this"
        f" process be ended, take --batch {fits}, which is another training."
    )


def _gb(count: int) -> str:
    return f"{count / GIGABYTE:,.1f} GB"
