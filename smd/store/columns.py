"""The rows of a store's tables as columns, before they are written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from smd.store.records import (
    AttackRecord,
    EmbeddingRecord,
    EpochRecord,
    EstimateRecord,
    ScoreRecord,
    StageRecord,
)

Columns = Mapping[str, np.ndarray]  # a table's rows, each column (n,)


def of_samples(
    split: str,
    labels: np.ndarray,
    rows: np.ndarray,
    paths: Sequence[str],
    patients: Sequence[str],
) -> Columns:
    """The rows of a split's samples; the arguments are those of Recorder.start."""
    idx = np.arange(len(rows), dtype=np.int32)
    columns = {"split": texts([split] * len(rows)), "idx": idx, "label": labels, "source": rows}
    if paths:
        columns["path"] = texts(paths[row] for row in rows)
    if patients:
        columns["patient"] = texts(patients[row] or None for row in rows)
    return columns


def of_group(split: str, name: str, values: Sequence[str]) -> Columns:
    """The rows of one kind of group, of those samples that have a value."""
    idx = np.array([k for k, value in enumerate(values) if value], np.int32)
    known = texts(value for value in values if value)
    return {"split": texts([split] * len(idx)), "idx": idx, "name": texts([name] * len(idx))} | {
        "value": known
    }


def of_metrics(metrics: Sequence[tuple[str, str, float, float]], epoch: np.int16) -> Columns:
    """The rows of an epoch's numbers: split, name, eps, value."""
    return {
        "epoch": np.full(len(metrics), epoch),
        "split": texts(split for split, *_ in metrics),
        "name": texts(name for _, name, *_ in metrics),
        "eps": np.array([eps for *_, eps, _ in metrics], np.float64),
        "value": np.array([value for *_, value in metrics], np.float64),
    }


def of_state(record: EpochRecord, name: str, epoch: np.int16) -> Columns:
    """The rows of what a defense keeps of each sample that the epoch drew."""
    values = record.states[name]
    return {
        "epoch": np.full(len(values), epoch),
        "name": texts([name] * len(values)),
        "idx": _ids(record, len(values)),
        "value": values.astype(np.float32),
    }


def of_margins(record: EpochRecord) -> Columns | None:
    """The columns of the table `margin` beside the epoch; None for a defense without margins."""
    given = {
        "margin": record.margins,
        "clean_ok": record.clean_ok,
        "adv_ok": record.adv_ok,
        "crossed": record.crossed,
    }
    known = {name: values for name, values in given.items() if values is not None}
    if len(known) < len(given):
        return None
    return {"idx": _ids(record, len(known["margin"])), **known}


def _ids(record: EpochRecord, n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int32) if record.idx is None else record.idx.astype(np.int32)


def of_record(
    record: AttackRecord | StageRecord | EstimateRecord | ScoreRecord | EmbeddingRecord,
) -> dict[str, np.ndarray]:
    """The one row of a record, a column a field."""
    values = asdict(record).items()
    return {
        name: texts([value]) if isinstance(value, str) else np.array([value])
        for name, value in values
    }


def nullable(stage: np.ndarray) -> np.ndarray:
    """The stages (n,), NULL where there is none: below 0."""
    return np.ma.masked_less(stage.astype(np.int16), 0)


def texts(values: Iterable[str | None]) -> np.ndarray:
    """A column of texts, NULL where there is none."""
    return np.array(list(values), dtype=object)
