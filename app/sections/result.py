"""What came out of a run, in four figures: accuracy without noise and under attack, margins, the
weakest class. Each with n and its 95 % interval."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from smd import export
from smd.analysis import agreement
from smd.analysis.agreement import AttackSettings
from smd.core.kinds import FOUND, MISCLASSIFIED, REACHED
from smd.frames import records
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title, show_length

from .. import data
from ..components.layout import Figure
from ..components.plain import plain
from ..selection import sources
from ..selection.sources import Source

SPLIT = "test"
SAME = 1e-6  # levels that differ by less are the same


class Weakest(NamedTuple):
    """The class of the lowest accuracy under the attack, and what it is most often taken for."""

    name: str
    right: int
    n: int
    taken_for: str
    taken: int  # of its images, for that one


class Judged(NamedTuple):
    """Test images under the strongest attack on them, at the largest level that the run watched."""

    settings: AttackSettings
    eps: float  # unit of x
    clean: float  # accuracies in [0, 1] on the same n images; nan: not stored
    robust: float  # the mean over the attack's seeds
    seeds: int
    norm: str = "Linf"
    weakest: "Weakest | None" = None  # where none was fooled, or it was not asked for

    @property
    def attack(self) -> str:
        """With its settings."""
        return export.attack_title(self.settings.name, self.settings.note, self.settings.steps)

    @property
    def n(self) -> int:
        """Images."""
        return self.settings.n


def judged(store: Path, watched: tuple[float, ...], norm: str = "Linf") -> Judged | None:
    """What the store says; None before any attack on test images. watched: levels of the run, in
    its norm."""
    with reader.together(store):
        found = headline(reader.attack_table(store), watched, norm)
        if found is None:
            return None
        known = reader.predicted_classes(store, SPLIT, found.eps, norm)
        classes = reader.class_names(store)
    rows = agreement.of_settings(known.fillna({"steps": 0}), found.settings)
    return found._replace(weakest=_weakest(rows, classes))


def headline(
    accuracies: pd.DataFrame, watched: tuple[float, ...], norm: str = "Linf"
) -> Judged | None:
    """The same without the weakest class, by the accuracies alone (AccuracyRow)."""
    rows = [
        (_settings(row), float(row["eps"]), float(row["accuracy"]), int(row["seeds"]))
        for row in records(accuracies)
        if (row["split"], row["norm"]) == (SPLIT, norm)
    ]
    levels = sorted({eps for _, eps, *_ in rows if eps > 0})
    if not levels:
        return None
    eps = ([e for e in levels if any(abs(e - w) < SAME for w in watched)] or levels)[-1]
    here = {one: (share, n) for one, at, share, n in reversed(rows) if abs(at - eps) < SAME}
    known = [one for one in here if reader.AVERAGED not in one.note]
    if not known:
        return None
    best = agreement.by_strength(known)[0]
    clean = [share for one, at, share, _ in rows if one == best and abs(at) < SAME]
    return Judged(best, eps, clean[0] if clean else math.nan, *here[best], norm)


def _settings(row: dict[str, Any]) -> AttackSettings:
    note = row["note"] if isinstance(row["note"], str) else ""  # a store has no text as None or nan
    steps = 0 if pd.isna(row["steps"]) else int(row["steps"])
    return AttackSettings(str(row["name"]), steps, int(row["n"]), note)


def _weakest(rows: pd.DataFrame, classes: tuple[str, ...]) -> Weakest | None:
    """The weakest class; rows: PredictedClassRow."""
    wrong = rows[~rows["ok"] & (rows["pred"] != rows["label"])]
    if wrong.empty:
        return None
    shares = rows.groupby("label")["ok"].mean().sort_values(kind="stable")
    label = next(int(k) for k in shares.index.to_list() if k in set(wrong["label"]))
    own = rows[rows["label"] == label]
    counts = wrong.loc[wrong["label"] == label, "pred"].value_counts()
    names, other = dict(enumerate(classes)), int(counts.index.to_list()[0])
    name, taken = (names.get(k, f"class {k}") for k in (label, other))
    return Weakest(name, int(own["ok"].sum()), len(own), taken, int(counts.iloc[0]))


def of(run: Run) -> Judged | None:
    """What came out of a run; None before any attack on test images."""
    return data.value(judged, run.store, run.config.levels, run.config.norm)


def sure(share: float, n: int) -> str:
    """n and the 95 % interval of a share of n images."""
    return f"95 % interval {export.interval(share, n)}, n = {n:,}"


def figures(run: Run) -> list[Figure]:
    """All that is known; at most four."""
    found = of(run)
    shown = accuracies(found) if found else []
    margins = margin(run)
    shown += [margins] if margins else []
    if found and found.weakest:
        shown.append(weakest(found.weakest, level_title(found.eps, found.norm)))
    return shown


def accuracies(found: Judged) -> list[Figure]:
    """Without noise, and under the strongest attack, on the same images."""
    level = level_title(found.eps, found.norm)
    mean = f", mean of {found.seeds} seeds" if found.seeds > 1 else ""
    clean = Figure(
        "Clean accuracy",
        f"{100 * found.clean:.2f} %",
        f"{sure(found.clean, found.n)} test images",
        "Of the same images that the attack had, without noise.",
    )
    robust = Figure(
        f"Robust accuracy, ε = {level}",
        f"{100 * found.robust:.2f} %",
        f"{sure(found.robust, found.n)}; {plain(found.attack)}{mean}",
        "Under the strongest attack that was run, at the largest noise level that the run"
        " watched: an upper bound, as a stronger attack may fool more.",
    )
    return [clean, robust] if found.clean == found.clean else [robust]


def weakest(found: Weakest, level: str) -> Figure:
    """The class that fares worst under the attack at that level."""
    times = f"{found.taken} of {found.n - found.right} wrong ones"
    share = found.right / found.n
    return Figure(
        f"Weakest class, ε = {level}",
        f"{plain(found.name)}: {100 * share:.1f} %",
        f"{sure(share, found.n)}; taken for '{plain(found.taken_for)}': {times}",
        "The class of the lowest robust accuracy under the same attack: chosen as the lowest, it"
        " would look better on new images. With several seeds each image has to withstand all.",
    )


def margin(run: Run) -> Figure | None:
    """Margins by their kind: of test images where they were estimated, else those of training."""
    known = [
        s
        for s in sources.of(run)
        if s.norm == run.config.norm and s.weights == "last" and not s.certified and not s.picked
    ]
    chosen = next((s for s in known if s.estimate and s.split == SPLIT), None)
    chosen = chosen or next((s for s in known if not s.estimate), None)
    return _margin(chosen) if chosen else None


def _margin(source: Source) -> Figure:
    rows = (
        sources.results(source)
        if source.estimate
        else data.read(reader.margins, source.run.store, sources.last_epoch(source, 0))
    )
    parts = {kind: rows.loc[rows["kind"] == kind, "margin"] for kind in (FOUND, REACHED)}
    most = max(parts, key=lambda kind: len(parts[kind]))
    said = {kind: f"{len(part):,} {kind}" for kind, part in parts.items()}
    other = FOUND if most == REACHED else REACHED
    if len(parts[other]):
        said[other] += f" (median {show_length(float(parts[other].median()), source.norm)})"
    wrong = f"{int((rows['kind'] == MISCLASSIFIED).sum()):,} {MISCLASSIFIED}"
    value = (
        show_length(float(parts[most].median()), source.norm) if len(parts[most]) else export.EMPTY
    )
    value += f" {source.norm}" * (source.norm != "Linf")
    return Figure(
        f"Median of the {said[most]}",
        value,
        f"{said[FOUND]}, {said[REACHED]}, {wrong}; {len(rows):,} {source.split} images",
        f"{plain(source.title)}. Found: a boundary is there (to a thousandth) or nearer. Reached:"
        " the search met none so far, the number is no distance. The median is of the larger kind.",
    )
