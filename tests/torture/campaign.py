"""What a campaign is.

A list of cases, the same for the same seed, each of which raises Fault or is survived.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


class Fault(AssertionError):
    """The product lost, hid or spoiled something, or said nothing about it."""


class Missing(Exception):
    """This machine cannot be made to have that bad luck; the reason, one sentence."""


@dataclass(frozen=True)
class Case:
    """One try: what is done, in words, and the doing, which is given an empty folder and returns
    what came of it."""

    about: str
    run: Callable[[Path], str | None]


@dataclass(frozen=True)
class Campaign:
    """A kind of bad luck.

    cases: given the tries wished for (0: all there are) and a source of chance, what is tried. It
    may raise Missing.
    """

    name: str
    what: str
    cases: Callable[[int, random.Random], Sequence[Case]]
    tries: int  # unless more or fewer are asked for


def spread(total: int, tries: int, chance: random.Random) -> Iterator[int]:
    """So many of 1..total, evenly from first to last and otherwise by chance; all of them if tries
    is 0 or enough."""
    if not 0 < tries < total:
        yield from range(1, total + 1)
        return
    for k in range(tries):
        first, last = 1 + k * total // tries, (k + 1) * total // tries
        yield chance.randint(first, max(first, last))


def check(condition: object, sentence: str) -> None:
    """Raise Fault unless that holds."""
    if not condition:
        raise Fault(sentence)
