"""What a defense's `state_dict` holds of every sample: read, checked, and put onto its device."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from smd.errors import UserError


def drawn_before(epoch: int | None, like: Tensor) -> Tensor:
    """Of an earlier version's state_dict: the epoch before the running one drew every sample."""
    return torch.full_like(like, -1 if epoch is None else max(epoch - 1, 0))


def fitting(saved: Mapping[str, Any], known: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Saved tensors as copies on the device of the known ones; raises UserError if they differ."""
    wrong = saved.keys() ^ known.keys()
    for name, value in known.items():
        like = saved.get(name)
        if not isinstance(like, Tensor) or (like.shape, like.dtype) != (value.shape, value.dtype):
            wrong.add(name)
    if wrong:
        raise UserError(f"This state_dict has other contents: {', '.join(sorted(wrong))}.")
    return {name: saved[name].to(value.device, copy=True) for name, value in known.items()}
