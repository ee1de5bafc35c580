"""Reading embeddings: which there are, and where each puts the samples."""

from pathlib import Path
from typing import TypedDict

import pandas as pd

from smd.store.run_tables import frame
from smd.store.sql import Query


class EmbeddingRow(TypedDict):
    """One embedding: a row of the table `embedding`, see EmbeddingRecord."""

    id: str
    split: str
    n: int
    pairs: int
    eps: float
    seed: int
    package: str
    version: str
    seconds: float
    job: str
    created: float  # Unix seconds
    weights: str  # "last" or "ema"


EMBEDDINGS = Query(
    EmbeddingRow,
    """
    SELECT id, split, n, pairs, eps, seed, package, version, seconds, job, created, weights
    FROM embedding
    ORDER BY created, id""",
)


class PointRow(TypedDict):
    """Where an embedding puts a sample, or its adversarial example."""

    idx: int
    label: int
    source: int  # row in the image cache
    adversarial: bool
    x: float
    y: float
    pred: int  # predicted class
    ok: bool  # classified correctly


POINTS = Query(
    PointRow,
    """
    SELECT p.idx, s.label, s.source, p.adversarial, p.x, p.y, p.pred, p.ok
    FROM embedding_point AS p
    JOIN embedding AS e ON e.id = p.embedding_id
    LEFT JOIN sample AS s ON s.split = e.split AND s.idx = p.idx
    WHERE p.embedding_id = $embedding_id
    ORDER BY p.adversarial, p.idx""",
)


def embeddings(path: Path) -> pd.DataFrame:
    """All embeddings of a run, the oldest first (EmbeddingRow)."""
    return frame(path, EMBEDDINGS)


def embedding_points(path: Path, embedding_id: str) -> pd.DataFrame:
    """The points of one embedding (PointRow): clean samples first, each by id.

    A sample has one clean row and at most one adversarial row.
    """
    return frame(path, POINTS, embedding_id=embedding_id)
