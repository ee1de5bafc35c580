"""A training whose loss is no number any more has come to its end."""

import math

from smd.errors import UserError
from smd.training.loop import EpochResult


def refuse_divergence(result: EpochResult) -> None:
    """Raise UserError where an epoch's loss is not finite: margins and accuracies would mean
    nothing."""
    losses = [m.value for m in result.metrics if m.name.startswith("loss")]
    if not all(map(math.isfinite, losses)):
        raise UserError(
            f"The training diverged in epoch {result.epoch}: its loss is not finite. "
            "Try another seed, a larger batch or another network."
        )
