"""Processes that do a part of one job beside its own: the hands of a crew.

A hand is a child of the job's process, on a device of its own, and gets its orders over a socket
pair that nobody else can reach: what is pickled there comes from that process alone. Where the
job's process is gone, however it ended, the socket closes and the hand leaves at once, also from
the middle of a computation.
"""

import os
import pickle
import queue
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from smd import children
from smd.errors import UserError

GRACE = 5.0  # seconds in which a hand leaves that is let go
LOOK = 0.5  # seconds between two looks at whether the job shall stop
LEFT = 3  # exit status of a hand whose job's process is gone


class Lost(UserError):
    """A hand has ended before its time."""


class Hand:
    """One such process, as the job's process sees it."""

    def __init__(self, name: str, words: Sequence[str], env: Mapping[str, str]) -> None:
        """Start it; name: as sentences call it; words: its command of ours, without --channel."""
        self.name = name
        own, other = socket.socketpair()
        with own, other:
            self._process = subprocess.Popen(
                children.command("smd", *words, "--channel", str(other.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # a command's table is its job's own
                start_new_session=True,  # a Ctrl-C is for the job's process, which ends the others
                cwd=children.FOLDER,
                env={**children.environment(), **env},
                pass_fds=(other.fileno(),),
            )
            self.channel = Connection(own.detach())

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def send(self, message: Any) -> None:
        """Give it an order; raises Lost if it is gone."""
        try:
            self.channel.send_bytes(pickle.dumps(message))
        except OSError:
            raise self.lost() from None

    def receive(self) -> Any:
        """Its next answer; raises Lost if it ends before."""
        try:
            return pickle.loads(self.channel.recv_bytes())
        except (EOFError, OSError):
            raise self.lost() from None

    def ended(self) -> bool:
        """Whether it is gone."""
        return self._process.poll() is not None

    def lost(self) -> Lost:
        """Why it is gone, in a sentence."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        code, reason = self._process.poll(), self._reason()
        if code is None:
            how = "does not answer"
        elif code < 0:
            how = f"was ended by {_signal(-code)}{MEMORY if code == -signal.SIGKILL else ''}"
        else:
            how = f"ended with status {code}{reason or ', the log may say why'}"
        return Lost(f"{self.name} {how}: resume the job to go on from what is stored.")

    def _reason(self) -> str:
        """What it has said last, if that is a sentence."""
        with suppress(EOFError, OSError):
            while self.channel.poll():
                said = pickle.loads(self.channel.recv_bytes())
                if isinstance(said, str):
                    return f" ({said.rstrip('.')})"
        return ""

    def leave(self) -> None:
        """Let it go; see `gone`."""
        with suppress(OSError):
            self.channel.close()

    def gone(self) -> None:
        """Wait until it is gone, and kill it where it does not leave."""
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


MEMORY = ", as where memory is short"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextmanager
def crew(
    names: Sequence[str], commands: Sequence[Sequence[str]], env: Mapping[str, str]
) -> Iterator[list[Hand]]:
    """Hands for the length of the body, one for each command; none is left after it."""
    hands: list[Hand] = []
    with ExitStack() as last:
        last.callback(_let_go, hands)
        for name, words in zip(names, commands, strict=True):
            hands.append(Hand(name, words, env))
        yield hands


def _let_go(hands: Sequence[Hand]) -> None:
    for hand in hands:
        hand.leave()
    for hand in hands:
        hand.gone()


def ready(hands: Sequence[Hand]) -> list[Hand]:
    """The hands that have answered or are gone, after LOOK seconds at most."""
    found = wait([hand.channel for hand in hands], LOOK)
    return [hand for hand in hands if hand.channel in found]


@contextmanager
def watched(hands: Sequence[Hand], told: Callable[[Lost], None]) -> Iterator[None]:
    """Within, a thread calls `told` once, with the first hand that ends."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK):
            gone = next((hand for hand in hands if hand.ended()), None)
            if gone is not None:
                told(gone.lost())
                return

    thread = threading.Thread(target=watch, name="crew", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Orders:
    """The channel to the job's process, as a hand sees it; it leaves where that process is gone."""

    def __init__(self, file: int) -> None:
        """file: the number of the open socket that it was started with."""
        self._channel = Connection(file)
        self._orders: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                self._orders.put(pickle.loads(self._channel.recv_bytes()))
            except (EOFError, OSError):
                os._exit(LEFT)  # whatever it does at this moment

    def next(self) -> Any:
        """The next order, waited for."""
        return self._orders.get()

    def answer(self, message: Any) -> None:
        """Send an answer."""
        try:
            self._channel.send_bytes(pickle.dumps(message))
        except OSError:
            os._exit(LEFT)
