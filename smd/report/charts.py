"""The report's charts: accuracy over the epochs and against the noise level, margins as bars."""

import numpy as np
import pandas as pd

from smd.core.kinds import FOUND, MISCLASSIFIED, REACHED
from smd.export.titles import attack_title
from smd.frames import groups, tuples
from smd.report import axes
from smd.report.axes import Frame, chart, key, line
from smd.report.markup import Markup, cut, element
from smd.units import bin255, level_title, show_level

COLOURS = 6  # classes c0 to c5 of the style
SHIFT = 3.0  # pixels by which intervals at the same level stand apart
MOST_BARS = 60
KIND_CLASS = {FOUND: "found", REACHED: "reached", MISCLASSIFIED: "wrong"}


def colour(number: int) -> str:
    """The class of the n-th series."""
    return f"c{number % COLOURS}"


def accuracy_curves(validation: pd.DataFrame, clean: int, noisy: int, norm: str = "Linf") -> Markup:
    """Accuracy on validation images (ValidationRow) over the epochs, a line a noise level.

    clean, noisy: how many images were looked at without noise and under attack.
    """
    last = int(validation["epoch"].max())
    frame = Frame(0.0, float(max(last, 2)), 100.0)
    drawn, legend = [], []
    for number, ((eps,), part) in enumerate(groups(validation, ["eps"])):
        points = [(frame.x(row.epoch), frame.y(100 * row.value)) for row in tuples(part)]
        drawn += _curve(points, colour(number))
        legend.append(key(colour(number), level_title(eps, norm) if eps else "clean"))
    at = [value for value in axes.ticks(0, frame.x1) if value == int(value)]
    frame_drawn = axes.axes(frame, "epoch", "accuracy (%)", at)
    return chart(
        [frame_drawn, *drawn],
        f"Accuracy on validation images after each of {last} epochs, by noise level.",
        f"Accuracy while training: without noise on {clean:,} validation images, under a short"
        f" PGD at each noise level on {noisy:,} of them. It watches the training; the accuracies to"
        " quote are those of the next section.",
        legend,
    )


def _curve(points: list[tuple[float, float]], class_: str) -> list[Markup]:
    """A line, or a dot where there is one point."""
    if len(points) == 1:
        return [element("circle", cx=points[0][0], cy=points[0][1], r=3.0, class_=f"dot {class_}")]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return [element("path", d=path, class_=f"curve {class_}")]


def accuracy_levels(accuracies: pd.DataFrame) -> Markup:
    """Accuracy (AccuracyRow, of one norm) against the noise level with intervals, a colour an
    attack."""
    norm = str(accuracies["norm"].iloc[0])
    unit = 255.0 if norm == "Linf" else 1.0
    most = max(unit * float(accuracies["eps"].max()), 1e-6)
    frame = Frame(0.0, 1.06 * most, 100.0)
    drawn, legend = [], []
    settings = ["name", "steps", "note", "n"]
    filled = accuracies.assign(
        note=accuracies["note"].fillna(""), steps=accuracies["steps"].fillna(0).astype(int)
    )
    for number, ((name, steps, note, n), part) in enumerate(groups(filled, settings, sort=False)):
        drawn += _intervals(frame, part, unit, number)
        legend.append(
            key(colour(number), cut(f"{attack_title(name, note, steps)} (n = {n:,})", 90))
        )
    title = "noise level ε (1/255)" if norm == "Linf" else "noise level ε (L2 length)"
    frame_drawn = axes.axes(frame, title, "accuracy (%)", axes.ticks(0, most))
    return chart(
        [frame_drawn, *drawn],
        "Accuracy against the noise level, a colour an attack, with 95 % intervals.",
        "Accuracy against the noise level; bars are 95 % intervals for n images.",
        legend,
    )


def _intervals(frame: Frame, part: pd.DataFrame, unit: float, number: int) -> list[Markup]:
    drawn, points = [], []
    for row in tuples(part.sort_values("eps")):
        x = frame.x(unit * row.eps) + SHIFT * number
        points.append((x, frame.y(100 * row.accuracy)))
        drawn.append(
            line(x, frame.y(100 * row.lo), x, frame.y(100 * row.hi), f"whisker {colour(number)}")
        )
    dots = [element("circle", cx=x, cy=y, r=3.2, class_=f"dot {colour(number)}") for x, y in points]
    return [*_curve(points, f"{colour(number)} thin")[: len(points) > 1], *drawn, *dots]


def margin_bars(result: pd.DataFrame, levels: tuple[float, ...]) -> Markup:
    """Estimated L∞ margins (EstimateResultRow) in 1/255, stacked by kind, with rules at levels."""
    right = result[(result["kind"] != MISCLASSIFIED) & np.isfinite(result["margin"])]
    bins = bin255(right["margin"]).astype(int)
    last = int(max(bins.max(initial=0) + 1, *(round(255 * level) + 1 for level in levels), 4))
    wide = max(1, -(-last // MOST_BARS))  # units of 1/255 a bar
    counts = {
        kind: np.bincount(bins[right["kind"] == kind] // wide, minlength=-(-last // wide))
        for kind in (FOUND, REACHED)
    }
    wrong = int((result["kind"] == MISCLASSIFIED).sum())
    tallest = float(max((counts[FOUND] + counts[REACHED]).max(), wrong, 1))
    frame = Frame(-2.0 * wide, float(-(-last // wide) * wide), tallest * 1.12)
    bars = _bars(frame, counts, wide) + _bar(
        frame, -1.7 * wide, 1.0 * wide, 0, wrong, MISCLASSIFIED
    )
    at = [value for value in axes.ticks(0, frame.x1) if value == int(value)]
    drawn = axes.axes(frame, "margin (1/255)", "images", at)
    each = f"{wide}/255" if wide > 1 else "1/255"
    return chart(
        [drawn, *bars, *_rules(frame, levels)],
        f"Histogram of the margins of {len(result):,} images in 1/255, by kind.",
        f"Estimated margins, a bar for {each}; left of 0 the misclassified images, which have"
        f" none. Dashed lines: noise levels {', '.join(show_level(level) for level in levels)}.",
        [key(KIND_CLASS[kind], kind) for kind in (FOUND, REACHED, MISCLASSIFIED)],
    )


def _bars(frame: Frame, counts: dict[str, np.ndarray], wide: int) -> list[Markup]:
    bars = []
    for k, (found, reached) in enumerate(zip(counts[FOUND], counts[REACHED], strict=True)):
        bars += _bar(frame, float(k * wide), float(wide), 0, int(found), FOUND)
        bars += _bar(frame, float(k * wide), float(wide), int(found), int(reached), REACHED)
    return bars


def _bar(frame: Frame, x: float, width: float, below: int, n: int, kind: str) -> list[Markup]:
    """One bar on top of `below` others; none where it has no height."""
    if not n:
        return []
    left, right = frame.x(x) + 0.5, frame.x(x + width) - 0.5
    top, bottom = frame.y(below + n), frame.y(below)
    box = {"x": left, "y": top, "width": max(right - left, 0.5), "height": bottom - top}
    return [element("rect", **box, class_=KIND_CLASS[kind])]


def _rules(frame: Frame, levels: tuple[float, ...]) -> list[Markup]:
    drawn = []
    for level in levels:
        x = frame.x(255 * level)
        drawn.append(line(x, frame.y(0), x, frame.y(frame.y1), "rule"))
        drawn.append(axes.text(x + 3, axes.TOP + 8, f"{round(255 * level, 2):g}", "start"))
    return drawn
