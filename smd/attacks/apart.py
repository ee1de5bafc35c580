"""Does a network answer the same again, and about each image by itself?

Only then may an answer stand for another one to the same image.
"""

import torch
from torch import Tensor, nn

RANDOMIZED = "randomized"  # flag of a network that does not, see smd.analysis.flags
NOISE = 1e-4  # share of the largest logit by which answers may differ: float noise
FEW = 4  # images, below which a library may add up in another order


@torch.no_grad()
def apart(model: nn.Module, x: Tensor) -> bool:
    """Tried on a batch (B, C, H, W); random numbers elsewhere stay theirs."""
    with torch.random.fork_rng([x.device] if x.is_cuda else []):
        answer, again, fewer = model(x), model(x), model(x[::2])
    nearly = NOISE * answer.abs().amax()
    same = [(again - answer).abs().amax(), (fewer - answer[::2]).abs().amax()]
    return bool(same[0] <= nearly) and bool(same[1] <= nearly)


def filled(x: Tensor, whole: int) -> Tensor:
    """Some images of a batch that has `whole` of them, (b, C, H, W), the first again where they are
    too few to be answered to the last digit as they are among the others."""
    lacking = max(0, min(whole, FEW) - len(x))
    return torch.cat([x, x[:1].expand(lacking, *x.shape[1:])]) if lacking else x
