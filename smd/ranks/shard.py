"""Which rows of a batch a rank has, and means and counts over those of all ranks.

A batch is divided in the order of its rows, without padding: parts differ by one row at most, and a
rank may have none. Every rank must come to the functions here that exchange, in the same order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor

from smd.ranks.group import ALONE, Group, current

# while rows go through a network: the ranks that have others of them, and whether these stand for
# none
_passing: ContextVar[tuple[Group, bool]] = ContextVar("passing", default=(ALONE, False))


@dataclass(frozen=True)
class Shard:
    """The rows [begin, end) of a batch of `total`."""

    total: int
    begin: int
    end: int

    def own(self, whole: Tensor, dim: int = 0) -> Tensor:
        """This rank's part of what there is of every row: (..., total, ...) -> (..., own, ...)."""
        if self.end - self.begin == self.total:
            return whole
        return whole.narrow(dim, self.begin, self.end - self.begin)

    def part(self, begin: int, end: int) -> "Shard":
        """This rank's rows among the batch's rows [begin, end), counted from there."""
        first, last = (min(max(place, begin), end) - begin for place in (self.begin, self.end))
        return Shard(end - begin, first, last)


def counts(total: int, size: int) -> list[int]:
    """How many of a batch's rows each of `size` ranks has; the first ranks have what is over."""
    return [total // size + (rank < total % size) for rank in range(size)]


def of(total: int, group: Group) -> Shard:
    """The rows of a batch of `total` that the rank has."""
    each = counts(total, group.size)
    begin = sum(each[: group.rank])
    return Shard(total, begin, begin + each[group.rank])


def among(count: int, group: Group | None = None) -> Shard:
    """The place of the rank's `count` rows among those of all ranks; exchanges.

    group: None: the current one.
    """
    group = group or current()
    if group.size == 1:
        return Shard(count, 0, count)
    each = [int(n) for n in group.stacked(torch.tensor(count, device=group.device)).tolist()]
    begin = sum(each[: group.rank])
    return Shard(sum(each), begin, begin + count)


def total(value: Tensor) -> Tensor:
    """The sum of a number over all ranks, such as a count; takes no gradient. Exchanges."""
    return current().reduce(value)


def rows(each: Tensor) -> int | Tensor:
    """How many rows all ranks have of what this one has len(each) of; exchanges."""
    if current() is ALONE:
        return len(each)
    return total(torch.full((), len(each), device=each.device, dtype=torch.float64)).to(each.dtype)


def mean(each: Tensor) -> Tensor:
    """This rank's share of the mean over the rows of all ranks, (B,) -> (): the ranks' shares, and
    the gradients of these, add up to those of the whole. Exchanges."""
    if current() is ALONE:
        return each.mean()
    return each.sum() / rows(each)


@contextmanager
def passing(group: Group, idle: bool) -> Iterator[None]:
    """Within, a batch goes through a network of which the group's ranks have the other rows.

    idle: its rows stand for none; see smd.nets.ranked.
    """
    before = _passing.set((group, idle))
    try:
        yield
    finally:
        _passing.reset(before)


def present(x: Tensor) -> int:
    """Rows of a batch within a network, (B, ...); 0 of one that stands for none."""
    return 0 if _passing.get()[1] else len(x)


def lonely(x: Tensor) -> bool:
    """Whether a batch within a network, (B, ...), has one row on all ranks together; exchanges
    where ranks share it."""
    return among(present(x), _passing.get()[0]).total == 1
