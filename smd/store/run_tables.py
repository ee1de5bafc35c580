"""Reading what a run says about itself.

Its description, its samples and the curves of its epochs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from smd.config.types import count, number, text
from smd.errors import UserError
from smd.store.connection import reading

CHUNK = 500  # vectors of 2,048 rows that leave DuckDB at once
MOST = 20_000_000  # rows; one attack on all of ImageNet-1k has 1.3 million

METRICS = "SELECT epoch, split, name, eps, value FROM epoch_metric ORDER BY epoch, split, name, eps"
VALIDATION = """
    SELECT epoch, eps, value FROM epoch_metric WHERE split = 'val' AND name = 'accuracy' ORDER BY
        epoch, eps"""
GAUGES = "SELECT moment, name, value FROM gauge ORDER BY moment, name"
SIZES = "SELECT split, count(*) AS n FROM sample GROUP BY split ORDER BY split"
PATHS = """
    SELECT split, idx, path FROM sample
    WHERE path IS NOT NULL AND ($split = '' OR split = $split) ORDER BY split, idx"""
SAMPLES = "SELECT idx, label, source FROM sample WHERE split = ? ORDER BY idx"


def frame(
    path: Path, query: str, values: Sequence[object] | Mapping[str, object] = ()
) -> pd.DataFrame:
    """The rows of one query, at most MOST (UserError); no rows where the run has no store yet."""
    with reading(path) as con:
        found = con.execute(query, values)
        parts = [found.fetch_df_chunk(CHUNK)]
        while len(parts[-1]):
            parts.append(found.fetch_df_chunk(CHUNK))
            if sum(map(len, parts)) > MOST:
                raise UserError(
                    f"{path} has more than {MOST:,} rows where a page reads: it is too large, or"
                    " broken."
                )
    return parts[0] if len(parts) < 3 else pd.concat(parts[:-1], ignore_index=True)


def stamp(path: Path) -> tuple[int, int]:
    """(newest mtime in ns, bytes) of the store and its log: moves with every write.

    (0, 0) without a store.

    Take it before reading, so that a cache keyed by it is never ahead of its rows.
    """
    newest = size = 0
    for file in (path, path.with_name(path.name + ".wal")):
        try:
            found = file.lstat()
        except FileNotFoundError:
            continue
        newest, size = max(newest, found.st_mtime_ns), size + found.st_size
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
    rows = frame(path, "SELECT key, value FROM meta")
    try:
        found = {
            key: json.loads(value) for key, value in zip(rows["key"], rows["value"], strict=True)
        }
        json.dumps(found, ensure_ascii=False).encode()  # half a character raises
        if all(FITS[name](found[name]) for name in FITS if name in found):
            return found
    except (ValueError, TypeError, RecursionError):
        pass
    raise UserError(f"The description in {path} is broken: restore the file, or delete the run.")


def class_names(path: Path) -> tuple[str, ...]:
    """The name of each label; empty before the run has loaded its images."""
    return tuple(str(name) for name in meta(path).get("classes", ()))


def metrics(path: Path) -> pd.DataFrame:
    """The numbers of all epochs: epoch, split, name, eps, value."""
    return frame(path, METRICS)


def validation(path: Path) -> pd.DataFrame:
    """Accuracy on validation images in all epochs: epoch, eps (0: clean), value in [0, 1]."""
    return frame(path, VALIDATION)


def last_epoch(path: Path) -> int:
    """The newest epoch in the store, 0 if there is none."""
    return int(frame(path, "SELECT coalesce(max(epoch), 0) AS epoch FROM epoch_metric")["epoch"][0])


def samples(path: Path, split: str) -> pd.DataFrame:
    """The samples of a split: idx, label, source (row in the image cache)."""
    return frame(path, SAMPLES, [split])


def sample_paths(path: Path, split: str = "") -> pd.DataFrame:
    """The files of a split's samples, or of all: split, idx, path in the source; no rows where
    images are no files."""
    return frame(path, PATHS, {"split": split})


def split_sizes(path: Path) -> pd.DataFrame:
    """How many images each split has: split, n."""
    return frame(path, SIZES)


def gauges(path: Path) -> pd.DataFrame:
    """Readings of the machine while the run's job worked: moment (Unix seconds), name (see
    smd.jobs.system_metrics), value."""
    return frame(path, GAUGES)
