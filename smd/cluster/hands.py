"""How the head reaches nodes, whatever connects them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol


class Lost(Exception):
    """A node is gone, or nothing is heard of it any more."""


class Hand(Protocol):
    """A node that works for one job."""

    device: str  # what it has for the job: "cpu" or "cuda:0"
    address: str  # of its machine, by which other nodes reach it; "" where none has to
    helpers: Sequence["Hand"]  # nodes that work with it; none: it does all itself
    handle: Any  # by which another node reaches it
    pool: str  # "module:class", a smd.cluster.spread.Pool of (handles, order, work)

    def call(self, name: str, *args: Any) -> Any:
        """The answer of a method of smd.cluster.node.Node.

        Raises Lost where the node is gone, at once where it has before; UserError as the method
        does.
        """
        ...


@dataclass(frozen=True)
class Wanted:
    """The nodes that a job wants, all at once."""

    helpers: int = 0
    ranks: bool = False  # the node itself has a device as they do; else they do its work
    again: bool = False  # it had them and has lost one: what the cluster lacks now may come back


ONE = Wanted()


# (called while it waits for free ones, may raise; which) -> a node for the length of the body;
# raises UserError where the cluster cannot be reached or has too little
Hire = Callable[[Callable[[], None], Wanted], AbstractContextManager[Hand]]
