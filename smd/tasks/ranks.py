"""The ranks of a training: its own process is the first, the others are hands that follow it.

Rank 0 has the session, the store and the trackers; the others have the images, their part of every
batch, and nothing to write. On one machine they meet at a file in a folder that only its owner may
enter.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from smd import crew, data, several
from smd.config.schema import TrainConfig
from smd.crew import Hand, Lost, Orders
from smd.data.images import Images
from smd.data.split import Splits
from smd.errors import UserError
from smd.jobs import alerting
from smd.jobs.session import Session
from smd.ranks.group import Ended, joined
from smd.several import Need
from smd.tasks.hands import need_of, places
from smd.training.joining import join
from smd.training.loop import epochs, prepare

MEETING = 600.0  # seconds for all ranks to come, and for one to let the others wait in a step
LEAVING = 5.0  # seconds in which rank 0 ends by itself where another rank is gone


@dataclass(frozen=True)
class Following:
    """What a rank other than the first is told."""

    config: TrainConfig
    images: str  # their key in the cache
    splits: Splits
    rank: int
    size: int
    device: str
    meeting: str  # the file of the group


@dataclass(frozen=True)
class Afar:
    """Ranks on several machines, of which somebody else has started the others (smd.cluster)."""

    store: Any  # a torch.distributed.Store, where they meet
    size: int


# those of the training that this process is the first rank of
AFAR: ContextVar[Afar | None] = ContextVar("afar", default=None)


@contextmanager
def ranked(
    current: Session, config: TrainConfig, device: torch.device, images: Images, splits: Splits
) -> Iterator[None]:
    """Rank 0 of a training for the length of the body, where its job has several processes.

    The others are there from the start to the end of the body, whatever ends it. Raises crew.Lost
    where one of them ends; should this process hang in an exchange then, its job's end is stored
    and the process left. Ranks on several machines are watched by whoever has started them.
    """
    if afar := AFAR.get():
        with joined(afar.store, 0, afar.size, str(device), MEETING):
            yield
        return
    need = need_of(current.folder, device)
    if need.processes == 1:
        yield
        return
    at = places(need, device)
    names = [f"Rank {rank} of this training, on {place}," for rank, place in enumerate(at)][1:]
    with (
        tempfile.TemporaryDirectory(prefix="smd-ranks-") as folder,  # mode 0700
        crew.crew(names, [("follow",)] * len(names), several.shares(need)) as hands,
    ):
        meeting = str(Path(folder) / "group")
        for rank, hand in enumerate(hands, start=1):
            about = (config, images.key, splits, rank, len(at), at[rank], meeting)
            hand.send(Following(*about))
        with (
            _sharing(need),
            _first(current, hands),
            joined(Path(meeting), 0, len(at), at[0], MEETING),
        ):
            yield


@contextmanager
def _sharing(need: Need) -> Iterator[None]:
    """Within, this process takes its share of the cores, as the others do."""
    before, share = torch.get_num_threads(), several.shares(need).get(several.THREADS)
    torch.set_num_threads(int(share) if share else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _first(current: Session, hands: list[Hand]) -> Iterator[None]:
    """Watch the other ranks: where one is gone, that is what the job has ended for."""
    left, found = threading.Event(), list[Lost]()

    def told(lost: Lost) -> None:
        found.append(lost)
        if left.wait(LEAVING):
            return
        current.end("failed", str(lost))  # it waits for ever in an exchange
        alerting.tell(current.folder)
        print(lost, file=sys.stderr, flush=True)
        os._exit(1)

    with crew.watched(hands, told):
        try:
            yield
        except Exception as error:
            gone = next((hand for hand in hands if hand.ended()), None)
            lost = found[0] if found else gone.lost() if gone else None
            if lost is None or isinstance(error, Lost):
                raise
            raise lost from error
        finally:
            left.set()


def follow(file: int) -> None:
    """Be a rank that is not the first; file: the number of its channel to the first's process.

    It trains as that does, until the first lets it go. Does not return.
    """
    orders = Orders(file)
    asked: Following = orders.next()
    try:
        _follow(asked)
    except Ended:
        pass  # for a reason that rank 0 tells
    except UserError as error:
        _leave(orders, str(error))
    orders.next()  # there is none: it waits until it is let go


def _leave(orders: Orders, reason: str) -> None:
    orders.answer(reason)
    sys.exit(1)


def _follow(asked: Following) -> None:
    images = data.find(asked.images, "")
    if images is None:
        raise UserError(f"The images {asked.images} are gone from the cache: resume the run.")
    with joined(Path(asked.meeting), asked.rank, asked.size, asked.device, MEETING):
        along(asked.config, images, asked.splits, torch.device(asked.device))


def along(config: TrainConfig, images: Images, splits: Splits, device: torch.device) -> None:
    """Be a rank of the current group that is not the first, until that ends.

    Raises Ended where the first breaks off, UserError where this one cannot go on.
    """
    try:
        training = prepare(config, images, device, splits)
        join(training)
        for _ in epochs(training, lambda state, batches: None):
            pass
    except torch.OutOfMemoryError as error:
        short = f"The memory of {device} is short: train with a smaller --batch."
        raise UserError(short) from error
