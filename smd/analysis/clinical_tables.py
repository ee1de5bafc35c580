"""Clinical numbers of a run as tables: sensitivity, specificity, predictive values, areas under the
ROC curve, calibration, each with n and its 95 % interval over patients.

Under attack an image counts as the attack leaves it. An attack may miss what is there: every number
under attack is at most what it says.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from smd.analysis import bootstrap, clinical
from smd.analysis.clinical_measures import ENDS, VALUES, measures, rates
from smd.analysis.clinical_sources import (
    SAME,
    Asked,
    Images,
    Level,
    Predicted,
    images_of,
    levels_of,
    predicted,
    scored,
    verdicts,
)
from smd.analysis.clinical_threshold import chosen
from smd.errors import UserError
from smd.program import PROGRAM
from smd.store import reader
from smd.units import level_title, show_level

MOST_CLASSES = 30  # of a confusion matrix
UNSAID = (
    "Where sensitivity and its like are missing, no attack has told its predictions at this"
    " threshold."
)
NO_PATIENTS = (
    "Nothing tells patients: intervals take each image for a patient of its own, and are too narrow"
    " where a patient has several."
)
NO_WIDTH = (
    f"An interval is left out where images are of fewer than {bootstrap.FEWEST_PATIENTS} patients,"
    " or too much alike to tell one."
)
NO_INTERVAL = (
    "The calibration error is too large on the mean, the more so the fewer images, and has no"
    " interval."
)
MOST_GROUPS = 50  # of a name, the largest
NUMBERS = (
    "noise level",
    "measure",
    "class",
    *VALUES,
    "n",
    "patients",
    "of the class",
    "out of",
    "from",
)
GROUPS = (
    "group",
    "value",
    "noise level",
    "measure",
    "number",
    *ENDS,
    "n",
    "patients",
    "too small",
    "from",
)


@dataclass(frozen=True, eq=False)
class Clinical:
    """The tables, and what must be said beside them."""

    numbers: pd.DataFrame  # columns NUMBERS, a row a level, measure and class ("": of all)
    groups: pd.DataFrame  # columns GROUPS, a row a group, level and measure; may be empty
    confusion: pd.DataFrame  # a row a level and class, columns "as CLASS": images; may be empty
    notes: tuple[str, ...]  # sentences


def clinical_tables(
    asked: Asked,
    levels: Sequence[float] = (),
    threshold: str | float | None = None,
    group: str | None = "",
) -> Clinical:
    """The clinical numbers of a run on a split, from stored scores and verdicts.

    levels: unit of x, 0 is clean; (): all that are known. threshold: of the probability of the
    second of two classes, in (0, 1), or "youden", which chooses it on the validation images; None:
    the likeliest class. group: its name; "": all names; None: no groups. Where an attack is named,
    its verdicts tell the predictions, unless a threshold asks for scores. Raises UserError where
    the store knows no number that is asked for.
    """
    images, rows = images_of(asked.store, asked.split), verdicts(asked)
    cut, said = chosen(asked, images, threshold)
    each = [_level(asked, e, rows, images, cut) for e in levels or levels_of(asked, rows)]
    known = [level for level in each if level.scored or level.predicted]
    if not known or (levels and len(known) < len(each)):
        missing = ", ".join(level.title for level in each if level not in known)
        raise UserError(
            f"Nothing is known of {asked.split} images"
            + (f" at {missing}" if missing else "")
            + f": `{PROGRAM} score {asked.run} --split {asked.split}{_named(asked)}` finds their"
            " scores."
        )
    grouped, left_out = ([], []) if group is None else _groups(asked, known, images, group)
    return Clinical(
        _table(_numbers(known, images), NUMBERS),
        _table(grouped, GROUPS),
        _confusion(known, images),
        (*said, *_notes(each, images, asked), *left_out),
    )


def _level(
    asked: Asked, eps: float, rows: pd.DataFrame, images: Images, cut: float | None
) -> Level:
    """Scores tell the prediction of clean images, and of two classes also the worst one; where an
    attack is named its verdicts do, as long as no threshold is."""
    scores, told = scored(asked, eps, images), None
    if scores and (len(images.classes) == 2 or eps < SAME):
        told = Predicted(scores.idx, _called(scores.log_odds, cut), scores.title)
    seen = predicted(rows, eps, images) if cut is None and (asked.attack or not told) else None
    found = seen or told
    title = level_title(eps, asked.norm) if eps >= SAME else "0"
    return Level(eps, title, scores, found)


def _called(log_odds: np.ndarray, cut: float | None) -> np.ndarray:
    """The predicted classes (n,): the likeliest, or the second where it reaches the cut."""
    if cut is None:
        return log_odds.argmax(1)
    return (log_odds[:, 1] >= cut).astype(np.int64)


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Rows as a table whose counts are whole numbers also where some are unknown."""
    counts = dict.fromkeys(("n", "patients", "of the class", "out of"), "Int64")
    table = pd.DataFrame(rows, columns=[*columns])
    return table.astype({name: kind for name, kind in counts.items() if name in columns})


def _numbers(levels: Sequence[Level], images: Images) -> list[dict[str, Any]]:
    together = zip(levels, rates(levels, images), strict=True)
    return [
        {"noise level": level.title, **row}
        for level, found in together
        for row in measures(level, images, found=found)
    ]


def _groups(
    asked: Asked, levels: Sequence[Level], images: Images, group: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """The numbers of all classes together within each group, and what was left out."""
    table = reader.sample_groups(asked.store, asked.split)
    if group and group not in set(table["name"]):
        names = ", ".join(sorted(set(table["name"])))
        known = f"they have {names}" if names else "nothing tells groups of these images"
        raise UserError(f"The {asked.split} images have no group {group}: {known}.")
    rows, notes = [], []
    for name, part in table.groupby("name"):
        if group and name != group:
            continue
        sizes = part.groupby("value")["idx"].nunique().sort_values(ascending=False, kind="stable")
        if len(sizes) > MOST_GROUPS:
            notes.append(f"Of {len(sizes)} groups by {name} the {MOST_GROUPS} largest are shown.")
        for value in sorted(sizes.index[:MOST_GROUPS]):
            at = part["idx"][part["value"] == value].to_numpy()
            for level in levels:
                rows += _group(str(name), str(value), level, images, at)
    return rows, notes


def _group(
    name: str, value: str, level: Level, images: Images, at: np.ndarray
) -> list[dict[str, Any]]:
    """A group's rows at a level; of one that is too small only its size is told."""
    about = {"group": name, "value": value, "noise level": level.title}
    rows = []
    for row in measures(level, images, at):
        if row.pop("class"):
            continue
        number = {"number": row.pop("value"), **{end: row[end] for end in ENDS}}
        if row["too small"]:
            number = dict.fromkeys(number, math.nan)
        rows.append({**row, **about, **number})
    return rows


def _confusion(levels: Sequence[Level], images: Images) -> pd.DataFrame:
    """How many images of each class were predicted as each, at every level with predictions."""
    classes = images.classes
    names = classes if len(set(classes)) == len(classes) else tuple(map(str, range(len(classes))))
    rows: list[dict[str, Any]] = []
    for level in levels if len(classes) <= MOST_CLASSES else ():
        if level.predicted is None:
            continue
        labels = images.labels.loc[level.predicted.idx].to_numpy()
        counts = clinical.confusion(labels, level.predicted.predicted, len(classes))
        for name, each in zip(names, counts, strict=True):
            called = {f"as {other}": int(n) for other, n in zip(names, each, strict=True)}
            rows.append(
                {"noise level": level.title, "class": name, **called, "from": level.predicted.title}
            )
    return pd.DataFrame(rows)


def _named(asked: Asked) -> str:
    """The norm for a command on the run, where it does not go without saying."""
    return "" if asked.norm == asked.own else f" --norm {asked.norm}"


def _notes(levels: Sequence[Level], images: Images, asked: Asked) -> list[str]:
    """What the numbers do not say."""
    notes = []
    if missing := [show_level(each.eps, asked.norm) for each in levels if each.scored is None]:
        notes.append(
            f"No scores are known at {', '.join(missing)}, so no AUC: `{PROGRAM} score {asked.run}"
            f" --split {asked.split} --eps {','.join(missing)}{_named(asked)}` finds them."
        )
    if any(each.predicted is None for each in levels):
        notes.append(UNSAID)
    if any(level.eps >= SAME for level in levels):
        notes.append("Under attack a number is at most what it says: an attack may miss the worst.")
    if images.patients is None:
        notes.append(NO_PATIENTS)
    elif images.unknown:
        notes.append(f"{images.unknown} images of unknown patients count as patients of their own.")
    notes.append(NO_WIDTH)
    if any(each.scored and each.eps < SAME for each in levels):
        notes.append(NO_INTERVAL)
    if len(images.classes) > MOST_CLASSES:
        notes.append(f"The confusion matrix is left out: it has over {MOST_CLASSES} classes.")
    return notes
