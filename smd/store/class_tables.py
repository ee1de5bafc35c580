"""Reading margins class by class and from one epoch to another.

Margins are in the unit of x, [0, 1]; samples are those of the training split. Quantiles, means and
densities are over correctly classified samples. Only found margins are at the boundary, and only
their noisy samples press on it (paper, Sec. 3.1).
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from smd.core.kinds import KIND, NO_BIN
from smd.store.run_tables import frame

MOST_EPOCHS, MOST_BINS = 30, 16  # cells of a density that a browser draws at once, for each class

# The shift keeps the floor: in FLOAT k/255 can fall just below k.
HIST = f"""
    SELECT s.label, {KIND} AS kind,
        CAST(CASE WHEN clean_ok THEN floor(CAST(m.margin AS DOUBLE) * 255 + 1e-4) ELSE {NO_BIN} END
            AS SMALLINT) AS bin,
        count(*) AS n
    FROM margin AS m JOIN sample AS s ON s.split = 'train' AND s.idx = m.idx
    WHERE m.epoch = ? AND isfinite(m.margin) GROUP BY ALL ORDER BY s.label, bin, kind"""

SUMMARY = """
    SELECT m.epoch, s.label, count(*) AS n, count(*) FILTER (NOT clean_ok) AS misclassified,
        count(*) FILTER (clean_ok AND crossed) AS found, count(*) FILTER (clean_ok AND NOT crossed)
            AS reached,
        quantile_cont(margin, 0.25) FILTER (clean_ok) AS q25, quantile_cont(margin, 0.5) FILTER
            (clean_ok) AS q50,
        quantile_cont(margin, 0.75) FILTER (clean_ok) AS q75, avg(margin) FILTER (clean_ok) AS mean
    FROM margin AS m JOIN sample AS s ON s.split = 'train' AND s.idx = m.idx
    WHERE isfinite(m.margin) AND ($epoch = 0 OR m.epoch = $epoch) GROUP BY m.epoch, s.label
    ORDER BY m.epoch, s.label"""

DENSITY = """
    WITH size AS (SELECT max(epoch) AS epochs, max(max) * 255 AS top FROM margin_summary),
    cell AS (
        SELECT greatest(ceil(epochs / $epochs), 1) AS every, greatest(ceil((top + 1) / $bins), 1)
            AS width FROM size)
    SELECT s.label, m.epoch, CAST(width * floor((CAST(margin AS DOUBLE) * 255 + 1e-4) / width) AS
        DOUBLE) AS low,
        width, every, count(*) / sum(count(*)) OVER (PARTITION BY s.label, m.epoch) / width AS
            density
    FROM margin AS m JOIN sample AS s ON s.split = 'train' AND s.idx = m.idx, cell
    WHERE clean_ok AND isfinite(m.margin) AND m.epoch % every = 0 GROUP BY s.label, m.epoch, low,
        width, every
    ORDER BY s.label, m.epoch, low"""

FLOW = """
    SELECT a.idx, s.label, s.source, a.margin AS before, b.margin AS after
    FROM margin AS a JOIN margin AS b ON b.idx = a.idx AND b.epoch = $to
    LEFT JOIN sample AS s ON s.split = 'train' AND s.idx = a.idx
    WHERE a.epoch = $from AND a.clean_ok AND b.clean_ok AND isfinite(a.margin) AND
        isfinite(b.margin) ORDER BY a.idx"""

# Who met the boundary in an epoch that has a following one, and whom the next search did not take
# across it again. Only who met it twice can be held against its own mean.
AT_BOUNDARY = """
    WITH met AS (
        SELECT a.epoch, a.idx, s.label, (b.clean_ok AND NOT b.crossed)::INTEGER AS held
        FROM margin AS a JOIN margin AS b ON b.idx = a.idx AND b.epoch = a.epoch + 1
        JOIN sample AS s ON s.split = 'train' AND s.idx = a.idx WHERE a.clean_ok AND a.crossed),
    own AS (
        SELECT *, avg(held) OVER (PARTITION BY idx) AS usual, count(*) OVER (PARTITION BY idx) > 1
            AS twice FROM met)
    SELECT epoch, label, count(*) AS found, count(*) FILTER (twice) AS repeated,
        count(*) FILTER (twice AND held = 1) AS held, coalesce(sum(held - usual) FILTER (twice), 0)
            AS surplus
    FROM own GROUP BY epoch, label ORDER BY epoch, label"""

CURVES = """
    SELECT idx, list(CASE WHEN clean_ok THEN CAST(margin AS DOUBLE) * 255 ELSE 0 END ORDER BY
        epoch) AS curve
    FROM margin WHERE list_contains($ids::INTEGER[], idx) GROUP BY idx"""


def class_hist(path: Path, epoch: int) -> pd.DataFrame:
    """One epoch's histogram of each class: label, kind, bin, n, as reader.margin_hist."""
    return frame(path, HIST, [epoch])


def class_summary(path: Path, epoch: int = 0) -> pd.DataFrame:
    """Each class in one epoch, or in all of them (0).

    Columns: epoch, label, n, misclassified, found, reached (images), q25, q50, q75, mean (of
    correct ones, else nan).
    """
    return frame(path, SUMMARY, {"epoch": epoch})


def class_density(path: Path) -> pd.DataFrame:
    """How each class's margins are spread, epoch by epoch.

    label, epoch, low, width (1/255), every, density.

    density is the share of the class's correct samples in [low, low + width) for each 1/255. There
    are at most 30 epochs, every so many, and 16 bins.
    """
    return frame(path, DENSITY, {"epochs": MOST_EPOCHS, "bins": MOST_BINS})


def flow(path: Path, start: int, end: int) -> pd.DataFrame:
    """The margin after two epochs of every sample that both classify correctly: idx, label, source,
    before, after."""
    return frame(path, FLOW, {"from": start, "to": end})


def at_boundary(path: Path) -> pd.DataFrame:
    """Each class's images at the boundary in every epoch but the last: no row where there are none.

    Columns: epoch, label, found; repeated: those that are at it in more than one epoch; held: those
    of the repeated ones that are correct and do not cross in the next epoch, whose search goes just
    as far under SMD; surplus: held less what is usual for the same images, their own means over all
    epochs in which they are at the boundary.
    """
    return frame(path, AT_BOUNDARY)


def margin_curves(path: Path, ids: Sequence[int]) -> pd.DataFrame:
    """The margins of some samples over the epochs, for small pictures.

    idx, curve (a list in 1/255).

    Where a sample is misclassified it has no margin, and the curve is 0.
    """
    return frame(path, CURVES, {"ids": list(ids)})
