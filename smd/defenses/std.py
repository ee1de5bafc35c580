"""STD: cross-entropy on clean images, the undefended network of every table."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext, StepResult
from smd.defenses.common import cross_entropy, means


@dataclass(frozen=True)
class STD:
    """No knobs, no per-sample state."""

    def begin(self, info: RunInfo) -> dict[str, Tensor]:
        """Nothing is remembered."""
        return {}

    def step(
        self, model: nn.Module, batch: Batch, state: dict[str, Tensor], context: StepContext
    ) -> StepResult:
        """Mean cross-entropy of the clean batch."""
        logits = model(batch.x)
        loss = cross_entropy(logits, batch.y, batch.weight)
        loss.backward()
        right = logits.detach().argmax(1) == batch.y
        shown = means({"loss": loss, "loss_clean": loss}, len(right))
        return StepResult(right, torch.zeros_like(right), shown)
