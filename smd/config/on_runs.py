"""What jobs on a trained run are asked to do: attack it, estimate margins, find worst scores, embed
its features."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from smd import registry
from smd.config.options import RUNS_NORM, Value, option, own
from smd.config.types import number

PREVIEW_IMAGES = 500
PREVIEW_STEPS = 20
SPLITS = ("train", "val", "test")
NEGATIVE = "The number of images and their ids cannot be negative."
SPLIT = {"title": "Images of", "choices": SPLITS, "always": True}
DEVICE = "auto, cpu, cuda, cuda:1, mps, ray, slurm (auto: any free one)"
DEVICES = "several: all, a count such as 4 (CPU: processes, Ray: nodes), GPUs such as 0,1 (one)"
WEIGHTS = {"title": "Weights", "choices": ("last", "ema"), "in_form": False}
WHICH_WEIGHTS = "of a run with --average ema: its last or its averaged weights ({default})"
IDS = "these images instead: sample ids like 3,17, or the name of a set of the run's images"
SPREAD = "so many images, spread over the split (0: all)"


@dataclass(frozen=True)
class AttackConfig:
    """One attack on a trained run's images."""

    run: str
    attack: str = option(
        "ce-pgd",
        "{names}, with options like ce-pgd:steps=20 (ce-pgd)",
        title="Attack",
        table=registry.ATTACKS,
        knobs=True,
        always=True,
    )
    params: Mapping[str, Value] = field(default_factory=dict)
    norm: str = option("Linf", "how noise is measured (as in the run's training)", **RUNS_NORM)
    # in the unit of x; (): the data set's own in that norm
    levels: tuple[float, ...] = option(
        (),
        "noise levels like 2/255,8/255 or 0.031 (the data set's own)",
        flag="--eps",
        title="Noise levels",
        level=True,
    )
    split: str = option("test", "which images ({default})", **SPLIT)
    n: int = option(0, SPREAD, title="Images", minimum=0, below=NEGATIVE, always=True, unless="ids")
    # these images instead
    ids: tuple[int, ...] = option((), IDS, minimum=0, below=NEGATIVE)
    named: str = ""  # the set of the run's images that these ids were, when it was asked for
    # (): as many as the paper takes the mean over
    seeds: tuple[int, ...] = option(
        (),
        "seeds like 0,1,2; the table shows their mean (as the paper has them)",
        title="Seeds",
        minimum=0,
        below="Seeds cannot be negative.",
        always=True,
    )
    batch: int = option(
        0,
        "images a batch; random attacks draw by seed and batch size (0: found, the quickest that"
        " fits)",
        minimum=0,
        below='"Batch size" is {value}: it must be at least 1, or 0 to have it found.',
        seldom=True,
    )
    device: str = option("auto", DEVICE, always=True)
    devices: str = option("", DEVICES, title="Devices", in_form=False)
    # broken ones, or any if their ids were given
    keep: int = option(
        256,
        "adversarial images kept of a level ({default})",
        title="Images kept",
        minimum=0,
        seldom=True,
    )
    weights: str = option("last", WHICH_WEIGHTS, **WEIGHTS)
    sound: bool = option(
        False,
        "take over what is known: an image that any attack broke in a smaller ball is broken, a"
        " certified one is robust (each level and seed by itself, as in the paper)",
        title="Take over what is known",
        seldom=True,
    )

    def __post_init__(self) -> None:
        entry = registry.ATTACKS.get(self.attack)
        if entry:  # so that the file says it all
            seeds = tuple(dict.fromkeys(self.seeds)) or entry.seeds  # each once
            object.__setattr__(self, "seeds", seeds)
            object.__setattr__(self, "params", own(self.params, entry.params))
        object.__setattr__(self, "ids", tuple(dict.fromkeys(self.ids)))


@dataclass(frozen=True)
class EstimateConfig:
    """One estimate of the margins of a trained run's images, or one for each noise level."""

    run: str
    method: str = option(
        "min-norm",
        "{names}, with options like gem:rounds=20 (min-norm)",
        title="Method",
        table=registry.ESTIMATORS,
        knobs=True,
        always=True,
    )
    params: Mapping[str, Value] = field(default_factory=dict)
    # how far a method like pgd looks, unit of x; for Linf filled in with its own
    levels: tuple[float, ...] = option(
        (),
        "how far pgd looks, like 8/255,16/255; one estimate each (8/255; in L2 the data set's own)",
        flag="--eps",
        title="Noise levels",
        level=True,
    )
    norm: str = option(
        "Linf", "what a margin is measured in (as in the run's training)", **RUNS_NORM
    )
    split: str = option("test", "which images ({default})", **SPLIT)
    n: int = option(0, SPREAD, title="Images", minimum=0, below=NEGATIVE, always=True, unless="ids")
    # these images instead
    ids: tuple[int, ...] = option((), IDS, minimum=0, below=NEGATIVE)
    named: str = ""  # the set of the run's images that these ids were, when it was asked for
    seed: int = option(
        0,
        "of the random starts of min-norm:restarts=2 and more, and of smoothing (0)",
        title="Seed",
        minimum=0,
        always=True,
    )
    # small: a method takes thousands of passes over one before it can say how far it is, or stop
    batch: int = option(
        64, "images a batch ({default})", title="Batch size", minimum=1, seldom=True
    )
    device: str = option("auto", DEVICE, always=True)
    devices: str = option("", DEVICES, title="Devices", in_form=False)
    weights: str = option("last", WHICH_WEIGHTS, **WEIGHTS)

    def __post_init__(self) -> None:
        far = registry.range_of(self.method)
        if far:  # a level is written in one place only
            named = {k: v for k, v in self.params.items() if k == far.name and number(v)}
            given = {*self.levels, *map(float, named.values())}
            own = {float(far.default)} if self.norm == "Linf" else set()
            object.__setattr__(self, "levels", tuple(sorted(given or own)))
            object.__setattr__(
                self, "params", {k: v for k, v in self.params.items() if k not in named}
            )


@dataclass(frozen=True)
class ScoreConfig:
    """One search for the worst scores of a trained run's images, at several noise levels."""

    run: str
    norm: str = option("Linf", "how noise is measured (as in the run's training)", **RUNS_NORM)
    # in the unit of x, 0 is clean and always done; (): the data set's own in that norm
    levels: tuple[float, ...] = option(
        (),
        "noise levels like 8/255; 0: the clean images alone, which are always scored (those that"
        " the run watched)",
        flag="--eps",
        title="Noise levels",
        level=True,
        clean=True,
    )
    split: str = option("test", "which images ({default})", **SPLIT)
    n: int = option(0, SPREAD, title="Images", minimum=0, always=True)
    steps: int = option(
        50, "of each search ({default})", title="Steps", minimum=1, maximum=10_000, always=True
    )
    seed: int = option(0, "of the random starts (0)", title="Seed", minimum=0, always=True)
    batch: int = option(
        128, "images a batch ({default})", title="Batch size", minimum=1, seldom=True
    )
    device: str = option("auto", DEVICE, always=True)
    devices: str = option("", DEVICES, title="Devices", in_form=False)
    weights: str = option("last", WHICH_WEIGHTS, **WEIGHTS)


def score_passes(classes: int, steps: int) -> int:
    """Passes forward and backward that a search for worst scores takes of one image at one noise
    level: two searches a class, each of its steps and its start; of two classes one pair serves
    both."""
    return 2 * (steps + 1) * (1 if classes == 2 else classes)


@dataclass(frozen=True)
class EmbeddingConfig:
    """One embedding of a trained run's images: their features on a plane, and those of adversarial
    examples of some."""

    run: str
    split: str = option("test", "which images ({default})", **SPLIT)
    # at most all of them; 0: all
    n: int = option(
        2000, "so many images, spread evenly ({default}; 0: all)", title="Images", always=True
    )
    pairs: int = option(
        500,
        "so many with their adversarial example ({default})",
        title="Adversarial examples",
        minimum=0,
    )
    # unit of x; 0: the largest that the run watches
    level: float = option(
        0.0,
        "the adversarial examples' noise level, like 8/255 (the largest that the run watches)",
        flag="--eps",
        level=True,
    )
    seed: int = option(0, "of the layout (0)", title="Seed", minimum=0, always=True)
    batch: int = option(
        256, "images a batch ({default})", title="Batch size", minimum=1, seldom=True
    )
    device: str = option("auto", DEVICE, always=True)
    devices: str = option("", DEVICES, title="Devices", in_form=False)
    weights: str = option("last", WHICH_WEIGHTS, **WEIGHTS)


def preview(config: AttackConfig, available: int) -> AttackConfig:
    """The same question answered within seconds: a short CE-PGD on at most 500 of the available
    images."""
    n = min(config.n or PREVIEW_IMAGES, PREVIEW_IMAGES, available or PREVIEW_IMAGES)
    return dataclasses.replace(
        config, attack="ce-pgd", params={"steps": PREVIEW_STEPS}, n=n, seeds=(0,)
    )
