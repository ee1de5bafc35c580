"""The estimate job: measure the margins of a trained network's images and store every
sample's.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from smd import estimators, registry
from smd.config.schema import EstimateConfig, Value
from smd.core import kinds
from smd.core.lp import Norm
from smd.data.batches import spread
from smd.errors import UserError
from smd.estimators.measure import Measured, measure
from smd.export.estimates import median
from smd.export.titles import estimate_title
from smd.store import reader
from smd.store.records import EstimateRecord, Margins
from smd.tasks.opening import Opened, opening
from smd.tasks.parts_done import Place, report
from smd.terminal.progress import Eta
from smd.units import show_length, show_level
from smd.version import __version__


def estimate_run(folder: Path, log: Path | None = None) -> None:
    """Do a queued estimate in this process; errors and log: see opening."""
    with opening(EstimateConfig, folder, log) as work:
        estimate(work, done(work.run.store))


def done(store: Path) -> set[str]:
    """The ids of all estimates that a store has."""
    return {*reader.estimates(store)["id"], *reader.smoothed(store)["id"]}


Work = Opened[EstimateConfig]


@dataclass(frozen=True)
class Estimation:
    """One of a job's estimates."""

    id: str
    eps: float  # how far it looks, unit of x; 0: as far as it takes; or the noise that smooths
    params: Mapping[str, Value]


def estimates(job: str, config: EstimateConfig) -> list[Estimation]:
    """What a job is to do: one estimate for each noise level, or a single one."""
    far = registry.range_of(config.method)
    if not far:
        return [Estimation(f"{job}:{config.method}", _noise(config), config.params)]
    return [
        Estimation(f"{job}:{show_level(eps, config.norm)}", eps, {**config.params, far.name: eps})
        for eps in config.levels
    ]


def _noise(config: EstimateConfig) -> float:
    """The standard deviation of the noise that smooths the network; 0 where none does."""
    entry = registry.ESTIMATORS[config.method]
    usual = {each.name: each.default for each in entry.params}
    return float({**usual, **config.params}[entry.smooths]) if entry.smooths else 0.0


def chosen(config: EstimateConfig, available: int) -> Tensor:
    """The sample ids to measure: those named, or some spread evenly over the split, or all.

    Raises UserError if the split has fewer.
    """
    if not available:
        raise UserError(f"The {config.split} split has no images: choose another.")
    if config.ids and max(config.ids) >= available:
        raise UserError(
            f"There is no sample {max(config.ids)}: the {config.split} split has {available}"
            " images."
        )
    if config.ids:
        return torch.tensor(list(dict.fromkeys(config.ids)))
    if config.n > available:
        raise UserError(f"The {config.split} split has {available} images: ask for at most that.")
    return spread(available, config.n or available)


def estimate(work: Work, done: set[str], order: Tensor | None = None) -> None:
    """Do what is not done yet; an estimate that was stopped in its middle starts over.

    order: the ids to measure, as they come into batches, if not those of `chosen`.
    """
    ids = chosen(work.config, len(work.rows)) if order is None else order
    ids = ids.to(work.rows.labels.device)
    todo = [e for e in estimates(work.job, work.config) if e.id not in done]
    eta = Eta(0.0)
    work.session.report(stage="estimating margins", batch=0, batches=len(todo) * len(ids))
    for number, one in enumerate(todo):
        title = estimate_title(work.config.method, one.eps, work.config.norm, work.config.weights)
        place = Place(number * len(ids), len(todo) * len(ids), title)
        measured = _measured(work, one, ids, partial(report, work, place, eta))
        _store(work, one, ids, measured)
        told = _told(measured, work.config.norm, work.config.method)
        work.progress.line(f"{title} on {len(ids)} {work.config.split} images: {told}")


def _measured(
    work: Work, one: Estimation, ids: Tensor, after_batch: Callable[[int], None]
) -> Measured:
    config = work.config
    estimator = estimators.build(config.method, one.params)
    norm = cast(Norm, config.norm)
    about = (estimator, norm, config.seed, config.batch)
    return measure(work.model, work.rows, ids, *about, after_batch, work.deal)


def _store(work: Work, one: Estimation, ids: Tensor, result: Measured) -> None:
    config = work.config
    record = EstimateRecord(
        id=one.id,
        method=config.method,
        eps=one.eps,
        norm=config.norm,
        seed=config.seed,
        split=config.split,
        n=len(ids),
        package="smd",
        version=__version__,
        seconds=result.seconds,
        job=work.job,
        created=time.time(),
        weights=config.weights,
        picked=bool(config.ids),
    )
    work.recorder.estimate(
        record, Margins(ids.cpu().numpy(), result.margin, result.clean_ok, result.crossed)
    )


def _told(result: Measured, norm: str, method: str) -> str:
    if registry.ESTIMATORS[method].smooths:
        return _told_of_smoothed(result)
    if not result.clean_ok.any():
        return "all are misclassified."
    right = int(result.clean_ok.sum())
    certifying = registry.ESTIMATORS[method].certifying
    kind = kinds.kinds(result.clean_ok, result.crossed, certifying)
    middle = median(pd.DataFrame({"margin": result.margin, "kind": kind}), norm)
    if certifying:
        some = int((result.margin > 0).sum())
        return f"proven robust within {middle} (median); nothing proven for {right - some}."
    unmet = int((kind == kinds.REACHED).sum())
    return f"median margin {middle}, {unmet} of {right} correct ones met no boundary."


def _told_of_smoothed(result: Measured) -> str:
    certified, wrong = int(result.clean_ok.sum()), int(result.crossed.sum())
    middle = float(np.median(result.margin[result.clean_ok])) if certified else 0.0
    radius = f" within {show_length(middle, 'L2')} (median)" * (certified > 0)
    return (
        f"of the smoothed network, {certified} are right and certified{radius}, {wrong} are wrong;"
        f" it abstains from {len(result.margin) - certified - wrong}."
    )
