"""Class balance: how much every training image's loss counts, or how often it is drawn."""

from collections.abc import Sequence

import torch
from torch import Tensor

MOST_NAMED = 5  # classes that a sentence names


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """n / (K n_k) of every class, (N,) -> (K,): all classes weigh alike, and the mean over the
    images is 1.

    K counts the classes that have images; one without any has weight 0, which nothing uses.
    """
    counts = torch.bincount(labels, minlength=classes)
    present = counts > 0
    weights = len(labels) / (present.sum() * counts.clamp_min(1))
    return torch.where(present, weights, 0.0)


def sampled(labels: Tensor, size: int, generator: torch.Generator) -> list[Tensor]:
    """The ids of one epoch's ceil(N / size) batches, in which classes are drawn equally often:
    labels (N,) -> each at most (size,) int64, on the device of the labels.

    The N draws go round: all K classes that have images, in random order, then all again. So each
    class has N / K draws, spread over the epoch, to less than one. A class deals its images in
    shuffled rounds: none comes again before all others have come. No batch has an image twice: a
    class that has fewer images than a batch asks for gives all of them, and the batch is smaller.

    generator: on the CPU, so that every device sees the same order.
    """
    known = labels.cpu()
    classes = known.unique()
    rounds = torch.rand(-(-len(known) // len(classes)), len(classes), generator=generator)
    turn = rounds.argsort(dim=1, stable=True).flatten()[: len(known)]
    batch = torch.arange(len(known)) // size
    ids = torch.full_like(batch, -1)
    for k, label in enumerate(classes):
        own, places = ((known == label).nonzero().squeeze(1), (turn == k).nonzero().squeeze(1))
        asked = torch.bincount(batch[places], minlength=int(batch[-1]) + 1)
        before = (asked.cumsum(0) - asked)[batch[places]]
        fits = torch.arange(len(places)) - before < len(own)
        ids[places[fits]] = _dealt(own, asked.clamp(max=len(own)), generator)
    return [part[part >= 0].to(labels.device) for part in ids.split(size)]


def _dealt(ids: Tensor, counts: Tensor, generator: torch.Generator) -> Tensor:
    """One class's draws, (counts.sum(),), of its ids (n_k,): counts (batches,), each at most n_k.

    Where a round begins within a batch, the images that the batch has from the round before come
    last.
    """
    ends = counts.cumsum(0)
    begins = torch.arange(0, int(ends[-1]), len(ids))
    within = torch.searchsorted(ends, begins, right=True)
    held = begins - (ends - counts)[within]  # draws of the round before in the batch of its first
    rounds: list[Tensor] = []
    for there in held.tolist():
        fresh = ids[torch.randperm(len(ids), generator=generator)]
        if there:
            late = torch.isin(fresh, rounds[-1][-there:])
            fresh = torch.cat((fresh[~late], fresh[late]))
        rounds.append(fresh)
    return torch.cat(rounds)[: int(ends[-1])]


def told(labels: Tensor, parts: Sequence[Tensor], names: Sequence[str]) -> str:
    """What an epoch's batches, as from `sampled`, are made of, in a sentence or two."""
    draws = labels.cpu()[torch.cat(list(parts)).cpu()].bincount(minlength=len(names))
    has = labels.cpu().bincount(minlength=len(names))
    present = int((has > 0).sum())
    each = len(labels) // present
    said = (
        f"Class balance by sampling: an epoch draws {int(draws.sum()):,} images, some {each:,} of"
        f" each of {present} classes."
    )
    short = [k for k in range(len(names)) if has[k] and draws[k] < each]
    if not short:
        return said
    listed = [f"{names[k]} {int(draws[k]):,} ({int(has[k]):,} images)" for k in short[:MOST_NAMED]]
    more = f" and {len(short) - MOST_NAMED} more" if len(short) > MOST_NAMED else ""
    return f"{said} Fewer, as no batch has an image twice: {', '.join(listed)}{more}."
