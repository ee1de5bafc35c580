"""Reading what all attacks and estimates together know of the distance to the boundary.

Distances are in the unit of x. What one attack or estimate found holds whatever another says: an
adversarial example bounds the distance from above, a certificate from below.
"""

from pathlib import Path
from typing import TypedDict

import pandas as pd

from smd.config.notes import AVERAGED, SOUND
from smd.store.run_tables import frame
from smd.store.sql import CERTIFYING, SMOOTHING, Query

# What an attack with --sound took over, its first stage, is the find of another attack.
FOUND = f"""NOT r.ok AND r.stage > 0
            AND NOT (contains(coalesce(a.note, ''), '{SOUND}') AND r.stage = 1)"""


class NearestRow(TypedDict):
    """The nearest boundary that anything met for a sample which is correct when clean."""

    idx: int
    distance: float
    found_by: str  # name of the attack or method
    eps: float  # noise level of the attack, or how far the method looked; 0: as far as it takes
    attack: bool  # found_by is an attack


NEAREST = Query(
    NearestRow,
    f"""
    WITH met AS (
        SELECT r.idx, least(r.distance, a.eps) AS distance, a.name, a.eps, true AS attack
        FROM attack_result AS r
        JOIN attack AS a ON a.id = r.attack_id
        WHERE a.split = $split AND a.norm = $norm AND a.eps > 0 AND {FOUND}
            AND contains(coalesce(a.note, ''), '{AVERAGED}') = ($weights = 'ema')
        UNION ALL
        SELECT r.idx, r.margin, e.method, e.eps, false
        FROM estimate_result AS r
        JOIN estimate AS e ON e.id = r.estimate_id
        WHERE e.split = $split AND e.norm = $norm AND e.weights = $weights
            AND r.clean_ok AND r.crossed AND e.method NOT IN {SMOOTHING}
    )
    SELECT idx, distance, name AS found_by, eps, attack
    FROM met
    WHERE isfinite(distance)
    QUALIFY row_number() OVER (PARTITION BY idx ORDER BY distance, attack, name, eps) = 1
    ORDER BY idx""",
)


class BrokenRow(TypedDict):
    """The smallest noise by which an attack fooled the network on a sample."""

    idx: int
    distance: float
    pred: int  # class that it was taken for


BROKEN = Query(
    BrokenRow,
    f"""
    SELECT r.idx, least(r.distance, a.eps) AS distance, r.pred
    FROM attack_result AS r
    JOIN attack AS a ON a.id = r.attack_id
    WHERE a.split = $split AND a.norm = $norm AND a.eps > 0 AND {FOUND}
        AND contains(coalesce(a.note, ''), '{AVERAGED}') = ($weights = 'ema')
    QUALIFY row_number() OVER (
        PARTITION BY r.idx
        ORDER BY least(r.distance, a.eps), a.created, a.id
    ) = 1
    ORDER BY r.idx""",
)


class CertifiedRow(TypedDict):
    """The largest distance within which a sample is proven to have no adversarial example."""

    idx: int
    distance: float


CERTIFIED = Query(
    CertifiedRow,
    f"""
    SELECT r.idx, max(r.margin) AS distance
    FROM estimate_result AS r
    JOIN estimate AS e ON e.id = r.estimate_id
    WHERE e.split = $split AND e.norm = $norm AND e.weights = $weights
        AND e.method IN {CERTIFYING} AND r.clean_ok AND isfinite(r.margin)
    GROUP BY r.idx
    ORDER BY r.idx""",
)


def nearest_found(
    path: Path, split: str, norm: str = "Linf", weights: str = "last"
) -> pd.DataFrame:
    """The nearest boundary that any attack or estimate in the store met (NearestRow)."""
    return frame(path, NEAREST, split=split, norm=norm, weights=weights)


def broken(path: Path, split: str, norm: str = "Linf", weights: str = "last") -> pd.DataFrame:
    """The smallest noise that fooled the network on each sample, of all attacks (BrokenRow).

    Of an estimate only the last correct point is stored, so estimates are no part of it.
    """
    return frame(path, BROKEN, split=split, norm=norm, weights=weights)


def certified(path: Path, split: str, norm: str = "Linf", weights: str = "last") -> pd.DataFrame:
    """How far each sample is proven to be robust (CertifiedRow)."""
    return frame(path, CERTIFIED, split=split, norm=norm, weights=weights)
