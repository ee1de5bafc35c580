"""Does a written network answer as the one that it was made of?"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from smd.errors import UserError

BATCHES = (1, 2, 5)
TOLERANCE = 1e-5  # of the largest logit, and at least of 1


def made_up(shape: Sequence[int]) -> Tensor:
    """(5, C, ...) float32 in [0, 1]: three of noise, a black one and one brighter from row to row.

    Made up, as images of a run may be nobody else's to see, and a program keeps an example.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(3, *shape, generator=generator)
    rows = torch.linspace(0, 1, shape[-2]).view(-1, 1).expand(*shape)
    return torch.cat((noise, torch.stack((torch.zeros(*shape), rows))))


def compared(model: nn.Module, answer: Callable[[Tensor], Tensor], shape: Sequence[int]) -> float:
    """The largest difference of a logit from the network's own at batch sizes 1, 2 and 5.

    answer: (B, C, ...) -> (B, K). Raises UserError where it is more than float noise.
    """
    images, largest, scale = made_up(shape), 0.0, 1.0
    for size in BATCHES:
        with torch.no_grad():
            own, written = model(images[:size]), answer(images[:size])
        if own.shape != written.shape:
            raise UserError(_differ(f"{tuple(written.shape)} instead of {tuple(own.shape)}", size))
        difference = float((own - written).abs().max())
        scale = max(scale, float(own.abs().max()))
        if not difference <= TOLERANCE * scale:
            raise UserError(_differ(f"logits that differ by {difference:.2g}", size))
        largest = max(largest, difference)
    return largest


def equal(difference: float, where: str) -> str:
    """What was checked, as the end of a sentence."""
    how = f"equal to {difference:.0e}" if difference else "exactly equal"
    return f"logits {how} in {where} at batch sizes 1, 2 and 5"


def _differ(how: str, size: int) -> str:
    return (
        f"The written network answers {size} image{'s' * (size > 1)} with {how}, so no file was"
        " made: try another format, --weights safetensors is the weights as they are."
    )
