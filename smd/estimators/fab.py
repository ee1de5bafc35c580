"""The nearest adversarial image of another minimum-norm attack: FAB (Croce and Hein 2020).

arXiv:1907.02044. FAB steps along the boundary's linear approximation and needs no noise level. The
package's images are classified anew, and each is brought back to the boundary by bisection.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from pyautoattack.fab_pt import FABAttack_PT
from torch import Tensor, nn

from smd.core import lp
from smd.core.epgd import straddled
from smd.core.lp import Norm
from smd.estimators import Found
from smd.nets.modes import frozen


@dataclass(frozen=True)
class Fab:
    """The closest of an untargeted run and of runs towards the likeliest other classes.

    With C classes a sample takes `steps` * (2 forward + C backward) passes untargeted and `steps` *
    (2 forward + 1 backward) for each target: 3,900 for ten classes. Targets are what finds the last
    hundredth of the way.
    """

    steps: int = 100
    targets: int = 9  # at most; 0: untargeted only
    restarts: int = 1  # all but the first start at random

    def estimate(
        self, model: nn.Module, x: Tensor, y: Tensor, norm: Norm, generator: torch.Generator
    ) -> Found:
        """See smd.estimators.Estimator; a sample that withstands all runs gets 0, uncrossed."""
        with frozen(model), _seeded(x.device, generator):
            nearest, distance = self._nearest(model, x, y, norm)
        _, beyond = straddled(model, x, nearest, y)
        crossed = distance.isfinite()
        return Found(torch.where(crossed, lp.length(beyond - x, norm), 0.0), crossed)

    def _nearest(self, model: nn.Module, x: Tensor, y: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
        """Nearest misclassified images, shaped like x, and distances (B,); none: x and infinity."""
        fab = FABAttack_PT(model, norm=norm, n_iter=self.steps, device=x.device)
        with torch.no_grad():
            classes = model(x[:1]).shape[1]
        nearest, distance = x, torch.full((len(x),), torch.inf, device=x.device)
        for k in range(self.restarts):
            # The package counts targets from the likeliest class, the true one, at 1; 0 is
            # untargeted here.
            for target in (0, *range(2, min(self.targets, classes - 1) + 2)):
                fab.target_class = target
                example = fab.attack_single_run(x, y, use_rand_start=k > 0, is_targeted=target > 0)
                reached = _reached(model, example, x, y, norm)
                nearest = torch.where(lp.per_sample(reached < distance, x), example, nearest)
                distance = torch.minimum(distance, reached)
        return nearest, distance


@torch.no_grad()
def _reached(model: nn.Module, example: Tensor, x: Tensor, y: Tensor, norm: Norm) -> Tensor:
    """Distances (B,) of images that are misclassified and in [0, 1]; infinity for the others."""
    length = lp.length(example - x, norm)
    inside = (example >= 0).flatten(1).all(1) & (example <= 1).flatten(1).all(1)
    return torch.where(
        (model(example).argmax(1) != y) & inside & length.isfinite(), length, torch.inf
    )


@contextmanager
def _seeded(device: torch.device, generator: torch.Generator) -> Iterator[None]:
    """Within, the global random numbers, which the package draws, are seeded by the generator."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(generator.initial_seed())
        yield
