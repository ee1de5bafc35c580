"""Which class a network's logits name: none where they are not finite."""

import torch
from torch import Tensor

NONE = -1  # the class of an answer that holds nan or inf, which no label equals
FLAG = "nan"  # of such answers, in smd.analysis.flags.FLAGS


def predicted(logits: Tensor) -> Tensor:
    """(B, K) -> (B,) int64, the class of the largest logit, NONE where a row is not finite: argmax
    takes nan for the largest, so that whatever is in class 0 would count as right."""
    return torch.where(logits.isfinite().all(1), logits.argmax(1), NONE)
