"""Reading estimated margins of a trained network: which estimates there are, and what each found.

Margins are in the unit of x.
"""

from pathlib import Path
from typing import TypedDict

import pandas as pd

from smd.store.margin_tables import HistRow
from smd.store.run_tables import frame
from smd.store.sql import BIN, KIND_OF_ESTIMATE, SMOOTHING, Query


class EstimateRow(TypedDict):
    """One estimate: a row of the table `estimate`, see EstimateRecord."""

    id: str
    method: str
    eps: float  # how far it looked, 0: as far as it takes; of smoothing the noise
    norm: str
    seed: int
    split: str
    n: int
    package: str
    version: str
    seconds: float
    job: str
    created: float  # Unix seconds
    weights: str  # "last" or "ema"
    picked: bool  # images chosen by hand


ROWS = """
    SELECT id, method, eps, norm, seed, split, n, package, version, seconds, job, created, weights,
        picked
    FROM estimate
    WHERE method {which} {smoothing}
    ORDER BY created, id"""
# What is certified of the smoothed network is no margin of the network, and is asked for apart.
ESTIMATES = Query(EstimateRow, ROWS.format(which="NOT IN", smoothing=SMOOTHING))
SMOOTHED = Query(EstimateRow, ROWS.format(which="IN", smoothing=SMOOTHING))


class EstimateResultRow(TypedDict):
    """The estimated margin of one sample."""

    idx: int
    label: int
    source: int  # row in the image cache
    margin: float  # how far the search came where it met no boundary; 0 where misclassified
    clean_ok: bool
    crossed: bool  # the search met the boundary
    kind: str  # one of smd.core.kinds.EVERY, or of the smoothed network's


RESULTS = Query(
    EstimateResultRow,
    f"""
    SELECT r.idx, s.label, s.source, r.margin, r.clean_ok, r.crossed, {KIND_OF_ESTIMATE} AS kind
    FROM estimate_result AS r
    JOIN estimate AS e ON e.id = r.estimate_id
    LEFT JOIN sample AS s ON s.split = e.split AND s.idx = r.idx
    WHERE r.estimate_id = $estimate_id
    ORDER BY r.idx""",
)

HIST = Query(
    HistRow,
    f"""
    SELECT {KIND_OF_ESTIMATE} AS kind, {BIN} AS bin, count(*) AS n
    FROM estimate_result AS r
    JOIN estimate AS e ON e.id = r.estimate_id
    WHERE estimate_id = $estimate_id
    GROUP BY kind, bin
    ORDER BY bin, kind""",
)


def estimates(path: Path) -> pd.DataFrame:
    """All estimates of the network's margins, the oldest first (EstimateRow)."""
    return frame(path, ESTIMATES)


def smoothed(path: Path) -> pd.DataFrame:
    """All certificates of the smoothed network, the oldest first (EstimateRow); eps is the standard
    deviation of the noise. They are no margins of the network."""
    return frame(path, SMOOTHED)


def estimate_results(path: Path, estimate_id: str) -> pd.DataFrame:
    """What one estimate found for every sample (EstimateResultRow)."""
    return frame(path, RESULTS, estimate_id=estimate_id)


def estimate_hist(path: Path, estimate_id: str) -> pd.DataFrame:
    """Histogram of one estimate (HistRow); empty bins are left out."""
    return frame(path, HIST, estimate_id=estimate_id)
