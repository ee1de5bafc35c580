"""What an attack job evaluates, in which order, and what it need not do again.

Every level comes with the first seed before any comes with the next, so that a whole table is there
early.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from smd.attacks import AttackPlan
from smd.attacks.apart import RANDOMIZED
from smd.evaluation.prior_verdicts import Known, known
from smd.store import reader
from smd.units import show_level


@dataclass(frozen=True)
class Item:
    """One level with one seed."""

    name: str  # of its verdicts in the store
    eps: float  # noise level, unit of x; 0: the clean images
    seed: int
    cost: float  # roughly, in units of a level's first seed; clean images cost nothing


def work_items(
    job: str, plan: AttackPlan, levels: Sequence[float], seeds: Sequence[int], norm: str = "Linf"
) -> list[Item]:
    """The clean images, then all levels, seed by seed. Stages that draw nothing cost only the first
    seed."""
    again = sum(stage.cost for stage in plan.stages if not stage.deterministic)
    share = again / sum(stage.cost for stage in plan.stages)
    items = [Item(_name(job, 0.0, seeds[0], norm), 0.0, seeds[0], 0.0)]
    for seed in seeds:
        cost = 1.0 if seed == seeds[0] else share
        items += [Item(_name(job, eps, seed, norm), eps, seed, cost) for eps in levels]
    return items


def _name(job: str, eps: float, seed: int, norm: str) -> str:
    return f"{job}:{show_level(eps, norm)}:{seed}"


def undone(stored: pd.DataFrame, job: str, items: Sequence[Item]) -> list[Item]:
    """Those of a job that the store does not have; stored: reader.attack_runs.

    Told by level and seed: versions before wrote an L2 level into the name as if it were one of
    Linf.
    """
    own = stored[stored["job"] == job]
    done = {(round(eps, 6), seed) for eps, seed in zip(own["eps"], own["seed"], strict=True)}
    return [item for item in items if (round(item.eps, 6), item.seed) not in done]


def share_of_all(items: Sequence[Item], number: int, part: float) -> float:
    """The share of all work done, in [0, 1], where that part of items[number] is."""
    return (sum(item.cost for item in items[:number]) + items[number].cost * part) / sum(
        item.cost for item in items
    )


def told(
    store: Path, plan: AttackPlan, items: Sequence[Item], number: int, ids: Tensor
) -> Mapping[int, Known]:
    """What earlier seeds of items[number] tell about stages that draw nothing, by the number of the
    stage, from 1."""
    numbers = [k for k, stage in enumerate(plan.stages, start=1) if stage.deterministic]
    item = items[number]
    earlier = (
        [each.name for each in items[:number] if each.eps == item.eps]
        if numbers and item.eps
        else []
    )
    if earlier and _randomized(store, item.eps):
        return {}
    tables = [table for name in earlier if len(table := reader.attack_results(store, name))]
    if not tables:
        return {}
    rows = [np.searchsorted(table["idx"].to_numpy(), ids.cpu().numpy()) for table in tables]
    stage, pred, distance = (
        np.stack([table[column].to_numpy()[row] for table, row in zip(tables, rows, strict=True)])
        for column in ("stage", "pred", "distance")
    )
    return {k: known(k, stage, pred, distance) for k in numbers}


def _randomized(store: Path, eps: float) -> bool:
    """Whether the network was seen to answer anew at that level: no seed tells of another then."""
    flags = reader.attack_flags(store)
    return bool(((flags["flag"] == RANDOMIZED) & ((flags["eps"] - eps).abs() < 1e-6)).any())
