"""Reading predictions: which class a network takes each image for, clean or under an attack."""

from pathlib import Path
from typing import TypedDict

import pandas as pd

from smd.config.notes import AVERAGED
from smd.store.attack_tables import NEWEST
from smd.store.run_tables import frame
from smd.store.sql import Query


class PredictedClassRow(TypedDict):
    """What one image is taken for under one attack at the noise level that is asked for."""

    name: str  # of the attack, as in smd.registry.ATTACKS
    steps: int
    n: int
    note: str
    idx: int  # sample id
    label: int
    pred: int  # class; of the first seed that fooled the network, if one did
    ok: bool  # it is the label, with every seed


PREDICTED_CLASSES = Query(
    PredictedClassRow,
    f"""
    WITH newest AS ({NEWEST})
    SELECT a.name, a.steps, a.n, coalesce(a.note, '') AS note, r.idx, s.label,
        arg_min(r.pred, a.seed + CASE WHEN r.ok THEN 1e9 ELSE 0 END) AS pred,
        bool_and(r.ok) AS ok
    FROM newest AS a
    JOIN attack_result AS r ON r.attack_id = a.id
    JOIN sample AS s ON s.split = a.split AND s.idx = r.idx
    WHERE a.split = $split AND (a.norm = $norm OR $eps = 0) AND abs(a.eps - $eps) < 1e-6
        AND contains(coalesce(a.note, ''), '{AVERAGED}') = ($weights = 'ema')
    GROUP BY a.name, a.steps, a.n, a.note, r.idx, s.label
    ORDER BY a.name, a.steps, a.n, a.note, r.idx""",
)


def predicted_classes(
    path: Path, split: str, eps: float, norm: str = "Linf", weights: str = "last"
) -> pd.DataFrame:
    """The predicted class of every attacked image at one noise level, 0: clean (PredictedClassRow).

    Attacks with other settings are others; images picked by hand are left out. weights: "last", or
    "ema" for the averaged ones.
    """
    which = {"norm": norm, "weights": weights}
    return frame(path, PREDICTED_CLASSES, split=split, eps=eps, **which)
