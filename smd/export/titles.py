"""Defenses, attacks and estimators as tables name them."""

from smd import registry
from smd.config import TrainConfig
from smd.units import show_level


def defense_title(config: TrainConfig) -> str:
    """The defense as tables name it, with its knobs: "AT eps=8/255"."""
    entry = registry.DEFENSES.get(config.defense)
    levels = {p.name for p in entry.params if p.kind == "level"} if entry else set()
    knobs = [f"{k}={show_level(float(v)) if k in levels else v}" for k, v in config.params.items()]
    return " ".join([entry.title if entry else config.defense, *knobs])


def attack_title(name: str) -> str:
    """The attack as tables name it; its own name if this version does not know it."""
    return registry.ATTACKS[name].title if name in registry.ATTACKS else name


def estimate_title(method: str, eps: float, norm: str) -> str:
    """The estimator as tables name it, with how far it looked where it was told: "PGD 16/255", "PGD 0.5, L2"."""
    title = registry.ESTIMATORS[method].title if method in registry.ESTIMATORS else method
    far = "" if not eps else f" {show_level(eps)}" if norm == "Linf" else f" {eps:g}"
    return title + far + (f", {norm}" if norm != "Linf" else "")
