"""Portions come back in their order, whoever does them, however long each takes."""

from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from smd import crew
from smd.dealing import dealer
from smd.dealing.dealer import AHEAD, WINDOW, Dealer
from smd.errors import UserError


@dataclass(eq=False)
class Scripted:
    """A hand that answers when it is told to; `how`: what becomes of each portion."""

    name: str = "Process 1"
    how: dict[Any, tuple[str, Any]] = field(default_factory=dict)
    has: list[tuple[int, int, Any]] = field(default_factory=list)
    most: int = 0

    def send(self, order: tuple[int, int, Any]) -> None:
        self.has.append(order)
        self.most = max(self.most, len(self.has))

    def receive(self) -> tuple[int, int, str, Any]:
        number, place, portion = self.has.pop(0)
        return number, place, *self.how.get(portion, (dealer.DONE, portion * 10))


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> list[Scripted]:
    """Three hands, of which the last one that has something is ready first."""
    three = [Scripted() for _ in range(3)]

    def ready(hands: list[Scripted]) -> list[Scripted]:
        return [hand for hand in reversed(hands) if hand.has][:1]

    monkeypatch.setattr(crew, "ready", ready)
    return three


def test_results_are_in_order_and_no_hand_has_more_than_it_needs(hands: list[Scripted]) -> None:
    deal = Dealer(hands, lambda: None)  # type: ignore[arg-type]
    assert list(deal(range(40))) == [10 * k for k in range(40)]  # type: ignore[arg-type]
    assert max(hand.most for hand in hands) <= AHEAD
    assert list(deal([])) == []
    assert list(deal(range(2))) == [0, 10]  # type: ignore[arg-type]


def test_only_so_many_results_wait_for_the_first(hands: list[Scripted]) -> None:
    given: list[int] = []
    for hand in hands:
        plain = hand.send
        hand.send = lambda order, plain=plain: (given.append(order[1]), plain(order))  # type: ignore
    with closing(Dealer(hands, lambda: None)(range(100))) as results:  # type: ignore[arg-type]
        assert next(results) == 0
    assert len(given) <= WINDOW * len(hands)


@pytest.mark.parametrize(
    "how, error, said",
    [
        ((dealer.MEMORY, "CUDA out of memory."), torch.OutOfMemoryError, "CUDA out of memory"),
        ((dealer.REFUSED, "There are no images."), UserError, "There are no images"),
        ((dealer.FAILED, "ValueError: odd"), RuntimeError, "Process 1: ValueError: odd"),
    ],
)
def test_what_a_hand_cannot_do_is_raised_and_the_rest_is_dropped(
    hands: list[Scripted], how: tuple[str, str], error: type[Exception], said: str
) -> None:
    for hand in hands:
        hand.how = {3: how}
    deal = Dealer(hands, lambda: None)  # type: ignore[arg-type]
    with pytest.raises(error, match=said):
        list(deal(range(20)))  # type: ignore[arg-type]
    for hand in hands:
        hand.how = {}
    assert list(deal(range(5, 25))) == [10 * k for k in range(5, 25)]  # type: ignore[arg-type]


def test_a_job_that_shall_stop_does_not_wait_for_its_hands(hands: list[Scripted]) -> None:
    def alive() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(Dealer(hands, alive)(range(3)))  # type: ignore[arg-type]


def test_a_hand_says_what_it_could_not_open_and_what_went_wrong() -> None:
    class Portion:
        def __init__(self, error: Exception | None) -> None:
            self.error = error

        def do(self) -> int:
            if self.error:
                raise self.error
            return 7

    orders, answers = Orders([Portion(None), Portion(UserError("No.")), Portion(KeyError("x"))]), []
    orders.answer = answers.append  # type: ignore[method-assign, assignment]
    with pytest.raises(IndexError):
        dealer.serve(orders, lambda work: lambda portion: portion.do())  # type: ignore[arg-type]
    assert [answer[2:] for answer in answers] == [
        (dealer.DONE, 7),
        (dealer.REFUSED, "No."),
        (dealer.FAILED, "KeyError: 'x'"),
    ]

    def refused(work: object) -> Any:
        raise UserError("The weights are gone.")

    orders, answers = Orders([Portion(None)]), []
    orders.answer = answers.append  # type: ignore[method-assign, assignment]
    with pytest.raises(IndexError):
        dealer.serve(orders, refused)  # type: ignore[arg-type]
    assert answers[0][2:] == (dealer.REFUSED, "The weights are gone.")


class Orders:
    """What comes over a channel: the work, then portions."""

    def __init__(self, portions: list[Any]) -> None:
        self.left: list[Any] = ["work", *[(1, k, each) for k, each in enumerate(portions)]]

    def next(self) -> Any:
        return self.left.pop(0)

    def answer(self, message: Any) -> None: ...
