"""Reading margins class by class and from one epoch to another.

Margins are in the unit of x, [0, 1]; samples are those of the training split that the epoch drew
(smd.store.margin_tables). Quantiles, means and
densities are over correctly classified samples. Only found margins are at the boundary, and only
their noisy samples press on it (paper, Sec. 3.1).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import pandas as pd

from smd.store.run_tables import frame
from smd.store.sql import BIN, KIND, Query, bin255

MOST_EPOCHS, MOST_BINS = 30, 16  # cells of a density that a browser draws at once, for each class


class ClassHistRow(TypedDict):
    """A bin of a class's histogram."""

    label: int
    kind: str  # one of smd.core.kinds.KINDS
    bin: int  # k: [k, k + 1) / 255; smd.core.kinds.NO_BIN: misclassified
    n: int  # samples


CLASS_HIST = Query(
    ClassHistRow,
    f"""
    SELECT s.label, {KIND} AS kind, {BIN} AS bin, count(*) AS n
    FROM margin AS m
    JOIN sample AS s ON s.split = 'train' AND s.idx = m.idx
    WHERE m.epoch = $epoch AND isfinite(m.margin)
    GROUP BY ALL
    ORDER BY s.label, bin, kind""",
)


class ClassSummaryRow(TypedDict):
    """The margins of one class in one epoch."""

    epoch: int
    label: int
    n: int  # samples, and how many of them are of each kind
    misclassified: int
    found: int
    reached: int
    q25: float  # of correctly classified samples, nan where there is none
    q50: float
    q75: float
    mean: float


CLASS_SUMMARY = Query(
    ClassSummaryRow,
    """
    SELECT m.epoch, s.label, count(*) AS n,
        count(*) FILTER (NOT clean_ok) AS misclassified,
        count(*) FILTER (clean_ok AND crossed) AS found,
        count(*) FILTER (clean_ok AND NOT crossed) AS reached,
        quantile_cont(margin, 0.25) FILTER (clean_ok) AS q25,
        quantile_cont(margin, 0.5) FILTER (clean_ok) AS q50,
        quantile_cont(margin, 0.75) FILTER (clean_ok) AS q75,
        avg(margin) FILTER (clean_ok) AS mean
    FROM margin AS m
    JOIN sample AS s ON s.split = 'train' AND s.idx = m.idx
    WHERE isfinite(m.margin) AND ($epoch = 0 OR m.epoch = $epoch)
    GROUP BY m.epoch, s.label
    ORDER BY m.epoch, s.label""",
)


class ClassFoundRow(TypedDict):
    """How many of a class's noisy samples were at the boundary in one epoch."""

    epoch: int
    label: int
    found: int


CLASS_FOUND = Query(
    ClassFoundRow,
    """
    SELECT m.epoch, s.label, count(*) FILTER (clean_ok AND crossed) AS found
    FROM margin AS m
    JOIN sample AS s ON s.split = 'train' AND s.idx = m.idx
    WHERE isfinite(m.margin)
    GROUP BY m.epoch, s.label
    ORDER BY m.epoch, s.label""",
)


class DensityRow(TypedDict):
    """A cell of the picture of a class's margins over the epochs."""

    label: int
    epoch: int
    low: float  # the cell is [low, low + width), 1/255
    width: float
    every: float  # every so many epochs there is one
    density: float  # share of the class's correct samples in the cell, for each 1/255


CLASS_DENSITY = Query(
    DensityRow,
    f"""
    WITH size AS (
        SELECT max(epoch) AS epochs, max(max) * 255 AS top
        FROM margin_summary
    ), cell AS (
        SELECT greatest(ceil(epochs / $epochs), 1) AS every,
            greatest(ceil((top + 1) / $bins), 1) AS width
        FROM size
    )
    SELECT s.label, m.epoch, CAST(width * floor({bin255()} / width) AS DOUBLE) AS low,
        width, every,
        count(*) / sum(count(*)) OVER (PARTITION BY s.label, m.epoch) / width AS density
    FROM margin AS m
    JOIN sample AS s ON s.split = 'train' AND s.idx = m.idx, cell
    WHERE clean_ok AND isfinite(m.margin) AND m.epoch % every = 0
    GROUP BY s.label, m.epoch, low, width, every
    ORDER BY s.label, m.epoch, low""",
)


class FlowRow(TypedDict):
    """A sample's margins after two epochs that drew it, both of which classify it correctly."""

    idx: int
    label: int
    source: int  # row in the image cache
    before: float
    after: float


FLOW = Query(
    FlowRow,
    """
    SELECT a.idx, s.label, s.source, a.margin AS before, b.margin AS after
    FROM margin AS a
    JOIN margin AS b ON b.idx = a.idx AND b.epoch = $end
    LEFT JOIN sample AS s ON s.split = 'train' AND s.idx = a.idx
    WHERE a.epoch = $start AND a.clean_ok AND b.clean_ok
        AND isfinite(a.margin) AND isfinite(b.margin)
    ORDER BY a.idx""",
)


class AtBoundaryRow(TypedDict):
    """A class's samples whose search met the boundary in an epoch that has a following one."""

    epoch: int
    label: int
    found: int
    repeated: int  # those that are at the boundary in more than one epoch
    held: int  # of the repeated: correct in the next epoch, whose search does not cross again
    surplus: float  # held less what is usual for these same samples, their own means over epochs


# Only a sample that met the boundary twice can be held against its own mean.
AT_BOUNDARY = Query(
    AtBoundaryRow,
    """
    WITH met AS (
        SELECT a.epoch, a.idx, s.label, (b.clean_ok AND NOT b.crossed)::INTEGER AS held
        FROM margin AS a
        JOIN margin AS b ON b.idx = a.idx AND b.epoch = a.epoch + 1
        JOIN sample AS s ON s.split = 'train' AND s.idx = a.idx
        WHERE a.clean_ok AND a.crossed
    ), own AS (
        SELECT *, avg(held) OVER (PARTITION BY idx) AS usual,
            count(*) OVER (PARTITION BY idx) > 1 AS twice
        FROM met
    )
    SELECT epoch, label, count(*) AS found,
        count(*) FILTER (twice) AS repeated,
        count(*) FILTER (twice AND held = 1) AS held,
        coalesce(sum(held - usual) FILTER (twice), 0) AS surplus
    FROM own
    GROUP BY epoch, label
    ORDER BY epoch, label""",
)


class CurveRow(TypedDict):
    """A sample's margins over the epochs that drew it, for a small picture."""

    idx: int
    curve: list[float]  # 1/255; 0 where it is misclassified and has no margin


CURVES = Query(
    CurveRow,
    """
    SELECT idx, list(
        CASE WHEN clean_ok THEN CAST(margin AS DOUBLE) * 255 ELSE 0 END
        ORDER BY epoch
    ) AS curve
    FROM margin
    WHERE list_contains($ids::INTEGER[], idx)
    GROUP BY idx""",
)


def class_hist(path: Path, epoch: int) -> pd.DataFrame:
    """One epoch's histogram of each class (ClassHistRow); empty bins are left out."""
    return frame(path, CLASS_HIST, epoch=epoch)


def class_summary(path: Path, epoch: int = 0) -> pd.DataFrame:
    """Each class in one epoch, or in all of them if epoch is 0 (ClassSummaryRow)."""
    return frame(path, CLASS_SUMMARY, epoch=epoch)


def class_found(path: Path) -> pd.DataFrame:
    """Images at the boundary by class and epoch (ClassFoundRow): as in class_summary, which takes
    several times as long."""
    return frame(path, CLASS_FOUND)


def class_density(path: Path) -> pd.DataFrame:
    """How each class's margins are spread, epoch by epoch (DensityRow).

    There are at most MOST_EPOCHS epochs and MOST_BINS bins.
    """
    return frame(path, CLASS_DENSITY, epochs=MOST_EPOCHS, bins=MOST_BINS)


def flow(path: Path, start: int, end: int) -> pd.DataFrame:
    """The margin of every sample after two epochs that both classify it correctly (FlowRow)."""
    return frame(path, FLOW, start=start, end=end)


def at_boundary(path: Path) -> pd.DataFrame:
    """Each class's samples at the boundary in every epoch but the last (AtBoundaryRow).

    There is no row where there are none. A search goes just as far in the next epoch under SMD, so
    a sample that does not cross again was pushed away.
    """
    return frame(path, AT_BOUNDARY)


def margin_curves(path: Path, ids: Sequence[int]) -> pd.DataFrame:
    """The margins of some samples over the epochs (CurveRow)."""
    return frame(path, CURVES, ids=list(ids))
