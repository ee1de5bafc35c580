"""The recorder of a job: every epoch and every verdict is one short transaction.

A store that cannot be written just now stops no training: the record waits in memory for the next
try.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from duckdb import DuckDBPyConnection

from smd.core.kinds import KINDS, MISCLASSIFIED, NO_BIN, kinds
from smd.errors import UserError
from smd.store.columns import (
    Columns,
    nullable,
    of_group,
    of_margins,
    of_metrics,
    of_record,
    of_samples,
    of_state,
    texts,
)
from smd.store.connection import PATIENCE, writing
from smd.store.records import (
    AttackRecord,
    EmbeddingRecord,
    EpochRecord,
    EstimateRecord,
    Margins,
    Points,
    ScoreRecord,
    Scores,
    Verdicts,
)
from smd.store.schema import EPOCH_TABLES
from smd.units import bin255

if TYPE_CHECKING:
    import pyarrow

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}

log = logging.getLogger(__name__)


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
        patients: Sequence[str] = (),
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Describe the run, in place of what an earlier start has written.

        meta: JSON values. samples: split -> (labels (n,), rows in the image cache (n,)). paths: of
        the file of every row in the image cache; () where images are no files. patients: of every
        row in the image cache, hashed (smd.data.facts), "" where unknown; () where none is known.
        groups: kind -> the value of every row, "" where unknown. Raises UserError if the store is
        broken, newer or cannot be written.
        """
        with writing(self._path, self._patience) as con:
            con.execute("DELETE FROM meta WHERE key <> 'schema'")
            con.execute("DELETE FROM sample")
            con.execute("DELETE FROM sample_group")
            _insert(
                con, "meta", {"key": texts(meta), "value": texts(map(json.dumps, meta.values()))}
            )
            for split, (labels, rows) in samples.items():
                _insert(con, "sample", of_samples(split, labels, rows, paths, patients))
                for name, values in (groups or {}).items():
                    _insert(
                        con, "sample_group", of_group(split, name, [values[row] for row in rows])
                    )

    def describe(self, about: Mapping[str, Any]) -> None:
        """Say more of the run: JSON values, each in place of what was said under its key."""

        def write(con: DuckDBPyConnection) -> None:
            for key in about:
                con.execute("DELETE FROM meta WHERE key = ? AND key <> 'schema'", [key])
            _insert(
                con,
                "meta",
                {"key": texts(about), "value": texts(map(json.dumps, about.values()))},
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

    def score(self, record: ScoreRecord, scores: Scores) -> None:
        """Keep worst scores, in place of those of the same id."""
        self._write(partial(_write_scores, record, scores))

    def embedding(self, record: EmbeddingRecord, points: Points) -> None:
        """Keep an embedding, in place of one of the same id."""
        self._write(partial(_write_embedding, record, points))

    def gauges(self, moments: np.ndarray, names: Sequence[str], values: np.ndarray) -> None:
        """Keep readings of the machine: Unix seconds (n,), names, values (n,)."""
        columns = {
            "moment": moments.astype(np.float64),
            "name": texts(names),
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


def fill(path: Path, tables: Mapping[str, "pyarrow.Table"]) -> None:
    """Make a store with these rows in its tables, by name; raises UserError where it cannot be
    written."""
    with writing(path) as con:
        for table, rows in tables.items():
            _insert(con, table, rows)


def _write_epoch(record: EpochRecord, con: DuckDBPyConnection) -> None:
    for table in EPOCH_TABLES:
        con.execute(f"DELETE FROM {table} WHERE epoch >= ?", [record.epoch])
    epoch = np.int16(record.epoch)
    _insert(con, "epoch_metric", of_metrics(record.metrics, epoch))
    for name in record.states:
        _insert(con, "sample_state", of_state(record, name, epoch))
    if (columns := of_margins(record)) is None:
        return
    _insert(con, "margin", {"epoch": np.full(len(columns["idx"]), epoch), **columns})
    margins = columns["margin"]
    finite = np.isfinite(margins)  # a diverged training is recorded, too
    kind = kinds(columns["clean_ok"], columns["crossed"])
    for name in KINDS:
        _write_histogram(name, margins[finite & (kind == name)], epoch, con)
    if (correct := finite & (kind != MISCLASSIFIED)).any():
        _write_summary(margins[correct].astype(np.float64), epoch, con)


def _write_histogram(
    kind: str, margins: np.ndarray, epoch: np.int16, con: DuckDBPyConnection
) -> None:
    which = bin255(margins) if kind != MISCLASSIFIED else np.full(len(margins), NO_BIN, np.int16)
    filled, counts = np.unique(which, return_counts=True)
    about = {"epoch": np.full(len(filled), epoch), "kind": texts([kind] * len(filled))}
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
    _insert(con, "attack", of_record(record))
    results = {
        "attack_id": texts([record.id] * len(verdicts.idx)),
        "idx": verdicts.idx,
        "ok": verdicts.ok,
        "pred": verdicts.pred,
        "distance": verdicts.distance,
        "stage": nullable(verdicts.stage),
    }
    _insert(con, "attack_result", results)
    for number, stage in enumerate(verdicts.stages, start=1):
        ids: Columns = {"attack_id": texts([record.id]), "stage": np.array([number])}
        _insert(con, "attack_stage", {**ids, **of_record(stage)})
    for name, detail in verdicts.flags.items():
        _insert(
            con,
            "attack_doubt",
            {"attack_id": texts([record.id]), "name": texts([name]), "detail": texts([detail])},
        )


def _write_estimate(record: EstimateRecord, margins: Margins, con: DuckDBPyConnection) -> None:
    con.execute("DELETE FROM estimate WHERE id = ?", [record.id])
    con.execute("DELETE FROM estimate_result WHERE estimate_id = ?", [record.id])
    _insert(con, "estimate", of_record(record))
    columns = {f.name: getattr(margins, f.name) for f in fields(Margins)}
    _insert(
        con, "estimate_result", {"estimate_id": texts([record.id] * len(margins.idx)), **columns}
    )


def _write_scores(record: ScoreRecord, scores: Scores, con: DuckDBPyConnection) -> None:
    con.execute("DELETE FROM score WHERE id = ?", [record.id])
    con.execute("DELETE FROM score_result WHERE score_id = ?", [record.id])
    _insert(con, "score", of_record(record))
    n, classes = scores.scores.shape
    columns = {
        "score_id": texts([record.id] * (n * classes)),
        "idx": np.repeat(scores.idx, classes),
        "class": np.tile(np.arange(classes, dtype=np.int16), n),
        "score": scores.scores.ravel(),
    }
    _insert(con, "score_result", columns)


def _write_embedding(record: EmbeddingRecord, points: Points, con: DuckDBPyConnection) -> None:
    con.execute("DELETE FROM embedding WHERE id = ?", [record.id])
    con.execute("DELETE FROM embedding_point WHERE embedding_id = ?", [record.id])
    _insert(con, "embedding", of_record(record))
    columns = {f.name: getattr(points, f.name) for f in fields(Points)}
    _insert(
        con, "embedding_point", {"embedding_id": texts([record.id] * len(points.idx)), **columns}
    )


def _insert(con: DuckDBPyConnection, table: str, columns: "Columns | pyarrow.Table") -> None:
    con.register("incoming", dict(columns) if isinstance(columns, Mapping) else columns)
    con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
    con.unregister("incoming")
