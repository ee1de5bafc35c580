"""What a job hands to the recorder: an epoch, an attack, an estimate, scores, an embedding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class EpochRecord:
    """What is kept of one epoch. The arrays must not change afterwards."""

    epoch: int  # counted from 1
    # split, name, eps (0 where it means nothing), value
    metrics: Sequence[tuple[str, str, float, float]]
    margins: np.ndarray | None = None  # (n,) float32, unit of x; None for a defense without margins
    clean_ok: np.ndarray | None = None  # (n,) bool, stored along with margins only
    adv_ok: np.ndarray | None = None  # (n,) bool, stored along with margins only
    # (n,) bool, the margin's search met the boundary; along with margins only
    crossed: np.ndarray | None = None
    # name -> (n,) what else is kept of each sample
    states: Mapping[str, np.ndarray] = field(default_factory=dict)
    # (n,) ids of the samples that the epoch drew, which have a row each; None: 0 to n - 1
    idx: np.ndarray | None = None


@dataclass(frozen=True)
class AttackRecord:
    """One attack at one noise level and seed; eps = 0 are the clean images."""

    id: str
    name: str  # as in smd.registry.ATTACKS
    eps: float
    norm: str
    steps: int
    seed: int
    split: str
    n: int  # images attacked
    package: str
    version: str
    seconds: float
    note: str  # what a reader of the table must know, "" if nothing
    job: str
    created: float  # Unix seconds
    # images chosen by hand: they say nothing about the split, so no table counts them
    picked: bool = False


@dataclass(frozen=True)
class StageRecord:
    """One stage of an attack, on the samples that withstood those before."""

    name: str
    attacked: int
    broken: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What an attack did to every sample."""

    idx: np.ndarray  # (n,) sample ids
    ok: np.ndarray  # (n,) bool, still classified correctly
    pred: np.ndarray  # (n,) predicted class
    distance: np.ndarray  # (n,) length of the noise, unit of x
    # (n,) the stage that broke it, from 1; 0: misclassified when clean; -1: it withstood
    stage: np.ndarray
    stages: Sequence[StageRecord] = ()
    # a key of smd.analysis.flags.FLAGS -> details, if any
    flags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EstimateRecord:
    """One estimate of the margins of a trained network."""

    id: str
    method: str  # as in smd.registry.ESTIMATORS
    eps: float  # how far it looked, unit of x; 0: as far as it takes
    norm: str
    seed: int
    split: str
    n: int
    package: str
    version: str
    seconds: float
    job: str
    created: float  # Unix seconds
    weights: str = "last"  # or "ema", the averaged ones
    picked: bool = False  # its images were chosen by hand


@dataclass(frozen=True, eq=False)
class Margins:
    """What an estimate found for every sample."""

    idx: np.ndarray  # (n,) sample ids
    margin: np.ndarray  # (n,) unit of x; 0 where the clean image is misclassified
    clean_ok: np.ndarray  # (n,) bool
    crossed: np.ndarray  # (n,) bool; False: no boundary was met, the margin is a lower bound


@dataclass(frozen=True)
class ScoreRecord:
    """One search for the worst scores of a split's images at one noise level."""

    id: str
    eps: float  # unit of x; 0: the clean images
    norm: str
    steps: int  # of every search; 0: none, the images are clean
    seed: int
    split: str
    n: int
    package: str
    version: str
    seconds: float
    job: str
    created: float  # Unix seconds
    weights: str = "last"  # or "ema", the averaged ones


@dataclass(frozen=True, eq=False)
class Scores:
    """The worst log-odds of every class that a search found for every sample."""

    idx: np.ndarray  # (n,) sample ids
    scores: np.ndarray  # (n, K) float32, lowest of the sample's own class, highest of the others


@dataclass(frozen=True)
class EmbeddingRecord:
    """One embedding of a split's samples."""

    id: str
    split: str
    n: int  # clean samples
    pairs: int  # those with an adversarial example
    eps: float  # noise level of the adversarial examples, unit of x
    seed: int
    package: str
    version: str
    seconds: float
    job: str
    created: float  # Unix seconds
    weights: str = "last"  # or "ema", the averaged ones


@dataclass(frozen=True, eq=False)
class Points:
    """Where an embedding puts the samples, clean ones and adversarial examples."""

    idx: np.ndarray  # (m,) sample ids
    adversarial: np.ndarray  # (m,) bool
    x: np.ndarray  # (m,) float32
    y: np.ndarray  # (m,) float32
    pred: np.ndarray  # (m,) predicted class
    ok: np.ndarray  # (m,) bool, classified correctly
