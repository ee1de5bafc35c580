"""The store of a long run: writing epochs, and what the pages ask of it."""

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from smd.bench import made_up
from smd.bench.part import Part, Row
from smd.bench.timing import interleaved, seconds
from smd.store import reader


def measure(quick: bool) -> Part:
    """A run of 150 epochs on 60,000 samples."""
    epochs, samples, repetitions = (4, 500, 2) if quick else (150, 60_000, 9)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.duckdb"
        rows = [
            _row(
                f"write an epoch of {samples:,} margins",
                statistics.median(_written(path, epochs, samples)),
            )
        ]
        asked = queries(path, epochs, samples)
        times = interleaved(list(asked.values()), repetitions)
        rows += [_row(what, time) for what, time in zip(asked, times, strict=True)]
        size: Row = {
            "what": f"size after {epochs} epochs",
            "value": reader.stamp(path)[1] / 1e6,
            "unit": "MB",
        }
    note = (
        f"Writing is the median over {epochs} epochs, reading over {repetitions} rounds. Each opens"
        " the file anew, as the job and the pages do; the system has its pages in memory."
    )
    return Part(
        "store", f"The store of {epochs} epochs with {samples:,} samples", [*rows, size], note
    )


def _row(what: str, value: float) -> Row:
    return {"what": what, "value": value, "unit": "s"}


def _written(path: Path, epochs: int, samples: int) -> list[float]:
    """Seconds of writing each epoch."""
    recorder = made_up.recorder(path, samples)
    times = []
    for number in range(1, epochs + 1):
        record = made_up.epoch(number, epochs, samples)  # made before the clock runs
        times.append(seconds(partial(recorder.epoch, record)))
    recorder.flush()
    return times


def queries(path: Path, epochs: int, samples: int) -> dict[str, Callable[[], object]]:
    """What the pages ask of a run's margins, in words -> the query."""
    return {
        "read a sample's history": partial(reader.sample_history, path, samples // 2),
        "read the quantile fan": partial(reader.margin_summary, path),
        "read an epoch's histogram": partial(reader.margin_hist, path, epochs),
        "read the share beyond a level": partial(reader.share_beyond, path, epochs, [8 / 255]),
        "read the margins of an epoch": partial(reader.margins, path, epochs),
    }
