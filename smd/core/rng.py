"""Randomness as a function of (seed, purpose, epoch, step): a resumed run restores no generator.

Where several ranks share a batch each draws the numbers of the whole batch and takes those of its
own rows, so that they do not depend on how many ranks there are.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from smd.ranks import shard
from smd.ranks.shard import Shard


@dataclass(frozen=True)
class Draws:
    """The random numbers of a batch of which a rank has the rows of its shard."""

    generator: torch.Generator  # in the same state on every rank
    shard: Shard


Source: TypeAlias = torch.Generator | Draws  # a generator where one process has the whole batch


def derived(*keys: int | str) -> int:
    """A 63-bit seed that depends on every key and on nothing else."""
    digest = hashlib.blake2b(repr(keys).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(device: torch.device | str, *keys: int | str) -> torch.Generator:
    """A generator on the device, seeded by the keys."""
    return torch.Generator(device).manual_seed(derived(*keys))


def drawn(
    source: Source, count: int, draw: Callable[[int, torch.Generator], Tensor], dim: int = 0
) -> Tensor:
    """Random numbers for `count` rows: `draw(n, generator)` of n rows, which are in dimension
    `dim`."""
    if isinstance(source, torch.Generator):
        return draw(count, source)
    return source.shard.own(draw(source.shard.total, source.generator), dim)


def like(x: Tensor, source: Source, draw: Callable[..., Tensor]) -> Tensor:
    """Random numbers for every value of x, (B, ...), by torch.rand or torch.randn."""
    kind = {"device": x.device, "dtype": x.dtype}
    return drawn(source, len(x), lambda n, g: draw((n, *x.shape[1:]), generator=g, **kind))


def once(source: Source) -> torch.Generator:
    """For numbers that all rows share: the same on every rank."""
    return source if isinstance(source, torch.Generator) else source.generator


def total(source: Source, count: int) -> int:
    """How many rows the batch has of which this rank has `count`."""
    return count if isinstance(source, torch.Generator) else source.shard.total


def among(source: Source, count: int) -> tuple[Source, int]:
    """For some of the batch's rows, `count` of this rank's: their source, and how many rows all
    ranks have. Every rank must come here, as they exchange."""
    if isinstance(source, torch.Generator):
        return source, count
    rows = shard.among(count)
    return Draws(source.generator, rows), rows.total


def between(source: Source, begin: int, end: int) -> tuple[Source, slice]:
    """For the rows [begin, end) of the whole batch: their source, and which of this rank's rows
    they are."""
    if isinstance(source, torch.Generator):
        return source, slice(begin, end)
    rows, first = source.shard.part(begin, end), source.shard.begin
    return Draws(source.generator, rows), slice(
        begin + rows.begin - first, begin + rows.end - first
    )
