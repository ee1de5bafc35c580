"""Which training images have adversarial examples kept of them when a training ends."""

from collections.abc import Sequence

import pandas as pd

from smd.core.kinds import FOUND, MISCLASSIFIED
from smd.data.batches import spread
from smd.runs.folders import Run
from smd.store import reader
from smd.training import monitor_size

FINAL_EXAMPLES = 256  # training images whose adversarial examples are kept


def last_margins(run: Run) -> pd.DataFrame:
    """The margins of the images that the last epoch of the store drew; no rows for a defense that
    keeps none."""
    return reader.margins(run.store, reader.last_epoch(run.store))


def worth_seeing(n: int, kept: pd.DataFrame, shape: Sequence[int]) -> tuple[int, ...]:
    """Training images whose adversarial examples are kept.

    Those nearest to the boundary, and some of all others.

    n: training images, of that shape; kept: reader.margins. A found boundary is nearer than one
    that a search has only not met, and what is misclassified has none.
    """
    count = min(monitor_size.attacked(shape, FINAL_EXAMPLES), -(-n // 4))
    anywhere = spread(n, count)
    if kept.empty:
        return tuple(anywhere.tolist())
    right = kept[kept["kind"] != MISCLASSIFIED].assign(searched=kept["kind"] != FOUND)
    nearest = right.sort_values(["searched", "margin", "idx"])["idx"].head(count // 2)
    return tuple(sorted({*nearest.astype(int).tolist(), *anywhere[::2].tolist()}))
