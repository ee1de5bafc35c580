"""The plan of the estimate that ends a training: how many test images, how thoroughly.

A minimum-norm attack may take as long as the training itself, so it is planned from a short timing:
as many test images as are asked for, or as fit into a fifth of the seconds that the training's
steps took. A shorter search finds farther boundaries, but what it finds is an upper bound of the
distance all the same.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from smd.config.types import count, number, text
from smd.errors import UserError
from smd.files import durable, foreign
from smd.program import PROGRAM

JOB = "final-margins"  # its estimate is stored under this job
FILE = "final-margins.json"  # in the run's folder: the plan, which a resumed job keeps to
SHARE = 0.2  # of the training's seconds
SAFETY = 0.8  # of that are planned, as a busy machine is slower than its timing
SHORTEST = 0.2  # seconds; less is not worth a timing
FEWEST = 10  # images; fewer say nothing of a split
LARGEST = 128  # images a batch
LADDER: tuple[Mapping[str, int], ...] = (  # the method's settings, the most thorough first
    {"steps": 100, "targets": 9},
    {"steps": 50, "targets": 9},
    {"steps": 50, "targets": 3},
    {"steps": 20, "targets": 3},
    {"steps": 20, "targets": 0},
)


@dataclass(frozen=True)
class Pace:
    """Seconds of one step of the method on a batch of that many images."""

    images: int
    untargeted: float  # towards any class
    targeted: float  # towards one class


@dataclass(frozen=True)
class Plan:
    """n images with these settings; or n = 0 and the reason in a sentence."""

    n: int = 0
    batch: int = 0  # images a batch
    settings: Mapping[str, int] = field(default_factory=dict)
    predicted: float = 0.0  # seconds
    reason: str = ""  # why nothing is done; "" if n images are


def budget(training: float) -> float:
    """Seconds that the estimate may take after a training of so many seconds."""
    return SHARE * training


def affordable(paces: tuple[Pace, ...], seconds: float, most: int, classes: int) -> Plan:
    """The plan of the most images that fit into `seconds`, with the most thorough such settings.

    paces: of one or two batch sizes, the smaller first; most: also no more than the split has.
    """
    best = Plan()
    for settings in LADDER:
        fitting = [
            n
            for n in range(min(FEWEST, most), most + 1)
            if _seconds(paces, n, settings, classes) <= seconds
        ]
        if fitting and fitting[-1] > best.n:
            n = fitting[-1]
            best = Plan(n, _size(n), settings, _seconds(paces, n, settings, classes))
    return best


def _size(n: int) -> int:
    """Images a batch: as few batches as LARGEST allows, all alike."""
    return -(-n // -(-n // LARGEST))


def _seconds(paces: tuple[Pace, ...], n: int, settings: Mapping[str, int], classes: int) -> float:
    size, targets = _size(n), min(settings["targets"], classes - 1)
    step = _at(paces, "untargeted", size) + targets * _at(paces, "targeted", size)
    return settings["steps"] * step * -(-n // size)


def _at(paces: tuple[Pace, ...], name: str, size: int) -> float:
    """Seconds of a step at a batch size, on a line through the paces, never below the first."""
    few, many = paces[0], paces[-1]
    low, high = getattr(few, name), getattr(many, name)
    if many.images == few.images:
        return float(low * max(1.0, size / few.images))
    slope = max(0.0, (high - low) / (many.images - few.images))
    return float(max(low, high + slope * (size - many.images)))


def too_short(training: float, run: str, most: int) -> str:
    """The sentence for a training that leaves no time for an estimate, with a command for one."""
    return (
        f"No margins of test images were estimated: a fifth of the {training:.1f} s of training is"
        f" too short for {FEWEST} images. {PROGRAM} estimate {run} --split test --n {most} takes"
        " the time it needs."
    )


def told(settings: Mapping[str, int]) -> str:
    """The settings in words."""
    towards = (
        f"and towards each of the {settings['targets']} likeliest other ones"
        if settings["targets"]
        else ""
    )
    return f"up to {settings['steps']} steps towards any class {towards}".rstrip()


def write(folder: Path, plan: Plan) -> None:
    """Keep the plan in the run's folder."""
    durable.write(folder / FILE, json.dumps(asdict(plan)))


def read(folder: Path) -> Plan | None:
    """The plan of a run; None if there is none, as in earlier versions, or if it is broken."""
    try:
        return _parse(foreign.json_object(folder / FILE, foreign.MEGABYTE))
    except (OSError, UserError, ValueError, TypeError):
        return None


def _parse(values: Mapping[str, Any]) -> Plan:
    plan = Plan(**values)
    settings = plan.settings if isinstance(plan.settings, dict) else {"": -1}
    counts = (plan.n, plan.batch, *settings.values())
    if not all(map(count, counts)) or not number(plan.predicted) or not text(plan.reason):
        raise ValueError("no plan")
    if plan.n and not (plan.batch and {"steps", "targets"} <= settings.keys()):
        raise ValueError("no plan")
    return plan
