"""Reading maps: which there are, and where each puts the samples."""

from pathlib import Path

import pandas as pd

from smd.store.run_tables import frame

ALL = """
    SELECT id, split, n, pairs, eps, seed, package, version, seconds, job, created FROM embedding
    ORDER BY created, id"""
POINTS = """
    SELECT p.idx, s.label, s.source, p.adversarial, p.x, p.y, p.pred, p.ok
    FROM embedding_point AS p JOIN embedding AS e ON e.id = p.embedding_id
    LEFT JOIN sample AS s ON s.split = e.split AND s.idx = p.idx
    WHERE p.embedding_id = ? ORDER BY p.adversarial, p.idx"""


def embeddings(path: Path) -> pd.DataFrame:
    """All maps of a run, the oldest first; the columns are those of the table `embedding`."""
    return frame(path, ALL)


def embedding_points(path: Path, embedding_id: str) -> pd.DataFrame:
    """One map: idx, label, source, adversarial, x, y, pred, ok; clean samples first, each by id.

    A sample has one clean row and at most one adversarial row; ok: it is classified correctly
    there.
    """
    return frame(path, POINTS, [embedding_id])
