"""PGD that lets go of a sample as soon as it is hard enough: the inner loop of FAT and ATES."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from smd.core import losses, lp, pgd
from smd.defenses.common import every

# (rows (A,), their logits (A, K)) -> (A,) bool: not to be moved any more
Enough = Callable[[Tensor, Tensor], Tensor]


def stopping_pgd(
    # in eval mode, so that a sample's logits do not depend on who else is still active
    model: nn.Module,
    x: Tensor,  # (B, C, H, W) in [0, 1], the centres
    y: Tensor,  # (B,)
    start: Tensor,  # (B, C, H, W) in the ball
    eps: float,  # unit of x
    step: float,  # unit of x
    steps: int,
    enough: Enough,
    noise: Callable[[], Tensor] | None = None,  # what is added to every step, (B, C, H, W)
) -> tuple[Tensor, Tensor]:
    """Gradient ascent on the cross-entropy where every sample is tested before each of its steps.

    The one that has had enough is emitted as it is; what is left after the last step is not tested
    again. Returns the emitted images, (B, C, H, W), and how many steps each took, (B,) float32.
    """
    x_adv = start.clone()
    taken = torch.zeros(len(x), device=x.device)
    active = torch.arange(len(x), device=x.device)
    for _ in range(steps):
        logits, gradient = pgd.input_gradient(model, losses.ce, x_adv[active], y[active])
        stays = ~enough(active, logits)
        active, move = active[stays], step * gradient[stays].sign()
        if not len(active):
            break
        if noise is not None:
            move = move + noise()[active]
        x_adv[active] = lp.project(x_adv[active] + move, x[active], every(x[active], eps), "Linf")
        taken[active] += 1
    return x_adv, taken
