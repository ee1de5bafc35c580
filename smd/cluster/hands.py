"""How the head reaches nodes, whatever connects them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Lost(Exception):
    """A node is gone, or nothing is heard of it any more."""


class Hand(Protocol):
    """A node that works for one job."""

    device: str  # what it has for the job: "cpu" or "cuda:0"

    def call(self, name: str, *args: Any) -> Any:
        """The answer of a method of smd.cluster.node.Node.

        Raises Lost where the node is gone, UserError as the method does.
        """
        ...


# (called while it waits for a free one; may raise) -> a node for the length of the body; raises
# UserError where the cluster cannot be reached
Hire = Callable[[Callable[[], None]], AbstractContextManager[Hand]]
Pieces = Iterator[tuple[str, bytes]]
