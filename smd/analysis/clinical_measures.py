"""Clinical numbers at one noise level, each with n and its 95 % interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from smd.analysis import bootstrap, clinical
from smd.analysis.clinical_sources import SAME, Images, Level, Predicted, Scored
from smd.export.percent import rounded

ENDS = ("95 % from", "95 % to")
VALUES = ("value", *ENDS)
UNDER = " under attack, at most"
ALL = -1  # in place of a class


def measures(
    level: Level, images: Images, at: np.ndarray | None = None, found: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """All measures at a level, of the sample ids `at` (None: all): a row a measure and class ("":
    of all), with its value, the ends of its interval, n, patients, images of the class, how many
    images it is a share of, where it is from, and whether some class has too few images. found:
    the rates of predictions, as of `rates`; None: they are found here."""
    rows: list[dict[str, Any]] = []
    if (seen := level.predicted) is not None:
        keep = slice(None) if at is None else np.isin(seen.idx, at)
        about, called = _about(images, seen, keep), seen.predicted[keep]
        (found,) = [found] if found is not None else _rates([called], about)
        rows += _of_predictions(level, called, about, found)
    if (scores := level.scored) is not None:
        keep = slice(None) if at is None else np.isin(scores.idx, at)
        rows += _of_scores(level, scores.log_odds[keep], _about(images, scores, keep))
    return rows


@dataclass(frozen=True, eq=False)
class _About:
    """Whom numbers are of."""

    labels: np.ndarray  # (n,)
    patients: np.ndarray | None  # (n,)
    classes: tuple[str, ...]
    title: str


def _about(images: Images, known: Scored | Predicted, keep: Any) -> _About:
    idx = known.idx[keep]
    patients = None if images.patients is None else images.patients.loc[idx].to_numpy()
    return _About(images.labels.loc[idx].to_numpy(), patients, images.classes, known.title)


def _under(level: Level) -> str:
    return UNDER if level.eps >= SAME else ""


def rates(levels: Sequence[Level], images: Images) -> list[np.ndarray | None]:
    """The rates of the predictions at each level with the ends of their intervals, (m, 3); levels
    of the same images share their resamples, which take most of the time. None without any."""
    found: dict[int, np.ndarray] = {}
    alike: dict[bytes, list[int]] = {}
    for number, level in enumerate(levels):
        if level.predicted is not None:
            alike.setdefault(level.predicted.idx.tobytes(), []).append(number)
    for numbers in alike.values():
        seen = [known for k in numbers if (known := levels[k].predicted) is not None]
        about = _about(images, seen[0], slice(None))
        each = _rates([known.predicted for known in seen], about)
        found |= dict(zip(numbers, each, strict=True))
    return [found.get(number) for number in range(len(levels))]


def _rates(called: Sequence[np.ndarray], about: _About) -> list[np.ndarray]:
    """Those of several predictions (n,) of the same images."""
    classes = len(about.classes)
    of_counts = clinical.rates_of(np.bincount(about.labels, minlength=classes) > 0)
    cells = [about.labels * classes + own for own in called]
    return bootstrap.measured_by_cell(of_counts, cells, classes**2, about.patients)


def _of_predictions(
    level: Level, called: np.ndarray, about: _About, found: np.ndarray
) -> list[dict[str, Any]]:
    """Rates of each class, then both accuracies: called (n,); found: as of `rates`."""
    under, classes = _under(level), range(len(about.classes))
    titles = [(f"{rate}{under} (%)", k) for rate in clinical.RATES for k in classes]
    titles += [(f"balanced accuracy{under} (%)", ALL), (f"accuracy{under} (%)", ALL)]
    whole = len(called)
    own, said = (np.bincount(of, minlength=len(classes)) for of in (about.labels, called))
    counts = np.concatenate([own, whole - own, said, whole - said, [whole, whole]])
    return _told(found, titles, 100, about, counts)


def _of_scores(level: Level, log_odds: np.ndarray, about: _About) -> list[dict[str, Any]]:
    """Areas under the ROC curve, and of clean images the calibration error: log_odds (n, K)."""
    under = _under(level)
    if len(about.classes) == 2:
        area = clinical.auc(about.labels == 1, log_odds[:, 1])
        rows = _valued(area, [(f"AUC{under}", ALL)], 1, about)
    else:
        titles = [(f"AUC{under}", k) for k in range(len(about.classes))]
        titles += [(f"AUC, mean over classes{under}", ALL)]
        rows = _valued(clinical.macro_auc(about.labels, log_odds), titles, 1, about)
    if under:  # worst scores of several classes are of several images: no probabilities
        return rows
    error = clinical.ece(clinical.probabilities(log_odds), about.labels)
    (row,) = _valued(error, [("calibration error, ECE (%)", ALL)], 100, about)
    return [*rows, {**row, **dict.fromkeys(ENDS, math.nan)}]  # see clinical.ece


def _valued(
    statistic: bootstrap.Statistic,
    titles: Sequence[tuple[str, int]],
    scale: int,
    about: _About,
) -> list[dict[str, Any]]:
    """What a statistic gives, as `_told` has it."""
    found = bootstrap.measured(statistic, len(about.labels), about.patients)
    return _told(found, titles, scale, about, np.full(len(titles), len(about.labels)))


def _told(
    found: np.ndarray,
    titles: Sequence[tuple[str, int]],
    scale: int,
    about: _About,
    counts: np.ndarray,
) -> list[dict[str, Any]]:
    """A row a measure and class (ALL: of all); found: (m, 3); scale: 100 of shares in %; counts:
    images that each is a share of."""
    found = found * scale
    found[_few(titles, about), 1:] = math.nan
    small = clinical.too_small(about.labels, len(about.classes))
    own = np.bincount(about.labels, minlength=len(about.classes))
    return [
        {
            "measure": measure,
            "class": "" if k == ALL else about.classes[k],
            **{name: _shown(v, scale) for name, v in zip(VALUES, values, strict=True)},
            "n": len(about.labels),
            "patients": None if about.patients is None else len(set(about.patients)),
            "of the class": None if k == ALL else int(own[k]),
            "out of": int(of),
            "from": about.title,
            "too small": small,
        }
        for (measure, k), values, of in zip(titles, found, counts, strict=True)
    ]


def _few(titles: Sequence[tuple[str, int]], about: _About) -> np.ndarray:
    """Of which measures the classes that they hang on have images of too few patients for an
    interval: (m,) bool."""
    each = clinical.patients_of_classes(about.labels, about.patients, len(about.classes))
    least = each[each > 0].min(initial=bootstrap.FEWEST_PATIENTS)
    few = []
    for measure, k in titles:
        own = measure.startswith(("sensitivity", "AUC")) and k != ALL
        whole = measure.startswith(("balanced", "AUC")) and k == ALL
        count = each[k] if own else least if whole else bootstrap.FEWEST_PATIENTS
        few.append(bool(count < bootstrap.FEWEST_PATIENTS))
    return np.array(few)


def _shown(value: float, scale: int) -> float:
    return rounded(float(value)) if scale == 100 else round(float(value), 4)
