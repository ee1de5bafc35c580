"""Words in the note of a stored attack that say what its verdicts cannot be held against."""

import pandas as pd

SOUND = "sound=yes"  # it took over what the store knew, and each store knows of other attacks
AVERAGED = "weights=ema"  # it was on averaged weights: another network


def noted(notes: "pd.Series[str]", *words: str) -> "pd.Series[bool]":
    """Of each note, whether it has one of these words; no note has none."""
    told = notes.fillna("")  # of many images, but few different ones
    return told.isin([one for one in told.unique() if not set(words).isdisjoint(str(one).split())])
