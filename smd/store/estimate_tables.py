"""Reading estimated margins of a trained network: which estimations there are, and what each found."""

from pathlib import Path

import pandas as pd

from smd.store.run_tables import frame

ALL = """
    SELECT id, method, eps, norm, seed, split, n, package, version, seconds, job, created FROM estimate
    ORDER BY created, id"""
RESULTS = """
    SELECT r.idx, s.label, s.source, r.margin, r.clean_ok, r.crossed
    FROM estimate_result AS r JOIN estimate AS e ON e.id = r.estimate_id
    LEFT JOIN sample AS s ON s.split = e.split AND s.idx = r.idx WHERE r.estimate_id = ? ORDER BY r.idx"""

# The shift keeps the floor: in FLOAT k/255 can fall just below k.
HIST = """
    SELECT CAST(floor(CAST(margin AS DOUBLE) * 255 + 1e-4) AS SMALLINT) AS bin, count(*) AS n,
        count(*) FILTER (NOT crossed) AS open
    FROM estimate_result WHERE estimate_id = ? AND clean_ok GROUP BY bin ORDER BY bin"""


def estimates(path: Path) -> pd.DataFrame:
    """All estimations of margins, the oldest first; the columns are those of the table `estimate`."""
    return frame(path, ALL)


def estimate_results(path: Path, estimate_id: str) -> pd.DataFrame:
    """What one estimation found: idx, label, source, margin (unit of x), clean_ok, crossed.

    Where no boundary was met (not crossed) the margin is a lower bound; it is 0 where not clean_ok.
    """
    return frame(path, RESULTS, [estimate_id])


def estimate_hist(path: Path, estimate_id: str) -> pd.DataFrame:
    """Histogram of one estimation over correctly classified samples: bin, n, open.

    Bin k is [k, k + 1) / 255; open counts those among n that met no boundary.
    """
    return frame(path, HIST, [estimate_id])
