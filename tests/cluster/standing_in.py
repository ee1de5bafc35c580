"""A cluster of processes on this machine that stands in for Ray: the same calls, by pipes."""

import multiprocessing
import os
from contextlib import contextmanager

from smd.cluster.hands import Lost
from smd.errors import UserError

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["smd.cluster.node", "smd.tasks.train", "smd.tasks.attack"])


def serve(pipe, cache, epochs=0):
    """A node in a process of its own, with a cache of its own. epochs: as another rank than the
    first it is gone after so many, without a word."""
    os.environ["SMD_CACHE"] = str(cache)
    from smd.cluster.node import Node
    from smd.jobs import session
    from smd.tasks import ranks

    session.BEAT = 0.05  # a wish to stop is heard soon
    if epochs:
        ranks.epochs = _until(epochs, ranks.epochs)
    node = Node()
    while True:
        name, args = pipe.recv()
        try:
            pipe.send((getattr(node, name)(*args), None))
        except UserError as error:
            pipe.send((None, str(error)))


def _until(last, epochs):
    """`epochs` whose process ends after the last of them."""

    def until(*args):
        for number, result in enumerate(epochs(*args), start=1):
            yield result
            if number == last:
                os._exit(1)

    return until


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

    device, address, helpers, handle, pool = "cpu", "127.0.0.1", (), None, ""

    def __init__(self, cache, die_at, epochs):
        self.calls, self._die_at = [], die_at
        self._pipe, far = _PROCESSES.Pipe()
        self.process = _PROCESSES.Process(target=serve, args=(far, cache, epochs), daemon=True)
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
    """Hires processes for each job. Of the first that are hired the node itself is killed at
    `die_at` (event), its helpers after so many epochs."""

    def __init__(self, cache, die_at=None, epochs=0):
        self.hands, self.wanted = [], []
        self._cache, self._die_at, self._epochs = cache, die_at, epochs

    @contextmanager
    def hired(self, alive, wanted):
        alive()
        die_at, epochs = (None, 0) if self.hands else (self._die_at, self._epochs)
        hands = [PipeHand(self._cache, die_at, 0)]
        hands += [PipeHand(self._cache, None, epochs) for _ in range(wanted.helpers)]
        hands[0].helpers = hands[1:]
        self.hands += hands
        self.wanted.append(wanted)
        try:
            yield hands[0]
        finally:
            for hand in hands:
                hand.process.kill()
                hand.process.join()


class Scripted:
    """A node that answers what a test says: hello, then these events, one a look."""

    device, address, helpers, handle, pool = "cpu", "", (), None, ""

    def __init__(self, code, events=(), lost=False):
        self.calls, self._code, self._events, self._lost = [], code, list(events), lost

    @contextmanager
    def hired(self, alive, wanted):
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
