"""A job's portions on several nodes: each by whoever is free, again where a node is lost.

A portion depends on what it says and on nothing else (smd.dealing.portions), so that it is the same
whoever does it, and however often.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol

from smd.cluster.hands import Lost
from smd.dealing.dealer import result_of
from smd.dealing.portions import Portion, R

LOOK = 0.5  # seconds between two looks at whether the job shall stop
WINDOW = 4  # portions a node that may be done before the first is; their results wait in memory


class Pool(Protocol):
    """How portions get to nodes, whatever connects them; nodes and tickets mean something to it
    alone."""

    nodes: Sequence[Any]

    def start(self, node: Any, portion: Any) -> Any:
        """Have a node do it; returns a ticket."""
        ...

    def done(self, tickets: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Those of the tickets that are answered, or whose node is gone; waits for the first."""
        ...

    def answer(self, ticket: Any) -> tuple[str, Any]:
        """What a node has answered, as smd.dealing.dealer tells; raises Lost where it is gone."""
        ...


class Spread:
    """A Deal (smd.dealing.portions): two portions a node, so that none waits for the next."""

    def __init__(self, pool: Pool, alive: Callable[[], None]) -> None:
        """alive: called while it waits; what it raises is raised."""
        self._pool, self._alive = pool, alive
        self._nodes = list(pool.nodes)

    @property
    def count(self) -> int:
        """How many nodes there were at the beginning."""
        return len(self._pool.nodes)

    def __call__(self, portions: Sequence[Portion[R]]) -> Generator[R, None, None]:
        """See Deal; raises Lost where no node is left."""
        todo, doing = list(range(len(portions))), dict[Any, tuple[Any, int]]()
        results = dict[int, R]()
        for wanted in range(len(portions)):
            while wanted not in results:
                self._give(portions, todo, doing, wanted)
                self._alive()
                for ticket in self._pool.done(list(doing), LOOK):
                    self._take(ticket, todo, doing, results)
            yield results.pop(wanted)

    def _give(
        self,
        portions: Sequence[Any],
        todo: list[int],
        doing: dict[Any, tuple[Any, int]],
        wanted: int,
    ) -> None:
        if not self._nodes:
            raise Lost("all nodes that helped are lost")
        busy = [node for node, _ in doing.values()]
        for has in (0, 1):
            for node in self._nodes:
                far = todo and todo[0] >= wanted + WINDOW * len(self._nodes)
                if todo and not far and sum(each is node for each in busy) <= has:
                    place = todo.pop(0)
                    doing[self._pool.start(node, portions[place])] = (node, place)
                    busy.append(node)

    def _take(
        self,
        ticket: Any,
        todo: list[int],
        doing: dict[Any, tuple[Any, int]],
        results: dict[int, Any],
    ) -> None:
        node, place = doing.pop(ticket)
        try:
            how, result = self._pool.answer(ticket)
        except Lost:
            self._nodes = [each for each in self._nodes if each is not node]
            todo.append(place)
            todo.sort()
            return
        results[place] = result_of(how, result)
