"""Reading what clinical numbers are made of: patients and groups of images, scores, predictions."""

from pathlib import Path
from typing import TypedDict

import pandas as pd

from smd.store.attack_tables import NEWEST
from smd.store.run_tables import frame
from smd.store.sql import Query


class FactRow(TypedDict):
    """What is known of one sample of the split that is asked for."""

    idx: int
    label: int
    patient: str | None  # a keyed hash; NULL where nothing tells


FACTS = Query(
    FactRow,
    """
    SELECT idx, label, patient
    FROM sample
    WHERE split = $split
    ORDER BY idx""",
)


class GroupRow(TypedDict):
    """The group that a sample is in: its site, say, and which."""

    idx: int
    name: str
    value: str


GROUPS = Query(
    GroupRow,
    """
    SELECT idx, name, value
    FROM sample_group
    WHERE split = $split
    ORDER BY name, idx, value""",
)


class ScoreRunRow(TypedDict):
    """The search for the worst scores at one noise level: a row of `score`, see ScoreRecord."""

    id: str
    eps: float  # unit of x; 0: the clean images
    norm: str
    steps: int
    seed: int
    split: str
    n: int
    package: str
    version: str
    seconds: float
    job: str
    created: float  # Unix seconds
    weights: str  # "last" or "ema"


SCORE_RUNS = Query(
    ScoreRunRow,
    """
    SELECT id, eps, norm, steps, seed, split, n, package, version, seconds, job, created, weights
    FROM score
    ORDER BY created, id""",
)


# "class" is a word of Python's
ScoreRow = TypedDict("ScoreRow", {"idx": int, "class": int, "score": float})

SCORES = Query(
    ScoreRow,
    """
    SELECT idx, class, score
    FROM score_result
    WHERE score_id = $score_id
    ORDER BY idx, class""",
)


class PredictionRow(TypedDict):
    """What the network made of one image under one attack at one level and seed."""

    name: str  # of the attack
    steps: int
    norm: str
    n: int
    note: str
    eps: float  # unit of x; 0: clean
    seed: int
    created: float  # Unix seconds
    idx: int
    ok: bool
    pred: int  # predicted class


PREDICTIONS = Query(
    PredictionRow,
    f"""
    WITH newest AS ({NEWEST})
    SELECT a.name, a.steps, a.norm, a.n, coalesce(a.note, '') AS note, a.eps, a.seed, a.created,
        r.idx, r.ok, r.pred
    FROM newest AS a
    JOIN attack_result AS r ON r.attack_id = a.id
    WHERE a.split = $split
    ORDER BY a.created, a.id, r.idx""",
)


def sample_facts(path: Path, split: str) -> pd.DataFrame:
    """Label and patient of every sample of a split (FactRow)."""
    return frame(path, FACTS, split=split)


def sample_groups(path: Path, split: str) -> pd.DataFrame:
    """The groups of a split's samples (GroupRow); no rows where nothing tells."""
    return frame(path, GROUPS, split=split)


def score_runs(path: Path) -> pd.DataFrame:
    """All searches for worst scores, a row a noise level, the oldest first (ScoreRunRow)."""
    return frame(path, SCORE_RUNS)


def scores(path: Path, score_id: str) -> pd.DataFrame:
    """The log-odds of every class for every image that one search found (ScoreRow)."""
    return frame(path, SCORES, score_id=score_id)


def predictions(path: Path, split: str) -> pd.DataFrame:
    """Every attack's prediction on every image of a split (PredictionRow).

    Images picked by hand are left out; a level that was attacked again with the same seed counts
    once, the newest.
    """
    return frame(path, PREDICTIONS, split=split)
