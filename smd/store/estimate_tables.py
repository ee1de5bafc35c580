"""Reading estimated margins of a trained network.

Which estimations there are, and what each found.
"""

from pathlib import Path

import pandas as pd

from smd.core.kinds import KIND, NO_BIN
from smd.store.run_tables import frame

ALL = """
    SELECT id, method, eps, norm, seed, split, n, package, version, seconds, job, created FROM
        estimate
    ORDER BY created, id"""
RESULTS = f"""
    SELECT r.idx, s.label, s.source, r.margin, r.clean_ok, r.crossed, {KIND} AS kind
    FROM estimate_result AS r JOIN estimate AS e ON e.id = r.estimate_id
    LEFT JOIN sample AS s ON s.split = e.split AND s.idx = r.idx WHERE r.estimate_id = ? ORDER BY
        r.idx"""

# The shift keeps the floor: in FLOAT k/255 can fall just below k.
HIST = f"""
    SELECT {KIND} AS kind,
        CAST(CASE WHEN clean_ok THEN floor(CAST(margin AS DOUBLE) * 255 + 1e-4) ELSE {NO_BIN} END
            AS SMALLINT) AS bin,
        count(*) AS n
    FROM estimate_result WHERE estimate_id = ? GROUP BY kind, bin ORDER BY bin, kind"""


def estimates(path: Path) -> pd.DataFrame:
    """All estimations of margins, the oldest first; the columns are those of the table
    `estimate`."""
    return frame(path, ALL)


def estimate_results(path: Path, estimate_id: str) -> pd.DataFrame:
    """What one estimation found.

    idx, label, source, margin (unit of x), clean_ok, crossed, kind (smd.core.kinds.KINDS).

    Where no boundary was met (reached) the margin says how far the search came; it is 0 where
    misclassified.
    """
    return frame(path, RESULTS, [estimate_id])


def estimate_hist(path: Path, estimate_id: str) -> pd.DataFrame:
    """Histogram of one estimation: kind, bin, n, as reader.margin_hist."""
    return frame(path, HIST, [estimate_id])
