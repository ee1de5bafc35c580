"""Judging a trained network: an attack's images are checked and classified again, never believed.

The network is put in eval mode, whatever the caller did.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from smd import lp, rng
from smd.attacks import Attack
from smd.data.batches import Batch, OnDevice
from smd.lp import Norm

SLACK = 1e-6  # how far rounding may carry an image out of its ball
KEPT_BYTES = 16 * 2**20  # adversarial images kept of one verdict
KEPT_IMAGES = 256


@dataclass(frozen=True)
class Images:
    """Some adversarial images, as differences to the clean ones."""

    noise: np.ndarray  # (k, C, H, W) float16, unit of x
    p_clean: np.ndarray  # (k, K) float16, softmax on the clean image
    p_adv: np.ndarray  # (k, K) float16, softmax on the adversarial image


@dataclass(frozen=True)
class Verdict:
    """What became of every sample at one noise level and seed."""

    eps: float
    seed: int
    ok: np.ndarray  # (n,) bool, still classified correctly
    pred: np.ndarray  # (n,) int16, predicted class
    distance: np.ndarray  # (n,) float32, length of the noise, unit of x
    seconds: float
    images: Images  # of the first samples


def judge(
    model: nn.Module,
    data: OnDevice,
    ids: Tensor,  # (n,) sample ids, which are judged in this order
    attack: Attack,
    eps: float,  # 0: the clean images
    seed: int,
    size: int,
    norm: Norm = "Linf",
    after_batch: Callable[[int], None] = lambda done: None,
) -> Verdict:
    """Attack the samples of those ids at one noise level.

    A sample that is misclassified when clean counts as broken at every level. Raises RuntimeError
    if the attack leaves the ball or [0, 1].
    """
    model.eval()
    began = time.perf_counter()
    keep = min(KEPT_IMAGES, max(1, KEPT_BYTES // (2 * data.pixels[0].numel())))
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    kept: list[tuple[Tensor, Tensor, Tensor]] = []
    for number, part in enumerate(ids.split(size)):
        batch = data.take(part)
        generator = rng.generator(batch.x.device, seed, "attack", round(eps * 255 * 1000), number)
        noise, clean, adv = _attacked(model, batch, attack, eps, norm, generator)
        ok = (clean.argmax(1) == batch.y) & (adv.argmax(1) == batch.y)
        parts.append((ok, adv.argmax(1), lp.length(noise, norm)))
        if (left := keep - number * size) > 0:
            kept.append((noise[:left], clean[:left].softmax(1), adv[:left].softmax(1)))
        after_batch(min((number + 1) * size, len(ids)))
    judged = [torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)]
    half = [torch.cat(column).half().cpu().numpy() for column in zip(*kept, strict=True)]
    seconds = time.perf_counter() - began
    return Verdict(eps, seed, judged[0], judged[1].astype(np.int16), judged[2], seconds, Images(*half))


def _attacked(
    model: nn.Module, batch: Batch, attack: Attack, eps: float, norm: Norm, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """The noise (B, C, H, W), the clean and the adversarial logits (B, K)."""
    x = batch.x
    with torch.no_grad():
        clean = model(x)
    if eps == 0:
        return torch.zeros_like(x), clean, clean
    proposed = attack.perturb(model, x, batch.y, eps, norm, generator).detach()
    _check(proposed, x, eps, norm)
    x_adv = lp.project(proposed, x, torch.full((len(x),), eps, device=x.device), norm)
    with torch.no_grad():
        return x_adv - x, clean, model(x_adv)


def _check(x_adv: Tensor, x: Tensor, eps: float, norm: Norm) -> None:
    """Refuse images outside the ball, outside [0, 1] or not finite."""
    farthest = float(lp.length(x_adv - x, norm).max())
    if not farthest <= eps + SLACK:
        raise RuntimeError(f"The attack left its ball: {farthest * 255:.4f}/255 of {eps * 255:.4f}/255.")
    if not (float(x_adv.min()) >= -SLACK and float(x_adv.max()) <= 1 + SLACK):
        raise RuntimeError("The attack left the pixels' range [0, 1].")
