"""What a job is to do, in words that tell it from others.

"CE-PGD on 500 test images at 8/255, seed 0".
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from smd import registry
from smd.config import schema
from smd.config.schema import (
    AttackConfig,
    EmbeddingConfig,
    EstimateConfig,
    ScoreConfig,
    Value,
)
from smd.errors import UserError
from smd.export.titles import attack_title, estimate_title
from smd.jobs import kinds
from smd.registry import Param
from smd.units import level_title, show_level


def job_title(folder: Path) -> str:
    """The job in this folder; its noun and id alone if its config cannot be read."""
    kind = kinds.of_folder(folder)
    try:
        config = schema.read(kind.config, folder / "config.json") if kind.folder else None
    except UserError:
        return f"{kind.noun} {folder.name}"
    return str(registry.load(kind.title)(config))


def training(_config: object) -> str:
    """A training: its run says the rest."""
    return "training"


def importing(_config: object) -> str:
    """An import of weights: its run says the rest."""
    return "import of weights"


def attack(config: AttackConfig) -> str:
    """An attack: its name and settings, the images, the levels, the seeds."""
    levels = (
        ", ".join(level_title(eps, config.norm) for eps in config.levels) or "the run's own levels"
    )
    known = registry.ATTACKS[config.attack].params if config.attack in registry.ATTACKS else ()
    what = attack_title(config.attack) + settings(config.params, known)
    of = _chosen(config) if config.ids else images(config.n, config.split)
    what += ", weights=ema" * (config.weights == "ema")
    return f"{what} on {of} at {levels}, {seeds(config.seeds)}"


def _chosen(config: AttackConfig | EstimateConfig) -> str:
    """Images that were named: how many, and the set that they were or the first ones."""
    those = ", ".join(map(str, config.ids[:3])) + ", …" * (len(config.ids) > 3)
    those = f"the set '{config.named}'" if config.named else those
    return f"{len(config.ids):,} chosen {config.split} image{'s' * (len(config.ids) > 1)} ({those})"


def estimate(config: EstimateConfig) -> str:
    """An estimate of margins: the method, how far it looks, the images, the seed."""
    known = (
        registry.ESTIMATORS[config.method].params if config.method in registry.ESTIMATORS else ()
    )
    titles = [
        estimate_title(config.method, eps, config.norm, config.weights)
        for eps in config.levels or (0.0,)
    ]
    what = f"{' and '.join(titles)}{settings(config.params, known)}"
    of = _chosen(config) if config.ids else images(config.n, config.split)
    return f"{what} on {of}, seed {config.seed}"


def score(config: ScoreConfig) -> str:
    """A search for worst scores: the images, the levels, the steps, the seed."""
    levels = [level_title(eps, config.norm) if eps else "clean" for eps in config.levels]
    at = ", ".join(levels) or "the run's own levels"
    of = images(config.n, config.split)
    ema = ", weights=ema" * (config.weights == "ema")
    return f"worst scores of {of} at {at}, {config.steps} steps, seed {config.seed}{ema}"


def embedding(config: EmbeddingConfig) -> str:
    """An embedding: the images, the adversarial examples, the seed."""
    at = f" at {show_level(config.level)}" if config.level else ""
    of = images(config.n, config.split)
    ema = ", weights=ema" * (config.weights == "ema")
    pairs = f"up to {config.pairs:,} adversarial examples{at}"
    return f"embedding of {of}, {pairs}, seed {config.seed}{ema}"


def images(n: int, split: str) -> str:
    """How many images of a split; 0 is all of them."""
    return f"{n:,} {split} image{'s' * (n != 1)}" if n else f"all {split} images"


def settings(params: Mapping[str, Value], known: tuple[Param, ...]) -> str:
    """Parameters that are not as usual, in brackets."""
    kinds = {p.name: p.kind for p in known}
    shown = [
        f"{k}={show_level(float(v)) if kinds.get(k) == 'level' else v}" for k, v in params.items()
    ]
    return f" ({', '.join(shown)})" if shown else ""


def seeds(given: tuple[int, ...]) -> str:
    """Seeds; a longer row of neighbours as a range."""
    if len(given) > 2 and all(b - a == 1 for a, b in pairwise(given)):
        return f"seeds {given[0]} to {given[-1]}"
    return (
        f"seed{'s' * (len(given) > 1)} {', '.join(map(str, given))}" if given else "the usual seeds"
    )
