"""Portions of a job: batches whose results depend on what the portion says, and on nothing else.

So it does not matter which process does one, in what order, or what it has done before: results are
those of a single process, bit for bit on devices of one kind with as many threads. A portion holds
its sample ids, seed and number, never pixels; who does it has the network and the images.
"""

from collections.abc import Generator, Sequence
from typing import Protocol, TypeVar

from torch import nn

from smd.data.batches import Rows

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")


class Portion(Protocol[R_co]):
    """One batch of a job: a frozen dataclass of plain values and tensors of the CPU, as it is
    pickled for another process. So is its result."""

    def do(self, model: nn.Module, data: Rows) -> R_co:
        """Its result; model: in eval mode, its parameters frozen, on the device of the data."""
        ...


class Deal(Protocol):
    """Whoever has portions done: this process, several on this machine, or others."""

    def __call__(self, portions: Sequence[Portion[R]]) -> Generator[R, None, None]:
        """Their results in the order of the portions; where it is closed early, those that are
        under way are dropped. Raises what a portion raises."""
        ...


class Team(Deal, Protocol):
    """Several that have portions done at the same time."""

    @property
    def count(self) -> int:
        """How many of them."""
        ...


def here(model: nn.Module, data: Rows) -> Deal:
    """This process, one after the other, each when it is asked for."""

    def deal(portions: Sequence[Portion[R]]) -> Generator[R, None, None]:
        for portion in portions:
            yield portion.do(model, data)

    return deal
