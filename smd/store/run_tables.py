"""Reading what a run says about itself: its description, its samples, its epochs' numbers."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypedDict

import duckdb
import pandas as pd
from duckdb import DuckDBPyConnection

from smd.config.types import count, number, text
from smd.errors import UserError
from smd.files import foreign
from smd.store import connection
from smd.store.connection import reading
from smd.store.sql import Query

CHUNK = 10  # vectors of 2,048 rows that leave DuckDB at once: between two of them bounds are held
BYTES = 2**30  # of a table in memory
MOST_METRICS = 2_000_000  # 10,000 epochs have a tenth
DESCRIBED = 2**26  # bytes of a description; the names of 100,000 classes take some of them


class MetricRow(TypedDict):
    """A number of one epoch."""

    epoch: int
    split: str
    name: str
    eps: float  # noise level, unit of x; 0 where it means nothing
    value: float


METRICS = Query(
    MetricRow,
    """
    SELECT epoch, split, name, eps, value
    FROM epoch_metric
    ORDER BY epoch, split, name, eps""",
    most=MOST_METRICS,
)


class ValidationRow(TypedDict):
    """Accuracy on validation images after one epoch."""

    epoch: int
    eps: float  # noise level, unit of x; 0: clean
    value: float  # in [0, 1]


VALIDATION = Query(
    ValidationRow,
    """
    SELECT epoch, eps, value
    FROM epoch_metric
    WHERE split = 'val' AND name = 'accuracy'
    ORDER BY epoch, eps""",
)


class EpochRow(TypedDict):
    """An epoch, counted from 1; 0: none."""

    epoch: int


LAST_EPOCH = Query(EpochRow, "SELECT coalesce(max(epoch), 0) AS epoch FROM epoch_metric")


class GaugeRow(TypedDict):
    """A reading of the machine while the run's job worked."""

    moment: float  # Unix seconds
    name: str  # see smd.jobs.system_metrics
    value: float


GAUGES = Query(
    GaugeRow,
    """
    SELECT moment, name, value
    FROM gauge
    ORDER BY moment, name""",
)


class SizeRow(TypedDict):
    """How many images a split has."""

    split: str
    n: int


SIZES = Query(
    SizeRow,
    """
    SELECT split, count(*) AS n
    FROM sample
    GROUP BY split
    ORDER BY split""",
)


class PathRow(TypedDict):
    """The file of a sample in the folder or archive that it was imported from."""

    split: str
    idx: int
    path: str


PATHS = Query(
    PathRow,
    """
    SELECT split, idx, path
    FROM sample
    WHERE path IS NOT NULL AND ($split = '' OR split = $split)
    ORDER BY split, idx""",
)


class SampleRow(TypedDict):
    """A sample of the split that is asked for."""

    idx: int
    label: int
    source: int  # row in the image cache


SAMPLES = Query(
    SampleRow,
    """
    SELECT idx, label, source
    FROM sample
    WHERE split = $split
    ORDER BY idx""",
)


class MetaRow(TypedDict):
    """An entry of the run's description."""

    key: str
    value: str  # JSON


META = Query(  # no JSON in place of each value where all of them are too long
    MetaRow,
    f"""
    SELECT key, CASE WHEN (SELECT sum(strlen(value)) FROM meta) > {DESCRIBED} THEN '?'
        ELSE value END AS value
    FROM meta""",
    most=10_000,
    longest=DESCRIBED,
)


def frame(path: Path, query: Query, **values: object) -> pd.DataFrame:
    """The rows of one query (query.row); none where the run has no store yet.

    Raises UserError for more than query.most rows or BYTES, and after connection.LONGEST seconds:
    DuckDB's own clock does not end what only hands rows over.
    """
    with reading(path) as con:
        return rows_of(con, path, query, **values)


def rows_of(con: DuckDBPyConnection, path: Path, query: Query, **values: object) -> pd.DataFrame:
    """As `frame`, over a connection to the store at that path."""
    deadline = time.monotonic() + connection.LONGEST
    result = con.execute(query.bounded, values or None)
    parts, rows, size = [result.fetch_df_chunk(CHUNK)], 0, 0
    while len(parts[-1]):
        rows += len(parts[-1])
        size += _size(parts[-1]) if len(parts) > 1 else 0  # one chunk is never much
        if rows > query.most or size > BYTES:
            what = f"{query.most:,} rows" if rows > query.most else f"{BYTES >> 20:,} MB"
            raise UserError(
                f"{path} has more than {what} where a page reads: it is too large, or broken."
            )
        if time.monotonic() > deadline:
            raise duckdb.InterruptException("the time is over")
        parts.append(result.fetch_df_chunk(CHUNK))
    return parts[0] if len(parts) < 3 else pd.concat(parts[:-1], ignore_index=True)


def _size(part: pd.DataFrame) -> int:
    return int(part.memory_usage(index=False, deep=True).sum())


def stamp(path: Path) -> tuple[int, int]:
    """(newest mtime in ns, bytes) of the store and its log, (0, 0) without: moves with every write.

    Take it before reading, so that a cache keyed by it is never ahead of its rows.
    """
    newest = size = 0
    for file in (path, path.with_name(path.name + ".wal")):
        try:
            about = file.lstat()
        except FileNotFoundError:
            continue
        newest, size = max(newest, about.st_mtime_ns), size + about.st_size
    return newest, size


def _texts(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= CLASSES and all(map(text, value))


CLASSES = 100_000  # at most
FITS: Mapping[str, Callable[[Any], bool]] = {  # what the description holds, where it does
    "data": text,
    "images": text,
    "device": text,
    "delta": number,
    "parameters": count,
    "classes": _texts,
    "shape": lambda value: (
        isinstance(value, list) and len(value) in (3, 4) and all(map(count, value))
    ),
}


def meta(path: Path) -> dict[str, Any]:
    """The run's description: key -> JSON value."""
    return described(path, frame(path, META))


def described(path: Path, rows: pd.DataFrame) -> dict[str, Any]:
    """The description of these rows (MetaRow)."""
    try:
        settings = {
            key: json.loads(value, parse_int=foreign.whole)
            for key, value in zip(rows["key"], rows["value"], strict=True)
        }
        json.dumps(settings, ensure_ascii=False).encode()  # half a character raises
        if all(FITS[name](settings[name]) for name in FITS if name in settings):
            return settings
    except (ValueError, TypeError, RecursionError):
        pass
    raise UserError(f"The description in {path} is broken: restore the file, or delete the run.")


def class_names(path: Path) -> tuple[str, ...]:
    """The name of each label; empty before the run has loaded its images."""
    return tuple(str(name) for name in meta(path).get("classes", ()))


def metrics(path: Path) -> pd.DataFrame:
    """The numbers of all epochs (MetricRow)."""
    return frame(path, METRICS)


def validation(path: Path) -> pd.DataFrame:
    """Accuracy on validation images in all epochs (ValidationRow)."""
    return frame(path, VALIDATION)


def last_epoch(path: Path) -> int:
    """The newest epoch in the store, 0 if there is none."""
    return int(frame(path, LAST_EPOCH)["epoch"][0])


def samples(path: Path, split: str) -> pd.DataFrame:
    """The samples of a split (SampleRow)."""
    return frame(path, SAMPLES, split=split)


def sample_paths(path: Path, split: str = "") -> pd.DataFrame:
    """The files of a split's samples, or of all (PathRow); no rows where images are no files."""
    return frame(path, PATHS, split=split)


def split_sizes(path: Path) -> pd.DataFrame:
    """How many images each split has (SizeRow)."""
    return frame(path, SIZES)


def gauges(path: Path) -> pd.DataFrame:
    """Readings of the machine while the run's job worked (GaugeRow)."""
    return frame(path, GAUGES)
