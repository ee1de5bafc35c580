"""Reading margins: of all samples in one epoch, of one sample in all epochs, and their
distributions.

Margins are in the unit of x, [0, 1]. Samples are those of the training split. An epoch has rows of
the samples that it drew: all of them, unless classes are drawn equally often (--balance sampling).
What it did not draw kept the margin of the last epoch that did.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import pandas as pd

from smd.store.run_tables import frame
from smd.store.sql import KIND, Query


class HistRow(TypedDict):
    """A bin of a histogram of margins."""

    kind: str  # one of smd.core.kinds.KINDS
    bin: int  # k: [k, k + 1) / 255; smd.core.kinds.NO_BIN: misclassified
    n: int  # samples


HIST = Query(
    HistRow,
    """
    SELECT kind, bin, n
    FROM margin_hist
    WHERE epoch = $epoch
    ORDER BY bin, kind""",
)


class SummaryRow(TypedDict):
    """The margins of correctly classified samples in one epoch, found and reached together."""

    epoch: int
    q05: float
    q25: float
    q50: float
    q75: float
    q95: float
    max: float
    mean: float


SUMMARY = Query(
    SummaryRow,
    """
    SELECT epoch, q05, q25, q50, q75, q95, max, mean
    FROM margin_summary
    ORDER BY epoch""",
)


class NameRow(TypedDict):
    """The name of what a defense keeps of every sample beside margins."""

    name: str


STATE_NAMES = Query(NameRow, "SELECT DISTINCT name FROM sample_state ORDER BY name")


class StateHistRow(TypedDict):
    """How many samples have a state of [bin, bin + 1)."""

    bin: int
    n: int


STATE_HIST = Query(
    StateHistRow,
    """
    SELECT CAST(floor(value) AS SMALLINT) AS bin, count(*) AS n
    FROM sample_state
    WHERE name = $name AND epoch = $epoch
    GROUP BY bin
    ORDER BY bin""",
)


class StateSummaryRow(TypedDict):
    """A state of the samples that an epoch drew, after it."""

    epoch: int
    q05: float
    q25: float
    q50: float
    q75: float
    q95: float
    mean: float


STATE_SUMMARY = Query(
    StateSummaryRow,
    """
    SELECT epoch,
        quantile_cont(value, 0.05) AS q05,
        quantile_cont(value, 0.25) AS q25,
        quantile_cont(value, 0.5) AS q50,
        quantile_cont(value, 0.75) AS q75,
        quantile_cont(value, 0.95) AS q95,
        avg(value) AS mean
    FROM sample_state
    WHERE name = $name
    GROUP BY epoch
    ORDER BY epoch""",
)


class StateRow(TypedDict):
    """A state of one sample after an epoch that drew it."""

    idx: int
    label: int
    value: float


STATE_VALUES = Query(
    StateRow,
    """
    SELECT t.idx, s.label, t.value
    FROM sample_state AS t
    LEFT JOIN sample AS s ON s.split = 'train' AND s.idx = t.idx
    WHERE t.name = $name AND t.epoch = $epoch
    ORDER BY t.idx""",
)


class MarginRow(TypedDict):
    """One sample's margin after an epoch that drew it."""

    idx: int
    label: int
    margin: float
    clean_ok: bool  # classified correctly without noise
    adv_ok: bool  # and with the noise of the training
    crossed: bool  # the margin's search met the boundary
    kind: str  # one of smd.core.kinds.KINDS


MARGINS = Query(
    MarginRow,
    f"""
    SELECT m.idx, s.label, m.margin, m.clean_ok, m.adv_ok, m.crossed, {KIND} AS kind
    FROM margin AS m
    LEFT JOIN sample AS s ON s.split = 'train' AND s.idx = m.idx
    WHERE m.epoch = $epoch
    ORDER BY m.idx""",
)


class ShareRow(TypedDict):
    """The share of an epoch's samples that are correct with a margin larger than a level."""

    level: float
    share: float


# Levels are compared as FLOAT, which margins are: a margin of just 8/255 is not beyond 8/255.
SHARE_BEYOND = Query(
    ShareRow,
    """
    SELECT level, avg((clean_ok AND margin > CAST(level AS FLOAT))::INTEGER) AS share
    FROM margin, (SELECT unnest($levels::DOUBLE[]) AS level)
    WHERE epoch = $epoch
    GROUP BY level""",
)


class HistoryRow(TypedDict):
    """One sample after an epoch that drew it."""

    epoch: int
    margin: float
    clean_ok: bool
    adv_ok: bool
    kind: str  # one of smd.core.kinds.KINDS
    # what it did to the margin of before: "expanded", "shrunk", "kept", or "misclassified" where
    # the clean image was, which SMD leaves alone
    change: str


# In the first epoch there is no margin before: it grows unless the exploration crossed (Alg. 1).
HISTORY = Query(
    HistoryRow,
    f"""
    SELECT epoch, margin, clean_ok, adv_ok, {KIND} AS kind,
        CASE
            WHEN NOT clean_ok THEN 'misclassified'
            WHEN margin > before OR (before IS NULL AND adv_ok) THEN 'expanded'
            WHEN margin < before OR before IS NULL THEN 'shrunk'
            ELSE 'kept'
        END AS change
    FROM (
        SELECT *, lag(margin) OVER (ORDER BY epoch) AS before
        FROM margin
        WHERE idx = $idx
    )
    ORDER BY epoch""",
)


def state_names(path: Path) -> tuple[str, ...]:
    """What the run keeps of every sample beside margins."""
    return tuple(frame(path, STATE_NAMES)["name"])


def state_hist(path: Path, name: str, epoch: int) -> pd.DataFrame:
    """One epoch's counts of a state, rounded down to whole numbers (StateHistRow)."""
    return frame(path, STATE_HIST, name=name, epoch=epoch)


def state_summary(path: Path, name: str) -> pd.DataFrame:
    """A state over the epochs (StateSummaryRow)."""
    return frame(path, STATE_SUMMARY, name=name)


def state_values(path: Path, name: str, epoch: int) -> pd.DataFrame:
    """A state of every sample that the epoch drew (StateRow)."""
    return frame(path, STATE_VALUES, name=name, epoch=epoch)


def margin_hist(path: Path, epoch: int) -> pd.DataFrame:
    """One epoch's histogram (HistRow); empty bins are left out."""
    return frame(path, HIST, epoch=epoch)


def margin_summary(path: Path) -> pd.DataFrame:
    """Every epoch's quantiles, maximum and mean (SummaryRow).

    An epoch without a correctly classified image has no row.
    """
    return frame(path, SUMMARY)


def margins(path: Path, epoch: int) -> pd.DataFrame:
    """The margin of every sample that the epoch drew (MarginRow)."""
    return frame(path, MARGINS, epoch=epoch)


def share_beyond(path: Path, epoch: int, levels: Sequence[float]) -> dict[float, float]:
    """For each level the share of the samples that the epoch drew which are classified correctly
    and have a larger margin.

    nan where the epoch has no margins. Reached margins count as they are: how far the next search
    may go.
    """
    rows = frame(path, SHARE_BEYOND, levels=list(levels), epoch=epoch)
    shares = dict(zip(rows["level"], rows["share"], strict=True))
    return {level: float(shares.get(level, math.nan)) for level in levels}


def sample_history(path: Path, idx: int) -> pd.DataFrame:
    """One sample in all epochs that drew it (HistoryRow)."""
    return frame(path, HISTORY, idx=idx)
