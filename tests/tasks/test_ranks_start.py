"""The first rank of a training, where another one is gone: it ends for that reason, and soon."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from smd import crew
from smd.crew import Lost
from smd.errors import UserError
from smd.tasks import ranks

GONE = Lost("Rank 1 of this training, on cuda:1, was ended by SIGKILL: resume the job.")


@dataclass
class Other:
    """A hand that may be gone."""

    over: bool = False

    def ended(self) -> bool:
        return self.over

    def lost(self) -> Lost:
        return GONE


@dataclass
class Job:
    """What is kept of a job's end."""

    ends: list[tuple[str, str]] = field(default_factory=list)
    folder: Path = Path("nowhere")

    def end(self, to: str, error: str) -> None:
        self.ends.append((to, error))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "LOOK", 0.01)


def first(job: Job, *others: Other) -> Any:
    return ranks._first(job, [*others])  # type: ignore[arg-type]


def test_what_fails_in_an_exchange_is_told_as_the_rank_that_is_gone() -> None:
    job, other = Job(), Other()
    with pytest.raises(Lost, match="Rank 1 of this training"), first(job, Other(), other):
        other.over = True
        raise UserError("Another process of this training has ended or does not answer.")
    assert job.ends == []


def test_an_error_of_its_own_stays_what_it_is() -> None:
    with pytest.raises(ValueError, match="own"), first(Job(), Other()):
        raise ValueError("own")


def test_one_that_hangs_in_an_exchange_is_left_after_its_end_is_stored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job, left = Job(), threading.Event()
    monkeypatch.setattr(ranks, "LEAVING", 0.01)
    monkeypatch.setattr(ranks.os, "_exit", lambda status: left.set())
    with first(job, Other(over=True)):
        assert left.wait(60)
    assert job.ends == [("failed", str(GONE))]
    assert str(GONE) in capsys.readouterr().err
