"""A cluster of processes on this machine that stands in for Ray: the same calls, by pipes."""

import multiprocessing
import os
from contextlib import contextmanager

from smd.cluster.hands import Lost
from smd.errors import UserError

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["smd.cluster.node", "smd.tasks.train", "smd.tasks.attack"])


def serve(pipe, cache):
    """A node in a process of its own, with a cache of its own."""
    os.environ["SMD_CACHE"] = str(cache)
    from smd.cluster.node import Node

    node = Node()
    while True:
        name, args = pipe.recv()
        try:
            pipe.send((getattr(node, name)(*args), None))
        except UserError as error:
            pipe.send((None, str(error)))


def _do(environment, folder, log):
    os.environ.update(environment)
    from smd.jobs import doing

    doing.do(folder, log)


def do_elsewhere(folder, log):
    """Do a queued job as this machine does: in a process of its own, in which nothing was done
    before that might leave the arithmetic in another state."""
    process = _PROCESSES.Process(target=_do, args=(dict(os.environ), folder, log))
    process.start()
    process.join()
    assert process.exitcode == 0


class PipeHand:
    """A hand (smd.cluster.hands.Hand) that counts its calls, and can lose its node."""

    device, helpers, handle, pool = "cpu", (), None, ""

    def __init__(self, cache, die_at):
        self.calls, self._die_at = [], die_at
        self._pipe, far = _PROCESSES.Pipe()
        self.process = _PROCESSES.Process(target=serve, args=(far, cache), daemon=True)
        self.process.start()
        far.close()

    def call(self, name, *args):
        self.calls.append(name)
        try:
            self._pipe.send((name, args))
            answer, refused = self._pipe.recv()
        except (EOFError, OSError):
            raise Lost("its process is gone") from None
        if refused:
            raise UserError(refused)
        if name == "events" and self._die_at and any(map(self._die_at, answer)):
            self.process.kill()
        return answer


class Cluster:
    """Hires a process for each job; `die_at` (event) -> whether the first one is killed there."""

    def __init__(self, cache, die_at=None):
        self.hands, self._cache, self._die_at = [], cache, die_at

    @contextmanager
    def hired(self, alive, helpers):
        alive()
        hand = PipeHand(self._cache, None if self.hands else self._die_at)
        self.hands.append(hand)
        try:
            yield hand
        finally:
            hand.process.kill()
            hand.process.join()


class Scripted:
    """A node that answers what a test says: hello, then these events, one a look."""

    device, helpers, handle, pool = "cpu", (), None, ""

    def __init__(self, code, events=(), lost=False):
        self.calls, self._code, self._events, self._lost = [], code, list(events), lost

    @contextmanager
    def hired(self, alive, helpers):
        alive()
        yield self

    def call(self, name, *args):
        self.calls.append(name)
        if self._lost:
            raise Lost("no power")
        if name == "hello":
            return {"host": "node-1", "code": self._code}
        if name == "has":
            return True
        if name != "events" or not self._events:
            return []
        return [(args[0] + 1, self._events.pop(0))]
