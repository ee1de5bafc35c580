"""TensorBoard: event files in <run>/tensorboard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smd.sinks.events import About, End, Epoch, Histogram, Judged

DONE = "epoch"  # the tag written last of every epoch


class TensorBoard:
    """Writes a run's event files; a job that goes on adds a file of its own."""

    def begin(self, about: About) -> int:
        """See smd.sinks.events.Sink. What was half written of an epoch is purged."""
        from torch.utils.tensorboard import SummaryWriter

        folder = about.folder / "tensorboard"
        last = _last(folder)
        self._writer: Any = SummaryWriter(str(folder), purge_step=last + 1 if last else None)
        if not last:
            for title, facts in (("config", about.config), ("provenance", about.provenance)):
                rows = "".join(f"| {name} | {value} |\n" for name, value in facts.items())
                self._writer.add_text(title, f"| | |\n| --- | --- |\n{rows}", 0)
        return last

    def epoch(self, event: Epoch) -> None:
        """See smd.sinks.events.Sink."""
        for name, each in event.margins.items():
            if each.bins:
                _draw(self._writer, f"{name} in 1 of 255", each, event)
        self._scalars({**event.values, DONE: float(event.epoch)}, event.epoch, event.moment)

    def attack(self, event: Judged) -> None:
        """See smd.sinks.events.Sink."""
        self._scalars(event.values, event.epoch, event.moment)

    estimate = attack

    def _scalars(self, values: Mapping[str, float], step: int, moment: float) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step, walltime=moment)
        self._writer.flush()

    def end(self, event: End) -> None:
        """See smd.sinks.events.Sink."""
        for name, table in event.tables.items():
            self._writer.add_text(f"tables/{name}", "\n".join(_indented(table)), 0)
        if event.card:
            self._writer.add_text("model card", event.card, 0)
        self._writer.close()


def _indented(table: str) -> list[str]:
    """A table as Markdown shows it unchanged."""
    return [f"    {line}" for line in table.splitlines()]


def _draw(writer: Any, name: str, each: Histogram, event: Epoch) -> None:
    pairs = list(zip(each.bins, each.counts, strict=True))
    writer.add_histogram_raw(
        name,
        min=float(each.bins[0]),
        max=float(each.bins[-1] + 1),
        num=sum(each.counts),
        sum=float(sum((low + 0.5) * n for low, n in pairs)),
        sum_squares=float(sum((low + 0.5) ** 2 * n for low, n in pairs)),
        # empty ones between, so that no count is spread over a gap
        bucket_limits=[low + 1.0 for low in range(each.bins[0], each.bins[-1] + 1)],
        bucket_counts=[dict(pairs).get(low, 0) for low in range(each.bins[0], each.bins[-1] + 1)],
        global_step=event.epoch,
        walltime=event.moment,
    )


def _last(folder: Path) -> int:
    """The last epoch whose last tag is in the event files, 0 if there is none."""
    if not folder.is_dir():
        return 0
    from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

    held = EventAccumulator(str(folder), size_guidance={SCALARS: 1}).Reload()
    return int(held.Scalars(DONE)[-1].step) if DONE in held.Tags()[SCALARS] else 0
