"""A job's own side where a node computes: its turn, its log and its records stay here.

The process of the job is the one that pages and the shell see, cancel and resume. It hires a node,
gives it what the job needs, and writes down what comes back. A node that is lost is replaced: the
next one goes on from the last checkpoint that came.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smd import jobs, registry, several
from smd.cluster import orders, parcels, records, sources
from smd.cluster.hands import ONE, Hand, Hire, Lost, Wanted
from smd.cluster.together import Others
from smd.cluster.watch import PROGRESS
from smd.config.types import number
from smd.data import content, travelling
from smd.data.images import Images
from smd.errors import UserError
from smd.jobs import kinds
from smd.jobs.session import Cancelled, Session, session
from smd.runs import folders
from smd.runs.folders import Run
from smd.sinks.recording import recording
from smd.store import reader
from smd.store.writer import Recorder
from smd.tasks.images import images_of
from smd.terminal.progress import Progress

WAIT = 1.0  # seconds that a look at a node waits for something new
LOSSES = 3  # nodes lost one after the other, without anything saved meanwhile, that end a job
LONGEST = 4000  # characters of a line of the log
WAITING = "waiting for the cluster"
HIRES = {"ray": "smd.cluster.by_ray:hired", "slurm": "smd.cluster.by_slurm:hired"}


def do(folder: Path, log: Path | None, kind: str) -> None:
    """Have a node of that kind of cluster do a queued job; returns when it is finished.

    log: as of smd.tasks.opening. Raises Cancelled if the job was asked to stop, UserError where the
    cluster cannot be reached, and with the job's own reason where it failed.
    """
    run = folders.of_job(folder) if kinds.of_folder(folder).folder else Run(folder.name, folder)
    progress = Progress(run.id, log)
    with (
        session(folder, kind) as current,
        recording(run, run.config, progress.line) as recorder,
    ):
        Head(run, folder, current, progress, recorder).work(hire_of(kind))
        recorder.flush()
        progress.close()


def hire_of(kind: str) -> Hire:
    """How nodes of that kind of cluster are hired."""
    hire: Hire = registry.load(HIRES[kind])
    return hire


@dataclass
class Head:
    """A job while nodes work on it."""

    run: Run
    folder: Path
    session: Session
    progress: Progress
    recorder: Recorder
    came: int = 0  # files and records that have come, of all nodes

    def work(self, hire: Hire) -> None:
        """Hire nodes until one has done the job."""
        self.session.report(stage="loading images")
        images, lost, wanted = images_of(self.run), 0, self._wanted()
        known = {"images": images.key, "content": content.of(images), **self._located()}
        self.recorder.describe(known)  # by which a node finds them, too
        while True:
            before = self.came
            try:
                with hire(self._alive, wanted) as hand, _left(hand):
                    for each in (hand, *hand.helpers):
                        self._given(each, images, known["content"])
                    others = Others(hand, self.progress.line)
                    self._begun(hand, others)
                    self._followed(hand, known, others)
                return
            except Lost as error:
                lost = lost + 1 if self.came == before else 1
                if lost >= LOSSES:
                    raise UserError(
                        f"Its node was lost {lost} times before anything came ({error}): look at"
                        " the cluster, then resume it."
                    ) from None
                self.progress.line(f"Its node is lost ({error}): another one goes on.")
                wanted = replace(wanted, again=True)

    def _located(self) -> dict[str, Any]:
        """Where the images are now, if somebody has said so of this run."""
        meta = reader.meta(self.run.store) if self.run.store.is_file() else {}
        return {"located": meta["located"]} if "located" in meta else {}

    def _wanted(self) -> Wanted:
        """The nodes that it asks for: one a rank of a training, else those that do portions."""
        asked = jobs.read(self.folder).devices
        if asked in several.ONE:
            return ONE
        if not several.COUNT.fullmatch(asked):
            raise UserError(f"On a cluster write a count of devices, such as 4, not {asked}.")
        trains = self.folder == self.run.folder
        return Wanted(int(asked) - 1, ranks=True) if trains else Wanted(int(asked))

    def _alive(self) -> None:
        self.session.report(stage=WAITING)
        if self.session.stopping:
            raise Cancelled("It was cancelled while it waited for the cluster.")

    def _given(self, hand: Hand, images: Images, known: str) -> None:
        """Look at a node's code, and give it the images."""
        about = hand.call("hello")
        host = str(about["host"])[:60]
        if about["code"] != sources.digest():
            raise UserError(
                f"{host} has another version of SMD Studio than this machine: install the same one"
                " on every node, then resume the job."
            )
        if not hand.call("has", images.key, known):
            self.progress.line(f"Sending the images to {host}.")
            for name, piece in travelling.pieces(images.key):
                self._alive()
                hand.call("put", images.key, name, piece)
            hand.call("whole", known)

    def _begun(self, hand: Hand, others: Others) -> None:
        """Start the job on its node, of a training the other ranks first."""
        self.recorder.flush()  # what the store's copy is to hold
        order = orders.order(self.run, self.folder, hand.device)
        if hand.helpers and self.folder == self.run.folder:
            order |= others.begin(order, self.run)
        elif hand.helpers:
            lent = order | {"config": order["config"] | {"device": hand.helpers[0].device}}
            handles = [helper.handle for helper in hand.helpers]
            order |= {"helpers": handles, "pool": hand.pool, "lent": lent}
        hand.call("begin", order)
        count = len(hand.helpers)
        more = f" and {count} more node{'s' * (count != 1)}" if count else ""
        device = (hand.helpers or [hand])[0].device
        self.progress.line(f"{hand.call('hello')['host']}{more} work on it, with {device}.")

    def _followed(self, hand: Hand, known: dict[str, Any], others: Others) -> None:
        """Write down what comes until the job is over there."""
        seen, asked = 0, False
        while True:
            if self.session.stopping and not asked:
                hand.call("stop")
                asked = True
            for number_, event in hand.call("events", seen, WAIT):
                seen = int(number_)
                if event["kind"] == "end":
                    return self._ended(event, others)
                self._heard(event, known)
            others.look()

    def _heard(self, event: dict[str, Any], known: dict[str, Any]) -> None:
        if event["kind"] == "lines":
            for line in event["lines"]:
                self.progress.line(str(line)[:LONGEST])
        elif event["kind"] == "progress":
            self.session.report(**_progress(event))
        elif event["kind"] == "record":
            records.apply(self.recorder, event["record"], known)
            # of what every job says first, and of the machine, nothing is further
            self.came += event["record"]["call"] in records.TAKES
        elif event["kind"] == "file":
            self._keep(str(event["name"]), event["content"])

    def _keep(self, name: str, content: Any) -> None:
        """Write a file down; no checkpoint while an epoch before it still waits to be stored: a
        resumed run does that one again."""
        if name == self.run.checkpoint.name and not self.recorder.complete:
            return
        parcels.keep(self.run, self.folder, name, content)
        self.came += 1

    def _ended(self, event: dict[str, Any], others: Others) -> None:
        if event["state"] == "lost":
            raise others.lost()
        if event["state"] == "cancelled":
            raise Cancelled("It was cancelled.")
        if event["state"] != "finished":
            raise UserError(str(event["error"])[:LONGEST] or "It failed on its node.")
        state = self.folder / parcels.STATE
        if self.folder != self.run.folder and self.recorder.complete:
            state.unlink(missing_ok=True)


@contextmanager
def _left(hand: Hand) -> Iterator[None]:
    """After the body nothing of the job is left on its nodes, but of one that is lost."""
    try:
        yield
    finally:
        for each in (hand, *hand.helpers):
            with suppress(Lost, UserError):
                each.call("close")


def _progress(event: dict[str, Any]) -> dict[str, Any]:
    """What a node says of how far it is, as far as a status can hold it."""
    kinds_of = {"stage": str, "rate": float, "eta": float}
    said = {name: event.get(name) for name in PROGRESS}
    return {
        name: value[:100] if isinstance(value, str) else value
        for name, value in said.items()
        if isinstance(value, kinds_of.get(name, int)) and (name == "stage" or number(value))
    }
