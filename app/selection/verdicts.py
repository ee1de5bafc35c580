"""What an attack made of each image; outcomes: as from reader.outcomes. Pure."""

import numpy as np
import pandas as pd

from smd.analysis import agreement
from smd.analysis.agreement import AttackSettings

ROBUST, FOOLED, WRONG = "robust", "fooled", "misclassified clean"


def strongest(outcomes: pd.DataFrame) -> tuple[AttackSettings, pd.DataFrame]:
    """The strongest attack and its rows."""
    settings = agreement.settings_by_strength(outcomes)[0]
    return settings, agreement.of_settings(outcomes, settings)


def of_attack(
    outcomes: pd.DataFrame, name: str, steps: int | None = None, note: str | None = None
) -> pd.DataFrame:
    """The rows of an attack, whichever settings are None."""
    same = outcomes["name"] == name
    for column, value in (("steps", steps), ("note", note)):
        same &= True if value is None else outcomes[column] == value
    return outcomes[same]


def of_each_image(outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row an image: that of the attack which has seen the most images."""
    return outcomes.sort_values("n").drop_duplicates("idx", keep="last")


def words(outcomes: pd.DataFrame) -> "pd.Series[str]":
    """ROBUST, FOOLED or WRONG by idx."""
    wrong = outcomes["broken_by"] == "clean"
    said = np.where(outcomes["ok"], ROBUST, np.where(wrong, WRONG, FOOLED))
    return pd.Series(said, outcomes["idx"], dtype=str)
