"""The recorder of a job: every epoch and every verdict is one short transaction.

A store that cannot be written just now stops no training: the record waits in memory for the next
try.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection

from smd.core.kinds import KINDS, MISCLASSIFIED, NO_BIN, kinds
from smd.errors import UserError
from smd.store.connection import PATIENCE, writing
from smd.store.records import (
    AttackRecord,
    EmbeddingRecord,
    EpochRecord,
    EstimateRecord,
    Margins,
    Points,
    StageRecord,
    Verdicts,
)
from smd.store.schema import EPOCH_TABLES
from smd.units import bin255

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}

log = logging.getLogger(__name__)

Columns = Mapping[str, np.ndarray]  # a table's rows, each column (n,)


class Recorder:
    """Writes the store at `path`; only `start` and `flush` ever raise.

    patience: seconds of waiting for a reader to let the file go, at every record.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._waiting: list[Callable[[DuckDBPyConnection], None]] = []

    def start(
        self,
        meta: Mapping[str, Any],
        samples: Mapping[str, tuple[np.ndarray, np.ndarray]],
        paths: Sequence[str] = (),
    ) -> None:
        """Describe the run, in place of what an earlier start has written.

        meta: JSON values. samples: split -> (labels (n,), rows in the image cache (n,)). paths: of
        the file of every row in the image cache; () where images are no files. Raises UserError if
        the store is broken, newer or cannot be written.
        """
        with writing(self._path, self._patience) as con:
            con.execute("DELETE FROM meta WHERE key <> 'schema'")
            con.execute("DELETE FROM sample")
            _insert(
                con, "meta", {"key": _texts(meta), "value": _texts(map(json.dumps, meta.values()))}
            )
            for split, (labels, rows) in samples.items():
                names = np.full(len(rows), split, dtype=object)
                idx = np.arange(len(rows), dtype=np.int32)
                columns = {"split": names, "idx": idx, "label": labels, "source": rows}
                files = {"path": _texts(paths[row] for row in rows)} if paths else {}
                _insert(con, "sample", {**columns, **files})

    def describe(self, about: Mapping[str, Any]) -> None:
        """Say more of the run: JSON values, each in place of what was said under its key."""

        def write(con: DuckDBPyConnection) -> None:
            for key in about:
                con.execute("DELETE FROM meta WHERE key = ? AND key <> 'schema'", [key])
            _insert(
                con,
                "meta",
                {"key": _texts(about), "value": _texts(map(json.dumps, about.values()))},
            )

        self._write(write)

    def epoch(self, record: EpochRecord) -> None:
        """Keep an epoch, in place of this and any later one that the store has."""
        self._write(partial(_write_epoch, record))

    def attack(self, record: AttackRecord, verdicts: Verdicts) -> None:
        """Keep the verdict on every sample, in place of one of the same id."""
        self._write(partial(_write_attack, record, verdicts))

    def estimate(self, record: EstimateRecord, margins: Margins) -> None:
        """Keep estimated margins, in place of those of the same id."""
        self._write(partial(_write_estimate, record, margins))

    def embedding(self, record: EmbeddingRecord, points: Points) -> None:
        """Keep an embedding, in place of one of the same id."""
        self._write(partial(_write_embedding, record, points))

    def gauges(self, moments: np.ndarray, names: Sequence[str], values: np.ndarray) -> None:
        """Keep readings of the machine: Unix seconds (n,), names, values (n,)."""
        columns = {
            "moment": moments.astype(np.float64),
            "name": _texts(names),
            "value": values.astype(np.float64),
        }
        self._write(lambda con: _insert(con, "gauge", columns))

    @property
    def complete(self) -> bool:
        """Whether all that was handed in is in the store."""
        return not self._waiting

    def flush(self) -> None:
        """Write what still waits; raises UserError if that fails."""
        while self._waiting:
            with writing(self._path, self._patience) as con:
                self._waiting[0](con)
            del self._waiting[0]

    def _write(self, write: Callable[[DuckDBPyConnection], None]) -> None:
        self._waiting.append(write)
        try:
            self.flush()
        except UserError as error:
            log.warning("%d records wait to be stored: %s", len(self._waiting), error)


def _write_epoch(record: EpochRecord, con: DuckDBPyConnection) -> None:
    for table in EPOCH_TABLES:
        con.execute(f"DELETE FROM {table} WHERE epoch >= ?", [record.epoch])
    epoch = np.int16(record.epoch)
    _insert(con, "epoch_metric", _metrics(record.metrics, epoch))
    for name, values in record.states.items():
        _insert(con, "sample_state", _state(name, values, epoch))
    if (columns := _margins(record)) is None:
        return
    _insert(con, "margin", {"epoch": np.full(len(columns["idx"]), epoch), **columns})
    margins = columns["margin"]
    finite = np.isfinite(margins)  # a diverged training is recorded, too
    kind = kinds(columns["clean_ok"], columns["crossed"])
    for name in KINDS:
        _write_histogram(name, margins[finite & (kind == name)], epoch, con)
    if (correct := finite & (kind != MISCLASSIFIED)).any():
        _write_summary(margins[correct].astype(np.float64), epoch, con)


def _metrics(metrics: Sequence[tuple[str, str, float, float]], epoch: np.int16) -> Columns:
    return {
        "epoch": np.full(len(metrics), epoch),
        "split": _texts(split for split, *_ in metrics),
        "name": _texts(name for _, name, *_ in metrics),
        "eps": np.array([eps for *_, eps, _ in metrics], np.float64),
        "value": np.array([value for *_, value in metrics], np.float64),
    }


def _state(name: str, values: np.ndarray, epoch: np.int16) -> Columns:
    return {
        "epoch": np.full(len(values), epoch),
        "name": _texts([name] * len(values)),
        "idx": np.arange(len(values), dtype=np.int32),
        "value": values.astype(np.float32),
    }


def _margins(record: EpochRecord) -> Columns | None:
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
    return {"idx": np.arange(len(known["margin"]), dtype=np.int32), **known}


def _write_histogram(
    kind: str, margins: np.ndarray, epoch: np.int16, con: DuckDBPyConnection
) -> None:
    which = bin255(margins) if kind != MISCLASSIFIED else np.full(len(margins), NO_BIN, np.int16)
    filled, counts = np.unique(which, return_counts=True)
    about = {"epoch": np.full(len(filled), epoch), "kind": _texts([kind] * len(filled))}
    _insert(con, "margin_hist", {**about, "bin": filled, "n": counts})


def _write_summary(margins: np.ndarray, epoch: np.int16, con: DuckDBPyConnection) -> None:
    values = [*np.quantile(margins, list(QUANTILES.values())), margins.mean()]
    summary = {
        name: np.array([value]) for name, value in zip([*QUANTILES, "mean"], values, strict=True)
    }
    _insert(con, "margin_summary", {"epoch": np.full(1, epoch)} | summary)


def _write_attack(record: AttackRecord, verdicts: Verdicts, con: DuckDBPyConnection) -> None:
    con.execute("DELETE FROM attack WHERE id = ?", [record.id])
    for table in ("attack_result", "attack_stage", "attack_doubt"):
        con.execute(f"DELETE FROM {table} WHERE attack_id = ?", [record.id])
    _insert(con, "attack", _row(record))
    results = {
        "attack_id": _texts([record.id] * len(verdicts.idx)),
        "idx": verdicts.idx,
        "ok": verdicts.ok,
        "pred": verdicts.pred,
        "distance": verdicts.distance,
        "stage": _nullable(verdicts.stage),
    }
    _insert(con, "attack_result", results)
    for number, stage in enumerate(verdicts.stages, start=1):
        ids: Columns = {"attack_id": _texts([record.id]), "stage": np.array([number])}
        _insert(con, "attack_stage", {**ids, **_row(stage)})
    for name, detail in verdicts.flags.items():
        _insert(
            con,
            "attack_doubt",
            {"attack_id": _texts([record.id]), "name": _texts([name]), "detail": _texts([detail])},
        )


def _write_estimate(record: EstimateRecord, margins: Margins, con: DuckDBPyConnection) -> None:
    con.execute("DELETE FROM estimate WHERE id = ?", [record.id])
    con.execute("DELETE FROM estimate_result WHERE estimate_id = ?", [record.id])
    _insert(con, "estimate", _row(record))
    columns = {f.name: getattr(margins, f.name) for f in fields(Margins)}
    _insert(
        con, "estimate_result", {"estimate_id": _texts([record.id] * len(margins.idx)), **columns}
    )


def _write_embedding(record: EmbeddingRecord, points: Points, con: DuckDBPyConnection) -> None:
    con.execute("DELETE FROM embedding WHERE id = ?", [record.id])
    con.execute("DELETE FROM embedding_point WHERE embedding_id = ?", [record.id])
    _insert(con, "embedding", _row(record))
    columns = {f.name: getattr(points, f.name) for f in fields(Points)}
    _insert(
        con, "embedding_point", {"embedding_id": _texts([record.id] * len(points.idx)), **columns}
    )


def _row(
    record: AttackRecord | StageRecord | EstimateRecord | EmbeddingRecord,
) -> dict[str, np.ndarray]:
    values = asdict(record).items()
    return {
        name: _texts([value]) if isinstance(value, str) else np.array([value])
        for name, value in values
    }


def _nullable(stage: np.ndarray) -> np.ndarray:
    return np.ma.masked_less(stage.astype(np.int16), 0)


def _insert(con: DuckDBPyConnection, table: str, columns: Columns) -> None:
    con.register("incoming", dict(columns))
    con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
    con.unregister("incoming")


def _texts(values: Iterable[str]) -> np.ndarray:
    return np.array(list(values), dtype=object)
