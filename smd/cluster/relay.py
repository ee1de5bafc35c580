"""The recorder of a job on a node: its own small store first, then the head, by one stream."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from smd.cluster import records
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
from smd.store.writer import Recorder

Send = Callable[[records.Plain], None]


class Relay(Recorder):
    """A recorder that hands on all that it is told; the job reads what it wrote in the node's
    store."""

    def __init__(self, path: Path, send: Send) -> None:
        super().__init__(path)
        self._send = send

    def start(
        self,
        meta: Mapping[str, Any],
        samples: Mapping[str, tuple[np.ndarray, np.ndarray]],
        paths: Sequence[str] = (),
        patients: Sequence[str] = (),
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """See Recorder.start."""
        super().start(meta, samples, paths, patients, groups)
        self._tell("start", meta, samples, paths, patients, groups or {})

    def describe(self, about: Mapping[str, Any]) -> None:
        """See Recorder.describe."""
        super().describe(about)
        self._tell("describe", about)

    def epoch(self, record: EpochRecord) -> None:
        """See Recorder.epoch."""
        super().epoch(record)
        self._tell("epoch", record)

    def attack(self, record: AttackRecord, verdicts: Verdicts) -> None:
        """See Recorder.attack."""
        super().attack(record, verdicts)
        self._tell("attack", record, verdicts)

    def estimate(self, record: EstimateRecord, margins: Margins) -> None:
        """See Recorder.estimate."""
        super().estimate(record, margins)
        self._tell("estimate", record, margins)

    def score(self, record: ScoreRecord, scores: Scores) -> None:
        """See Recorder.score."""
        super().score(record, scores)
        self._tell("score", record, scores)

    def embedding(self, record: EmbeddingRecord, points: Points) -> None:
        """See Recorder.embedding."""
        super().embedding(record, points)
        self._tell("embedding", record, points)

    def gauges(self, moments: np.ndarray, names: Sequence[str], values: np.ndarray) -> None:
        """See Recorder.gauges."""
        super().gauges(moments, names, values)
        self._tell("gauges", moments, names, values)

    def _tell(self, name: str, *args: Any) -> None:
        self._send(records.plain(name, args))
