"""Reading verdicts sample by sample: of one attack, on one sample, and at one noise level."""

from pathlib import Path
from typing import TypedDict

import pandas as pd

from smd.config.notes import AVERAGED
from smd.store.run_tables import frame
from smd.store.sql import Query


class ResultRow(TypedDict):
    """One attack's verdict on one sample."""

    idx: int
    ok: bool  # still classified correctly
    pred: int  # predicted class
    distance: float  # length of the noise, unit of x
    stage: int  # that broke it, from 1; 0: misclassified when clean; -1: it withstood


RESULTS = Query(
    ResultRow,
    """
    SELECT idx, ok, pred, distance, coalesce(stage, -1) AS stage
    FROM attack_result
    WHERE attack_id = $attack_id
    ORDER BY idx""",
)


class SampleVerdictRow(TypedDict):
    """One attack's verdict on the sample that is asked for."""

    id: str  # of the attack
    ok: bool
    pred: int
    distance: float
    name: str
    steps: int
    norm: str
    note: str
    eps: float
    seed: int
    broken_by: str  # stage of the attack; "clean": misclassified before; "": it withstood


SAMPLE_VERDICTS = Query(
    SampleVerdictRow,
    """
    SELECT id, r.ok, r.pred, r.distance, a.name, a.steps, a.norm, coalesce(a.note, '') AS note,
        a.eps, a.seed, CASE WHEN r.stage = 0 THEN 'clean' ELSE coalesce(s.name, '') END AS broken_by
    FROM attack AS a
    JOIN attack_result AS r ON r.attack_id = a.id
    LEFT JOIN attack_stage AS s ON s.attack_id = a.id AND s.stage = r.stage
    WHERE split = $split AND idx = $idx
    ORDER BY a.name, steps, a.note, eps, seed, created""",
)


class OutcomeRow(TypedDict):
    """What became of one sample under one attack at the noise level that is asked for."""

    name: str
    steps: int
    n: int
    note: str
    idx: int
    ok: bool  # it withstood the attack with every seed
    broken_by: str  # the earliest stage of any seed; "clean" and "" as in SampleVerdictRow


# Attacks on picked images are of different ones in each job, so none of them stands in for another.
OUTCOMES = Query(
    OutcomeRow,
    f"""
    WITH newest AS (
        SELECT id, name, steps, n, note, seed
        FROM attack
        WHERE split = $split AND norm = $norm AND abs(eps - $eps) < 1e-6 AND eps > 0
            AND ($picked OR NOT picked)
            AND contains(coalesce(note, ''), '{AVERAGED}') = ($weights = 'ema')
        QUALIFY row_number() OVER (
            PARTITION BY name, steps, n, note, seed, CASE WHEN picked THEN job END
            ORDER BY created DESC, id DESC
        ) = 1
    )
    SELECT a.name, a.steps, a.n, coalesce(a.note, '') AS note, r.idx, bool_and(r.ok) AS ok,
        coalesce(
            min(CASE WHEN r.stage = 0 THEN 'clean' END), arg_min(s.name, r.stage), ''
        ) AS broken_by
    FROM newest AS a
    JOIN attack_result AS r ON r.attack_id = a.id
    LEFT JOIN attack_stage AS s ON s.attack_id = a.id AND s.stage = r.stage
    GROUP BY a.name, a.steps, a.n, a.note, r.idx
    ORDER BY a.name, a.steps, a.n, a.note, r.idx""",
)


def attack_results(path: Path, attack_id: str) -> pd.DataFrame:
    """One attack's verdict on every sample (ResultRow)."""
    return frame(path, RESULTS, attack_id=attack_id)


def sample_verdicts(path: Path, split: str, idx: int) -> pd.DataFrame:
    """Every attack's verdict on one sample (SampleVerdictRow)."""
    return frame(path, SAMPLE_VERDICTS, split=split, idx=idx)


def outcomes(
    path: Path,
    split: str,
    eps: float,
    norm: str = "Linf",
    picked: bool = False,
    weights: str = "last",
) -> pd.DataFrame:
    """What became of every sample at one noise level, over all seeds (OutcomeRow).

    Of attacks on one network alone: with its last weights, or with "ema" its averaged ones.

    Attacks with other settings (note) are others. picked: also of attacks on images that were
    picked by hand.
    """
    which = {"norm": norm, "picked": picked, "weights": weights}
    return frame(path, OUTCOMES, split=split, eps=eps, **which)
