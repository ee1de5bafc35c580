"""Reading margins: of all samples in one epoch, of one sample in all epochs, and their
distributions.

Margins are in the unit of x, [0, 1]. Samples are those of the training split.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from smd.core.kinds import KIND
from smd.store.run_tables import frame

HIST = "SELECT kind, bin, n FROM margin_hist WHERE epoch = ? ORDER BY bin, kind"
SUMMARY = "SELECT epoch, q05, q25, q50, q75, q95, max, mean FROM margin_summary ORDER BY epoch"

STATE_HIST = """
    SELECT CAST(floor(value) AS SMALLINT) AS bin, count(*) AS n FROM sample_state WHERE name = ?
        AND epoch = ?
    GROUP BY bin ORDER BY bin"""
STATE_SUMMARY = """
    SELECT epoch, quantile_cont(value, 0.05) AS q05, quantile_cont(value, 0.25) AS q25,
        quantile_cont(value, 0.5) AS q50, quantile_cont(value, 0.75) AS q75, quantile_cont(value,
            0.95) AS q95,
        avg(value) AS mean
    FROM sample_state WHERE name = ? GROUP BY epoch ORDER BY epoch"""
STATE_VALUES = """
    SELECT t.idx, s.label, t.value FROM sample_state AS t LEFT JOIN sample AS s ON s.split =
        'train' AND s.idx = t.idx
    WHERE t.name = ? AND t.epoch = ? ORDER BY t.idx"""

MARGINS = f"""
    SELECT m.idx, s.label, m.margin, m.clean_ok, m.adv_ok, m.crossed, {KIND} AS kind
    FROM margin AS m LEFT JOIN sample AS s ON s.split = 'train' AND s.idx = m.idx WHERE m.epoch = ?
        ORDER BY m.idx"""

# Levels are compared as FLOAT, which margins are: a margin of just 8/255 is not beyond 8/255.
BEYOND = """
    SELECT level, avg((clean_ok AND margin > CAST(level AS FLOAT))::INTEGER) AS share
    FROM margin, (SELECT unnest(?::DOUBLE[]) AS level) WHERE epoch = ? GROUP BY level"""

# In the first epoch there is no margin before: it grows unless the exploration crossed (Alg. 1).
HISTORY = f"""
    SELECT epoch, margin, clean_ok, adv_ok, {KIND} AS kind,
        CASE WHEN NOT clean_ok THEN 'misclassified'
            WHEN margin > before OR (before IS NULL AND adv_ok) THEN 'expanded'
            WHEN margin < before OR before IS NULL THEN 'shrunk' ELSE 'kept' END AS change
    FROM (SELECT *, lag(margin) OVER (ORDER BY epoch) AS before FROM margin WHERE idx = ?) ORDER BY
        epoch"""


def state_names(path: Path) -> tuple[str, ...]:
    """What the run keeps of every sample beside margins."""
    return tuple(frame(path, "SELECT DISTINCT name FROM sample_state ORDER BY name")["name"])


def state_hist(path: Path, name: str, epoch: int) -> pd.DataFrame:
    """One epoch's counts of a state, rounded down to whole numbers: bin, n."""
    return frame(path, STATE_HIST, [name, epoch])


def state_summary(path: Path, name: str) -> pd.DataFrame:
    """A state over the epochs: epoch, q05, q25, q50, q75, q95, mean."""
    return frame(path, STATE_SUMMARY, [name])


def state_values(path: Path, name: str, epoch: int) -> pd.DataFrame:
    """A state of every sample after one epoch: idx, label, value."""
    return frame(path, STATE_VALUES, [name, epoch])


def margin_hist(path: Path, epoch: int) -> pd.DataFrame:
    """One epoch's histogram: kind, bin, n; bin k is [k, k + 1) / 255, empty bins are left out.

    kind is one of smd.core.kinds.KINDS; misclassified images are all in bin smd.core.kinds.NO_BIN.
    """
    return frame(path, HIST, [epoch])


def margin_summary(path: Path) -> pd.DataFrame:
    """Every epoch's quantiles, maximum and mean over correctly classified images, found and reached
    margins together.

    Columns: epoch, q05, q25, q50, q75, q95, max, mean; an epoch without such an image has no row.
    """
    return frame(path, SUMMARY)


def margins(path: Path, epoch: int) -> pd.DataFrame:
    """Every sample's margin after one epoch: idx, label, margin, clean_ok, adv_ok, crossed, kind
    (smd.core.kinds.KINDS)."""
    return frame(path, MARGINS, [epoch])


def share_beyond(path: Path, epoch: int, levels: Sequence[float]) -> dict[float, float]:
    """For each level the share of all samples that are classified correctly and have a larger
    margin.

    nan where the epoch has no margins. Reached margins count as they are: how far their search has
    come.
    """
    rows = frame(path, BEYOND, [list(levels), epoch])
    found = dict(zip(rows["level"], rows["share"], strict=True))
    return {level: float(found.get(level, math.nan)) for level in levels}


def sample_history(path: Path, idx: int) -> pd.DataFrame:
    """One sample in all epochs: epoch, margin, clean_ok, adv_ok, kind, change.

    change is what the epoch did to the margin: "expanded", "shrunk", "kept", or "misclassified"
    where the clean image was, which SMD leaves alone.
    """
    return frame(path, HISTORY, [idx])
