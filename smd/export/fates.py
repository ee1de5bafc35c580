"""What became of each image in a cell of an accuracy table, so that cells can be compared image by
image."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from smd.config.notes import SOUND
from smd.stats import Patients, Shares

Verdicts = Mapping[str, pd.DataFrame]  # run's name -> reader.image_verdicts
# of a cell (export.CELLS), beside attack and level, as in the store
WHAT = ("steps", "norm", "split", "n", "note")


def shares(verdicts: pd.DataFrame | None, cell: Mapping[str, Any]) -> Shares | None:
    """The share of attack seeds that each image of a cell withstood, by (images, source): which
    image it is.

    None where verdicts are missing, where it is not known which images they are of, or if they are
    not the cell's: an attack may have ended between reading one and the other. None also where the
    attack took over what its run's store knew, as another run's knows of other attacks.
    """
    if verdicts is None or SOUND in str(cell["note"]).split():
        return None
    same = (verdicts["name"] == cell["attack"]) & ((verdicts["eps"] - cell["eps"]).abs() < 1e-6)
    for name in WHAT:
        same &= verdicts[name].fillna(cell[name] if name == "steps" else "") == cell[name]
    rows = verdicts[same]
    if (
        rows.empty
        or rows["source"].isna().any()
        or abs(100 * rows["share"].mean() - cell["percent"]) > 1e-4
    ):
        return None
    return pd.Series(
        rows["share"].to_numpy(float), pd.MultiIndex.from_frame(rows[["images", "source"]])
    )


def patients(verdicts: Verdicts) -> Patients | None:
    """Whose each image is, by (images, source); None where no patient is known."""
    known = [
        table[["images", "source", "patient"]].dropna()
        for table in verdicts.values()
        if "patient" in table
    ]
    rows = pd.concat(known) if known else pd.DataFrame()
    if rows.empty:
        return None
    return rows.drop_duplicates(["images", "source"]).set_index(["images", "source"])["patient"]


def mean(parts: Sequence[Shares | None]) -> Shares | None:
    """The mean over levels or trainings, image by image; None where one is missing or of other
    images."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    table = pd.concat(known, axis=1)
    alike = len(table) == len(known[0]) and not table.isna().to_numpy().any()
    return table.mean(axis=1) if alike else None
