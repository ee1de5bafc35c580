"""What runs on a node: one job, by the very task that would do it on the head.

The job has a folder of runs of its own, a temporary one, with a small copy of the run's store. What
it records, logs and saves goes to the head as events; nothing else of the node is used, but its
cache of images.
"""

import json
import os
import platform
import re
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from smd import jobs, registry
from smd.cluster import sources
from smd.cluster.outbox import Outbox
from smd.cluster.relay import Relay
from smd.cluster.spread import Spread
from smd.cluster.watch import Watch
from smd.data import travelling
from smd.dealing.dealer import REFUSED, Work, done
from smd.dealing.portions import Portion
from smd.devices import CLUSTER, SETTING, TURN, resolve_device
from smd.errors import UserError
from smd.files import durable, leftovers
from smd.jobs import Status, transitions
from smd.jobs.endings import reason
from smd.jobs.kinds import KINDS
from smd.jobs.session import Cancelled
from smd.ranks import meeting
from smd.ranks.group import Ended, Lost, joined
from smd.runs.folders import Run
from smd.sinks import recording
from smd.tasks import hands, ranks
from smd.tasks.hands import opened
from smd.tasks.images import images_of, splits_of

# what the environment names -> where it is in the job's folder here
PLACES = {"SMD_RUNS": "runs", "SMD_STATE": "state", "SMD_NETS": "nets"}
FOLDER = "smd-node-"  # begins the name of a job's folder
FOLDERS = re.compile(FOLDER + r"[a-z0-9_]{8}")
EVERY = 0.3  # seconds between two looks at what the job has written


class Node:
    """The far end of a job; its methods are called one by one from the head.

    Everything that goes in or out is a number, a text, an array, or a list or mapping of them.
    """

    def __init__(self) -> None:
        self._outbox = Outbox()
        self._root: Path | None = None
        self._held = ExitStack()  # what keeps it from being taken for one that was left
        self._folder: Path | None = None
        self._do: Callable[[Portion[Any]], Any] | None = None
        self._arriving: travelling.Arriving | None = None
        self._meeting: Any = None  # the store where the ranks of its training meet
        # one portion at a time: some attacks draw from torch's generator, which is one for all
        self._portions = threading.Lock()

    def hello(self) -> dict[str, Any]:
        """Who this is: its host, and which code it has."""
        return {"host": platform.node(), "code": sources.digest()}

    def has(self, key: str, content: str) -> bool:
        """Whether the images of that key and content are in the cache here."""
        return travelling.found(key, content)

    def put(self, key: str, name: str, piece: bytes) -> None:
        """A piece of a file of the images that this node lacks; errors as of Arriving."""
        if self._arriving is None:
            self._arriving = travelling.Arriving(key)
        self._arriving.put(name, piece)

    def whole(self, content: str) -> None:
        """That was all of them; raises UserError where they are not what was sent."""
        if self._arriving is None:
            raise UserError("No images have arrived.")
        try:
            self._arriving.done(content)
        finally:
            self._arriving.close()
            self._arriving = None

    def begin(self, order: Mapping[str, Any]) -> None:
        """Start the job.

        order: kind, run (its id), job (its folder in the run's, "" of a run itself), config (fields
        that are others here) and files (place -> uint8 array; below PLACES). Where other nodes do
        its portions also helpers (their handles), pool (the class that reaches them, by name) and
        lent (the order that they are given). Of a training of which other nodes are ranks also
        size: how many there are.
        """
        run, folder = self._unpacked(order)
        self._folder = folder
        transitions.write(folder, transitions.own(_queued(str(order["kind"]))))
        (folder / "log.txt").touch()
        threading.Thread(target=self._work, args=(run, folder, order), daemon=True).start()

    def meet(self, address: str) -> int:
        """Open the place where the ranks of a training meet that begins here, at this machine's
        address; returns its port."""
        self._meeting = meeting.opened(address, ranks.MEETING)
        return int(self._meeting.port)

    def follow(self, order: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        """Be another rank of the training of an order as of begin, until its first ends.

        own: rank, size, address (this machine's), host and port (where they meet).
        """
        run, _ = self._unpacked(order)
        threading.Thread(target=self._follow, args=(run, order, own), daemon=True).start()

    def lend(self, order: Mapping[str, Any], split: str, weights: str) -> None:
        """Open the network and the images of the order's run, for portions of the job that another
        node does. Raises UserError where they do not fit."""
        run, _ = self._unpacked(order)
        self._do = opened(Work(str(run.folder), split, weights, str(order["config"]["device"])))

    def portion(self, portion: Portion[Any]) -> tuple[str, Any]:
        """Do one; what it answers, smd.dealing.dealer tells."""
        if self._do is None:
            return REFUSED, "Nothing was opened."
        with self._portions:
            return done(self._do, portion)

    def _unpacked(self, order: Mapping[str, Any]) -> tuple[Run, Path]:
        leftovers.sweep(Path(tempfile.gettempdir()), FOLDERS)  # of nodes that were killed here
        root = self._root = Path(tempfile.mkdtemp(prefix=FOLDER))
        self._held.enter_context(leftovers.held(root))
        os.environ |= {variable: str(root / place) for variable, place in PLACES.items()}
        for name in (SETTING, TURN, CLUSTER):
            os.environ.pop(name, None)
        run = Run(str(order["run"]), root / "runs" / str(order["run"]))
        for name, content in order["files"].items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            durable.write(root / name, content.tobytes())
        changes = dict(order["config"])
        if "init" in changes:  # a file that came along
            changes["init"] = str(root / changes["init"])
        folder = run.folder / str(order["job"])
        _edit(folder / "config.json", changes)
        return run, folder

    def events(self, seen: int, wait: float) -> list[tuple[int, dict[str, Any]]]:
        """See Outbox.take."""
        return self._outbox.take(seen, wait)

    def stop(self) -> None:
        """Have the job save what it has and end, at its next heartbeat."""
        if self._folder is not None:
            with suppress(UserError):  # it is over
                transitions.move(self._folder, "cancelled")

    def close(self) -> None:
        """Remove what the job had here."""
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._held.close()

    def _work(self, run: Run, folder: Path, order: Mapping[str, Any]) -> None:
        over, watch = threading.Event(), Watch(run, folder, self._outbox.put)
        watching = threading.Thread(target=_watch, args=(watch, over), daemon=True)
        watching.start()
        recording.RELAY.set(lambda path: Relay(path, self._record))
        if helpers := order.get("helpers"):
            pool: type[Any] = registry.load(str(order["pool"]))
            hands.LENT.set(lambda work, alive: Spread(pool(helpers, order["lent"], work), alive))
        if self._meeting is not None:
            ranks.AFAR.set(ranks.Afar(self._meeting, int(order["size"])))
        kind = KINDS[str(order["kind"])]
        end = self._ended(lambda: registry.load(kind.task)(folder, folder / "log.txt"))
        over.set()
        watching.join()
        with suppress(OSError, ValueError, UserError):
            watch.look(everything=True)
        self._outbox.put(end)

    def _follow(self, run: Run, order: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        def follow() -> None:
            images, device = images_of(run), str(order["config"]["device"])
            place = (str(own["host"]), int(own["port"]), str(own["address"]))
            store = meeting.reached(*place, ranks.MEETING)
            with joined(store, int(own["rank"]), int(own["size"]), device, ranks.MEETING):
                ranks.along(run.config, images, splits_of(run, images), resolve_device(device))

        self._outbox.put(self._ended(follow))

    def _ended(self, do: Callable[[], None]) -> dict[str, Any]:
        """Do it; the event that tells how it ended."""
        state, why = "finished", ""
        try:
            do()
        except Cancelled:
            state = "cancelled"
        except Ended:
            pass  # for a reason that the first rank tells
        except Lost as error:
            state, why = "lost", str(error)
        except BaseException as error:
            if not isinstance(error, UserError):
                self._outbox.put({"kind": "lines", "lines": traceback.format_exc().splitlines()})
            state, why = "failed", reason(error)
        return {"kind": "end", "state": state, "error": why}

    def _record(self, call: dict[str, Any]) -> None:
        self._outbox.put({"kind": "record", "record": call})


def _watch(watch: Watch, over: threading.Event) -> None:
    while not over.wait(EVERY):
        # a file that is being replaced, or none that travels: the next look may have it
        with suppress(OSError, ValueError, UserError):
            watch.look()


def _edit(path: Path, changes: Mapping[str, Any]) -> None:
    """Have a job's config say what holds here; a field that its kind has not is left out."""
    values = json.loads(path.read_text(encoding="utf-8"))
    values |= {name: value for name, value in changes.items() if name in values}
    durable.write(path, json.dumps(values, indent=1))


def _queued(kind: str) -> Status:
    now = time.time()
    return jobs.Status(kind=kind, created=now, queued=now)
