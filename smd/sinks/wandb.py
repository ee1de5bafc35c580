"""Weights & Biases: an offline run in <run>/wandb, unless WANDB_MODE says otherwise."""

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smd.files import durable
from smd.sinks.events import About, End, Epoch, Histogram, Judged

PROJECT = "smd-studio"  # unless WANDB_PROJECT says another
# in a part's folder: its last epoch, 0 until it is closed. What a part holds that was killed is not
# known, as W&B writes behind; the next one takes its place.
LAST = "last-epoch.txt"


class WeightsAndBiases:
    """Writes a run of W&B; each job writes a part of its own with the same id, which
    `wandb sync` joins."""

    def begin(self, about: About) -> int:
        """See smd.sinks.events.Sink."""
        mode = os.environ.get("WANDB_MODE") or "offline"  # nothing is uploaded unasked
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        place = about.folder / "wandb"
        place.mkdir(exist_ok=True)
        held, self._wandb, self._epoch = _held(place), wandb, 0
        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            id=about.run,
            name=about.run,
            dir=str(about.folder),
            config={**about.config, "provenance": dict(about.provenance)},
            resume=None if mode == "offline" else "allow",
            mode=mode,
            settings=wandb.Settings(
                console="off", silent=True, save_code=False, disable_git=True, x_disable_stats=True
            ),
        )
        self._marker = Path(self._run.dir).parent / LAST
        return held if mode == "offline" else int(self._run.summary.get("epoch") or 0)

    def epoch(self, event: Epoch) -> None:
        """See smd.sinks.events.Sink."""
        drawn = {name: self._histogram(each) for name, each in event.margins.items() if each.bins}
        self._run.log({**event.values, **drawn, "epoch": event.epoch}, step=event.epoch)
        if not self._epoch:
            durable.write(self._marker, "0\n")
        self._epoch = event.epoch

    def _histogram(self, each: Histogram) -> Any:
        first, last = each.bins[0], each.bins[-1]
        counts = dict(zip(each.bins, each.counts, strict=True))
        whole = [counts.get(low, 0) for low in range(first, last + 1)]
        return self._wandb.Histogram(np_histogram=(whole, list(range(first, last + 2))))

    def attack(self, event: Judged) -> None:
        """See smd.sinks.events.Sink. A number of the trained network is no curve: it goes to the
        run's summary."""
        _summarise(self._run, event.values)

    estimate = attack

    def end(self, event: End) -> None:
        """See smd.sinks.events.Sink."""
        for name, table in event.tables.items():
            head, *rows = csv.reader(table.splitlines())
            key = f"tables/{name.removesuffix('.csv')}"
            self._run.log({key: self._wandb.Table(columns=head, data=rows)})
        self._run.summary["status"] = event.status
        if event.card:
            self._run.summary["model card"] = event.card
        self._run.finish(exit_code=0 if event.status == "finished" else 1)
        if self._epoch:
            durable.write(self._marker, f"{self._epoch}\n")


def _summarise(run: Any, values: Mapping[str, float]) -> None:
    for name, value in values.items():
        run.summary[name] = value


def _held(place: Path) -> int:
    """The last epoch of the closed parts, 0 if none; others are put aside, where `wandb sync` does
    not look."""
    last = 0
    for marker in sorted(place.glob(f"offline-run-*/{LAST}")):
        epoch = int(marker.read_text(encoding="utf-8"))
        if not epoch:
            part = marker.parent
            part.rename(part.with_name(f"superseded-{part.name}"))
        last = max(last, epoch)
    return last
