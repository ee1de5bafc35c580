"""The recorder of a job that trackers listen to: the store first, then they, by one stream."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from smd import registry
from smd.config.schema import TrainConfig
from smd.jobs.session import Cancelled
from smd.registry.sinks import SINKS, sink_names
from smd.runs.folders import Run
from smd.sinks import guard, making
from smd.sinks.events import Epoch, Judged, Sink
from smd.sinks.guard import Event, Guarded
from smd.store import reader
from smd.store.records import AttackRecord, EpochRecord, EstimateRecord, Margins, Verdicts
from smd.store.writer import Recorder

CAUTIONS = "log_cautions"  # in the store's meta: trackers that were turned off, each a sentence

# what makes the recorder of a store where another machine keeps the run's own (smd.cluster)
RELAY: ContextVar[Callable[[Path], Recorder] | None] = ContextVar("relay", default=None)

Makers = Mapping[str, Callable[[], Sink]]


class Telling(Recorder):
    """A recorder that hands each record to trackers too, once it has been given to the store."""

    def __init__(
        self, run: Run, config: TrainConfig, makers: Makers, say: Callable[[str], None]
    ) -> None:
        super().__init__(run.store)
        self._run, self._config, self._say = run, config, say
        about = making.about(run, config)
        self._sinks = {name: Guarded(make, about) for name, make in makers.items()}
        self._told: set[str] = set()  # names of those whose failure was said
        self._epoch = -1  # handed over last; -1: not even those that the store had before

    def epoch(self, record: EpochRecord) -> None:
        """Keep an epoch, in place of this and any later one; then let trackers have it."""
        super().epoch(record)
        self._catch_up(record.epoch)
        self._hand(lambda: making.of_record(record, self._config.norm))

    def attack(self, record: AttackRecord, verdicts: Verdicts) -> None:
        """Keep the verdict on every sample; then let trackers have the accuracy."""
        super().attack(record, verdicts)
        self._catch_up(None)
        self._hand(lambda: _named("attack", making.of_attack(record, verdicts, self._epoch)))

    def estimate(self, record: EstimateRecord, margins: Margins) -> None:
        """Keep estimated margins; then let trackers have what they say."""
        super().estimate(record, margins)
        self._catch_up(None)
        self._hand(lambda: _named("estimate", making.of_estimate(record, margins, self._epoch)))

    def close(self, status: str, wait: float = guard.WAIT) -> None:
        """End the trackers with "finished", "cancelled" or "failed"; takes at most `wait`
        seconds."""
        self._catch_up(None)
        self._hand(lambda: making.end_of(self._run, self._config, status))
        until = time.monotonic() + wait
        for each in self._sinks.values():
            each.finish(until)
        self._tell()

    def _catch_up(self, before: int | None) -> None:
        """Hand over what the store had before this job, for trackers that lack it: a kill may have
        come between the store and them."""
        if self._epoch >= 0:
            return
        self._epoch = 0
        try:
            for event in making.of_store(self._run.store, before, self._config.norm):
                self._to_all(event)
        except Exception as error:
            self._say(f"Trackers lack earlier epochs: {error}")

    def _hand(self, make: Callable[[], Event | None]) -> None:
        try:
            if event := make():
                self._to_all(event)
        except Exception as error:  # also what the store raises: the job shall go on
            self._say(f"Trackers lack an event: {error}")
        self._tell()

    def _to_all(self, event: Event) -> None:
        if isinstance(event, Epoch):
            self._epoch = event.epoch
        for each in self._sinks.values():
            each.hand(event)

    def _tell(self) -> None:
        """Say each failure once: a line in the log, a sentence in the store."""
        failed = [n for n, each in self._sinks.items() if each.failure and n not in self._told]
        self._told |= set(failed)
        lines = [
            f"{SINKS[n].title if n in SINKS else n} gets no more of this job:"
            f" {self._sinks[n].failure[:300]}."
            for n in failed
        ]
        for line in lines:
            self._say(line)
        if lines:
            with suppress(Exception):
                said = reader.meta(self._run.store).get(CAUTIONS)
                self.describe({CAUTIONS: [*(said if isinstance(said, list) else []), *lines]})


def _named(kind: str, event: Judged | None) -> tuple[str, Judged] | None:
    return (kind, event) if event else None


@contextmanager
def recording(run: Run, config: TrainConfig, say: Callable[[str], None]) -> Iterator[Recorder]:
    """The recorder of a job, with the run's trackers for the length of the body.

    say: takes a line for the log. Raises what the body raises and nothing else.
    """
    names, relay = sink_names(config.log), RELAY.get()
    if relay or not names:
        yield relay(run.store) if relay else Recorder(run.store)
        return
    recorder = Telling(run, config, {name: _maker(name) for name in names}, say)
    status = "failed"
    try:
        yield recorder
        status = "finished"
    except (Cancelled, KeyboardInterrupt):
        status = "cancelled"
        raise
    finally:
        recorder.close(status)


def _maker(name: str) -> Callable[[], Sink]:
    def make() -> Sink:
        made: Sink = registry.load(registry.find(SINKS, name, "tracker").target)()
        return made

    return make
