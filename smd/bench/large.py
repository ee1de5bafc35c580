"""The store of a run of ImageNet's size: writing epochs, and what the pages ask of it."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from smd.bench import made_up, store
from smd.bench.part import Part, Row
from smd.bench.timing import interleaved, seconds
from smd.store import reader

SAMPLES, EPOCHS, LOOKS = 1_281_167, 150, (10, 30, 150)
REPETITIONS = 5


def measure(quick: bool) -> Part:
    """Margins of ImageNet's training images: after 10, 30 and 150 epochs."""
    samples, looks, repetitions = (500, (1, 2), 1) if quick else (SAMPLES, LOOKS, REPETITIONS)
    rows: list[Row] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.duckdb"
        recorder, times = made_up.recorder(path, samples), []
        for number in range(1, looks[-1] + 1):
            record = made_up.epoch(number, looks[-1], samples)  # made before the clock runs
            times.append(seconds(partial(recorder.epoch, record)))
            if number in looks:
                rows.append(_row(path, number, samples, times, repetitions))
                times = []
        recorder.flush()
    note = (
        "Seconds: writing is the median of the epochs since the row before, reading of"
        f" {repetitions} rounds. Each opens the file anew, as the job and the pages do. The"
        " processor's seconds are those of all its threads, whatever else the machine did."
    )
    return Part("large", f"The store of {samples:,} samples", rows, note)


def _row(path: Path, epochs: int, samples: int, written: list[float], repetitions: int) -> Row:
    queries = store.queries(path, epochs, samples)
    times = interleaved(list(queries.values()), repetitions)
    return {
        "epochs": epochs,
        "GB": reader.stamp(path)[1] / 1e9,
        "write an epoch": statistics.median(written),
        **dict(zip(queries, times, strict=True)),
        **{f"{what}, processor": _busy(query, repetitions) for what, query in queries.items()},
    }


def _busy(query: Callable[[], object], repetitions: int) -> float:
    """Seconds that the processor works for a query, the least of some: others' work does not
    count."""
    taken = []
    for _ in range(repetitions):
        began = time.process_time()
        query()
        taken.append(time.process_time() - began)
    return min(taken)
