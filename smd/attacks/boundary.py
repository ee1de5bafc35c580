"""FAB (Croce and Hein 2020, arXiv:1907.02044) at a noise level, and what it tells of all others.

Its search knows no noise level: only whether it counts is one's. So an image that withstands it
withstands it at every level below the nearest that it came.
"""

import torch
from pyautoattack.fab_pt import FABAttack_PT
from torch import Tensor

from smd.core.lp import Norm


@torch.no_grad()
def fab(attack: FABAttack_PT, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """What the package's attack makes of x in one start, and how near it came to each, (B,).

    nan where an image fell, so that not all targets were tried; infinity where it met nothing.
    """
    adversarial, nearest = x.clone(), torch.full_like(x[:, 0].flatten(1)[:, 0], torch.nan)
    left = (attack.predict(x).argmax(1) == y).nonzero().squeeze(1)
    nearest[left] = torch.inf
    for target in range(2, attack.n_target_classes + 2) if attack.targeted else (0,):
        if not len(left):
            break
        attack.target_class = target
        found = attack.attack_single_run(x[left], y[left], is_targeted=attack.targeted)
        far = _length(x[left] - found, attack.norm)
        wrong = attack.predict(found).argmax(1) != y[left]
        fallen = wrong & ~(far > attack.eps)
        adversarial[left[fallen]] = found[fallen]
        nearest[left] = torch.where(wrong, torch.minimum(nearest[left], far), nearest[left])
        nearest[left[fallen]] = torch.nan
        left = left[~fallen]
    return adversarial, nearest


def _length(noise: Tensor, norm: Norm) -> Tensor:
    """As the package computes it, to the last digit, as a noise level may lie there."""
    flat = noise.flatten(1)
    return flat.abs().amax(1) if norm == "Linf" else flat.square().sum(1).sqrt()
