"""What the margin of an image says: the kinds of margins, told apart here and nowhere else.

While training there are three. An estimate may be a certificate, which no search is: its margin is
a lower bound, the boundary lies at that distance or farther. Beside them stands what an epoch that
draws classes equally often did not draw: it has no margin of that epoch, and no such kind.

A margin is a distance to the decision boundary only where a search has met the boundary. Where it
has not, the number says how far the search has come. A misclassified image has no margin; it counts
as 0, beyond no noise level.
"""

from typing import TYPE_CHECKING

import numpy as np

# the processes that answer one query each would spend most of their time on importing it
if TYPE_CHECKING:
    import pandas as pd

FOUND, REACHED, MISCLASSIFIED = "found", "reached", "misclassified"
KINDS = (FOUND, REACHED, MISCLASSIFIED)
NOT_DRAWN = "not drawn"
CERTIFIED = "certified"
EVERY = (FOUND, CERTIFIED, REACHED, MISCLASSIFIED)  # that a margin of any source may have
# What became of an image in the smoothed network, which has no margin of the network itself.
SMOOTHED = "certified (smoothed network)"
ABSTAINED = "abstained (smoothed network)"
WRONG = "wrong (smoothed network)"

# of a margin that was kept while training; an estimate has no next search, only one that ended
MEANING = {
    FOUND: (
        "the last search crossed the decision boundary, so there is one at that distance (to a"
        " thousandth) or nearer"
    ),
    REACHED: (
        "the last search met no boundary; the number says how far the next one may go, and is no"
        " distance"
    ),
    MISCLASSIFIED: "wrong without any noise, so there is no margin; beyond no noise level",
    CERTIFIED: (
        "proven: no adversarial example is nearer, so the boundary is at that distance or farther"
    ),
    NOT_DRAWN: "in no batch of the epoch, so nothing was measured; its margin stayed as it was",
}

NO_BIN = -1  # of misclassified images, in histograms of margins

ROUNDING = 1e-6  # how far float32 may carry the length of a noise from its level


def kinds(clean_ok: np.ndarray, crossed: np.ndarray, certifying: bool = False) -> np.ndarray:
    """The kind of each margin, (n,) of EVERY: is the clean image correct, was a boundary met?

    certifying: of an estimate that proves lower bounds.
    """
    return np.where(
        ~np.asarray(clean_ok, bool),
        MISCLASSIFIED,
        np.where(np.asarray(crossed, bool), FOUND, CERTIFIED if certifying else REACHED),
    )


def of_smoothing(right: np.ndarray, crossed: np.ndarray) -> np.ndarray:
    """What became of each image in the smoothed network, (n,): right and certified, or certified as
    another class (crossed), or neither."""
    other = np.where(np.asarray(crossed, bool), WRONG, ABSTAINED)
    return np.where(np.asarray(right, bool), SMOOTHED, other)


def beyond(rows: "pd.DataFrame", level: float) -> "pd.Series[bool]":
    """Which margins are larger than a noise level (unit of x); rows: margin (unit of x), kind.

    Compared in float32, as margins are: a boundary found at just 8/255 is not beyond 8/255. A
    search that was told to go as far as 8/255 and met none is.
    """
    within_reach = (rows["kind"] == FOUND) & (rows["margin"] > np.float32(level))
    proven = (rows["kind"] == CERTIFIED) & (rows["margin"] >= level)
    return (
        within_reach | proven | ((rows["kind"] == REACHED) & (rows["margin"] >= level - ROUNDING))
    )


def middle(rows: "pd.DataFrame") -> tuple[float, str]:
    """The median margin of the correctly classified images (unit of x), and what it is.

    FOUND: that of distances at which boundaries were found. REACHED: some searches met none and
    might have changed it, so that it is larger than this, or just this. CERTIFIED: of proven
    bounds. nan and MISCLASSIFIED where no image is correct. rows: margin, kind; of a search that
    met no boundary, the margin is how far it went.
    """
    right = rows[rows["kind"] != MISCLASSIFIED]
    if right.empty:
        return np.nan, MISCLASSIFIED
    median = float(right["margin"].median())
    if (right["kind"] == CERTIFIED).any():
        return median, CERTIFIED
    endless = right["margin"].where(right["kind"] == FOUND, np.inf)
    return median, FOUND if float(endless.median()) == median else REACHED


def undecided(rows: "pd.DataFrame", level: float) -> "pd.Series[bool]":
    """Which images say nothing about a level: their search met no boundary, but ended below it, or
    they are certified less far."""
    searched = (rows["kind"] == REACHED) & (rows["margin"] < level - ROUNDING)
    return searched | ((rows["kind"] == CERTIFIED) & (rows["margin"] < level))
