"""The running epoch's measurements so far, sample by sample and as means over steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from smd.defenses import StepResult
from smd.training.monitor import Metric


@dataclass
class EpochStats:
    """Part of a checkpoint. A sample that is drawn several times has the flags of the last."""

    clean_ok: Tensor  # (N,) bool
    adv_ok: Tensor  # (N,) bool
    crossed: Tensor  # (N,) bool, of defenses with margins
    drawn: Tensor  # (N,) bool, was in a batch; the other flags of the rest are False
    sums: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0
    looked: bool = False  # whether the defense classifies the clean images, which clean_ok needs
    draws: int = 0  # samples in all batches

    def add(self, idx: Tensor, result: StepResult) -> None:
        """Enter one step's result for the samples of `idx`, (B,), none twice."""
        self.drawn[idx], self.draws = True, self.draws + len(idx)
        self.adv_ok[idx] = result.adv_ok
        if result.crossed is not None:
            self.crossed[idx] = result.crossed
        if result.clean_ok is not None:
            self.clean_ok[idx], self.looked = result.clean_ok, True
        for name, (total, count) in result.means.items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(total)) + total
            self.counts[name] = self.counts.get(name, torch.zeros_like(count)) + count

    def means(self) -> list[Metric]:
        """The epoch's means over draws; a mean over no sample at all is left out."""
        pairs = ((name, float(self.sums[name]), float(self.counts[name])) for name in self.sums)
        return [Metric("train", name, 0.0, total / count) for name, total, count in pairs if count]

    def saved(self) -> dict[str, Any]:
        """What `restored` takes, as torch.load(weights_only=True) can read it."""
        return dict(vars(self))


def empty(n: int, device: torch.device) -> EpochStats:
    """The stats of n samples before the first step."""
    none = torch.zeros(n, dtype=torch.bool, device=device)
    return EpochStats(none, none.clone(), none.clone(), none.clone())


def restored(saved: Mapping[str, Any], device: torch.device, draws: int) -> EpochStats:
    """The stats of a checkpoint; draws: samples in its batches, for one that does not tell.

    What earlier versions did not keep is as it was for them: they drew every sample in an epoch.
    """
    clean_ok, adv_ok = saved["clean_ok"].to(device), saved["adv_ok"].to(device)
    sums, counts = (
        {name: value.to(device) for name, value in saved[kind].items()}
        for kind in ("sums", "counts")
    )
    return EpochStats(
        clean_ok,
        adv_ok,
        saved.get("crossed", clean_ok & ~adv_ok).to(device),
        saved.get("drawn", torch.ones_like(clean_ok)).to(device),
        sums,
        counts,
        saved["seconds"],
        saved.get("looked", True),
        saved.get("draws", draws),
    )
