"""How the head reaches nodes, whatever connects them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Lost(Exception):
    """A node is gone, or nothing is heard of it any more."""


class Hand(Protocol):
    """A node that works for one job."""

    device: str  # what it has for the job: "cpu" or "cuda:0"
    helpers: Sequence["Hand"]  # nodes that do its portions; none: it does them itself
    handle: Any  # by which another node reaches it
    pool: str  # "module:class", a smd.cluster.spread.Pool of (handles, order, work)

    def call(self, name: str, *args: Any) -> Any:
        """The answer of a method of smd.cluster.node.Node.

        Raises Lost where the node is gone, UserError as the method does.
        """
        ...


# (called while it waits for a free one, may raise; how many helpers) -> a node for the length of
# the body; raises UserError where the cluster cannot be reached or has too little
Hire = Callable[[Callable[[], None], int], AbstractContextManager[Hand]]
