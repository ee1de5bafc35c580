"""Dealing a job's portions to hands, each with the network and the images on a device of its own.

Results come back in the order of the portions, whoever does them. Whatever a hand cannot do is
raised here as if it had been done here.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from smd import crew, several
from smd.crew import Hand, Orders
from smd.dealing.portions import Portion, R
from smd.errors import UserError
from smd.several import Need

AHEAD = 2  # portions that a hand has, so that it need not wait for the next
WINDOW = 4  # portions a hand that may be done before the first is; their results wait in memory
DONE, MEMORY, REFUSED, FAILED = "done", "memory", "refused", "failed"  # what a hand answers


@dataclass(frozen=True)
class Work:
    """What a hand opens before its first portion: a trained run's network, and a split's images."""

    run: str  # its folder
    split: str
    weights: str  # "last" or "ema"
    device: str  # where the hand works, as torch names it


class Dealer:
    """A Deal (smd.dealing.portions): hands do the portions, and this process waits for them."""

    def __init__(self, hands: Sequence[Hand], alive: Callable[[], None]) -> None:
        """alive: called while it waits, twice a second or so; what it raises is raised."""
        self._count = len(hands)
        self._hands = hands
        self._alive = alive
        self._round = 0  # answers of an earlier one are dropped
        self._doing: dict[Hand, int] = dict.fromkeys(hands, 0)  # portions that each has

    @property
    def count(self) -> int:
        """How many hands there are."""
        return self._count

    def __call__(self, portions: Sequence[Portion[R]]) -> Generator[R, None, None]:
        """See smd.dealing.portions.Deal; raises crew.Lost where a hand has ended."""
        self._round += 1
        results: dict[int, R] = {}
        given = 0
        for wanted in range(len(portions)):
            while wanted not in results:
                given = self._give(portions, given, wanted)
                self._alive()
                for hand in crew.ready(self._hands):
                    self._take(hand, results)
            yield results.pop(wanted)

    def _give(self, portions: Sequence[Any], given: int, wanted: int) -> int:
        """Hand out what there is to do, first to who has least; returns how many are given."""
        count = self._count
        for has in range(AHEAD):
            for hand in self._hands:
                left = len(portions) - given
                if has and left <= count:  # the last ones are for whoever is free first
                    return given
                room = given < min(len(portions), wanted + WINDOW * count)
                if self._doing[hand] <= has and room:
                    hand.send((self._round, given, portions[given]))
                    self._doing[hand] += 1
                    given += 1
        return given

    def _take(self, hand: Hand, results: dict[int, Any]) -> None:
        number, place, how, result = hand.receive()
        self._doing[hand] -= 1
        if number != self._round:
            return
        results[place] = result_of(how, result, f"{hand.name}: ")


@contextmanager
def dealt(works: Sequence[Work], need: Need, alive: Callable[[], None]) -> Iterator[Dealer]:
    """Hands for the length of the body, one for each of the works, which are one after another."""
    names = [
        f"Process {k} of {len(works)} of this job, on {work.device},"
        for k, work in enumerate(works, start=1)
    ]
    with crew.crew(names, [("deal",)] * len(works), several.shares(need)) as hands:
        for hand, work in zip(hands, works, strict=True):
            hand.send(work)
        yield Dealer(hands, alive)


def serve(orders: Orders, opened: Callable[[Work], Callable[[Portion[Any]], Any]]) -> None:
    """Be a hand: open the work that comes first, then do portions, until the job lets it go."""
    do = None
    work: Work = orders.next()
    trouble = ""
    try:
        do = opened(work)
    except UserError as error:
        trouble = str(error)
    while True:
        number, place, portion = orders.next()
        answer = (REFUSED, trouble) if do is None else done(do, portion)
        orders.answer((number, place, *answer))


def result_of(how: str, result: Any, who: str = "") -> Any:
    """What a portion has come to, of what `done` tells; raises what the portion raised.

    who: what an error that nobody expected begins with.
    """
    if how == MEMORY:
        raise torch.OutOfMemoryError(result)
    if how == REFUSED:
        raise UserError(result)
    if how != DONE:
        raise RuntimeError(f"{who}{result}")
    return result


def done(do: Callable[[Portion[Any]], Any], portion: Portion[Any]) -> tuple[str, Any]:
    """What a hand answers: how it went, and the result or why there is none."""
    try:
        return DONE, do(portion)
    except torch.OutOfMemoryError as error:
        told = str(error)
    except UserError as error:
        return REFUSED, str(error)
    except Exception as error:
        return FAILED, f"{type(error).__name__}: {error}"
    torch.cuda.empty_cache()  # the traceback that held the tensors is gone
    return MEMORY, told
