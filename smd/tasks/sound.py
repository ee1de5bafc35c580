"""What `--sound` takes over from the store: verdicts that hold at an attack's noise level."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from smd.attacks import AttackPlan
from smd.config.schema import AttackConfig
from smd.evaluation.prior_verdicts import Known, withstood
from smd.runs.folders import Run
from smd.store import reader


def carried(
    run: Run,
    config: AttackConfig,
    plan: AttackPlan,  # with the stage Carried in front
    eps: float,  # unit of x
    ids: Tensor,  # (n,) sample ids
    labels: Tensor,  # (n,)
    told: Mapping[int, Known],  # what other seeds and levels tell of stages
) -> dict[int, Known]:
    """Verdicts by stage, from 1: the first has those that fell, all others skip the certified.

    Where an attack contradicts a certificate, the attack is believed: it has a witness.
    """
    which = (run.store, config.split, config.norm, config.weights)
    fallen, distance, pred = _of(ids, reader.broken(*which), eps, "pred")
    lower, far, _ = _of(ids, reader.certified(*which), np.inf)
    safe = lower & (far >= eps) & ~fallen
    verdicts = {1: Known(torch.ones_like(fallen), fallen, pred.to(torch.int16), distance)}
    proven = withstood(safe, labels)
    for number in range(2, len(plan.stages) + 1):
        verdicts[number] = told[number].but(proven) if number in told else proven
    return verdicts


def _of(
    ids: Tensor, rows: pd.DataFrame, within: float, column: str = "distance"
) -> tuple[Tensor, Tensor, Tensor]:
    """Which samples have a row within a distance, (n,) bool, their distances and another column."""
    table = rows[rows["distance"] <= within].set_index("idx")
    there = table.reindex(ids.cpu().numpy())
    found = there["distance"].notna().to_numpy()
    length = there["distance"].fillna(0).to_numpy(np.float32)
    values = there[column].fillna(0).to_numpy()
    one, two, three = (torch.from_numpy(of.copy()) for of in (found, length, values))
    return one, two, three
