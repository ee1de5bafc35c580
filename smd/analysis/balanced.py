"""Balanced accuracy in place of accuracy, in the cells of the accuracy tables."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from smd.analysis import bootstrap, clinical, clinical_sources
from smd.frames import groups

KEY = ["attack", "steps", "norm", "split", "n", "note", "eps"]  # of a cell within its run
LEVEL = 9  # decimals in which levels are compared

# how it is said of a table that this is what it holds, and of what its intervals are
MEASURE = "balanced accuracy"
BALANCED = "Balanced accuracy in %, the mean over the classes' accuracies; no test compares it."
INTERVAL = "In brackets the 95 % interval of a bootstrap over {}; none where they are too few."
WHOSE = ("images", "patients where they are known, else over images", "patients")

Facts = Mapping[str, Mapping[str, pd.DataFrame]]  # run -> split -> reader.sample_facts


def balanced_cells(
    cells: pd.DataFrame, verdicts: Mapping[str, pd.DataFrame], facts: Facts
) -> pd.DataFrame:
    """The cells (export.CELLS) with balanced accuracy in %, the mean over the classes' accuracies.

    verdicts: reader.image_verdicts by run. The interval is a percentile bootstrap over patients, or
    over images where no patient is known. Cells whose verdicts are unknown, as the paper's, have no
    number; spreads, which are of plain accuracy, have none.
    """
    known = {run: _of_run(table, facts.get(run, {})) for run, table in verdicts.items()}
    none = np.full(3, np.nan)
    found = [known.get(run, {}).get(key, none) for run, key in _keys(cells)]
    ends = np.reshape(found, (-1, 3)).T
    new = dict(zip(("percent", "low", "high"), ends, strict=True))
    return cells.assign(**new, spread=np.nan, training_spread=np.nan, average=np.nan)


def said(facts: Facts, intervals: bool) -> str:
    """What stands below such a table of runs, with or without intervals."""
    patients = [table["patient"] for splits in facts.values() for table in splits.values()]
    known = [whose.notna().all() for whose in patients if len(whose)]
    some = any(whose.notna().any() for whose in patients)
    over = INTERVAL.format(WHOSE[(some + all(known)) if some else 0])
    return " ".join([BALANCED, *[over] * intervals])


def _keys(cells: pd.DataFrame) -> list[tuple[str, tuple[object, ...]]]:
    """Of each cell its run and what else tells it."""
    rows = cells.assign(eps=cells["eps"].round(LEVEL))
    return list(zip(rows["run"], rows[KEY].itertuples(index=False, name=None), strict=True))


def _of_run(
    verdicts: pd.DataFrame, facts: Mapping[str, pd.DataFrame]
) -> dict[tuple[object, ...], np.ndarray]:
    """Balanced accuracy and the ends of its interval in %, (3,), of every cell of a run."""
    rows = verdicts.rename(columns={"name": "attack"})
    note = rows["note"].fillna("")
    rows = rows.assign(eps=rows["eps"].round(LEVEL), note=note, steps=rows["steps"].fillna(0))
    rows = rows.astype({"steps": np.int64})
    found = {}
    for key, part in groups(rows, KEY):
        about = facts.get(str(key[KEY.index("split")]))
        if about is not None and not about.empty:
            found[key] = _of_cell(part, about.set_index("idx"))
    return found


def _of_cell(verdicts: pd.DataFrame, facts: pd.DataFrame) -> np.ndarray:
    """Of one attack at one level, (3,) in %; nan where the label of an image is unknown."""
    own = facts.reindex(verdicts["idx"])
    if own["label"].isna().any() or (own["label"] < 0).any():
        return np.full(3, np.nan)
    codes = pd.factorize(own["label"])[0]
    statistic = clinical.balanced(codes, verdicts["share"].to_numpy(np.float64))
    patients = clinical_sources.patients_of(own["patient"])
    whose = None if patients is None else patients.to_numpy()
    found = 100 * bootstrap.measured(statistic, len(codes), whose)[0]
    each = clinical.patients_of_classes(codes, whose, int(codes.max()) + 1)
    if each.min() < bootstrap.FEWEST_PATIENTS:
        found[1:] = np.nan
    return found
