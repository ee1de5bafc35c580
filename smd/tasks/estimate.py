"""The estimation job: measure the margins of a trained network's images and store every
sample's.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from torch import Tensor

from smd import __version__, estimators, registry
from smd.config.schema import EstimateConfig, Value
from smd.core.lp import Norm
from smd.data.batches import spread
from smd.errors import UserError
from smd.estimators.measure import Measured, measure
from smd.export.titles import estimate_title
from smd.jobs.session import Cancelled
from smd.store import reader
from smd.store.records import EstimateRecord, Margins
from smd.tasks.opening import Opened, opening
from smd.terminal.progress import Eta
from smd.units import show_length, show_level


def estimate_run(folder: Path, log: Path | None = None) -> None:
    """Do a queued estimation in this process; errors and log: see opening."""
    with opening(EstimateConfig, folder, log) as work:
        estimate(work, set(reader.estimates(work.run.store)["id"]))


Work = Opened[EstimateConfig]


@dataclass(frozen=True)
class Estimation:
    """One of a job's estimations."""

    id: str
    eps: float  # how far it looks, unit of x; 0: as far as it takes
    params: Mapping[str, Value]


def estimations(job: str, asked: EstimateConfig) -> list[Estimation]:
    """What a job is to do: one estimation for each noise level, or a single one."""
    far = registry.range_of(asked.method)
    if not far:
        return [Estimation(f"{job}:{asked.method}", 0.0, asked.params)]
    return [
        Estimation(f"{job}:{show_level(eps, asked.norm)}", eps, {**asked.params, far.name: eps})
        for eps in asked.levels
    ]


def chosen(asked: EstimateConfig, available: int) -> Tensor:
    """The sample ids to measure, spread evenly over the split; raises UserError if it has fewer."""
    if not available:
        raise UserError(f"The {asked.split} split has no images: choose another.")
    if asked.n > available:
        raise UserError(f"The {asked.split} split has {available} images: ask for at most that.")
    return spread(available, asked.n or available)


def estimate(work: Work, done: set[str], order: Tensor | None = None) -> None:
    """Do what is not done yet; an estimation that was stopped in its middle starts over.

    order: the ids to measure, as they come into batches, if not those of `chosen`.
    """
    ids = (chosen(work.config, len(work.rows)) if order is None else order).to(
        work.rows.labels.device
    )
    todo = [e for e in estimations(work.job, work.config) if e.id not in done]
    total, eta = len(todo) * len(ids), Eta(0.0)
    work.session.report(stage="estimating margins", batch=0, batches=total)
    for number, one in enumerate(todo):
        title = estimate_title(work.config.method, one.eps, work.config.norm)

        def after_batch(measured: int, number: int = number, title: str = title) -> None:
            at = number * len(ids) + measured
            left = eta.left(at / total)
            work.session.report(batch=at, eta=left)
            work.progress.show(at / total, title, left)
            if work.session.stopping and at < total:
                raise Cancelled("It was cancelled.")

        estimator = estimators.build(work.config.method, one.params)
        norm = cast(Norm, work.config.norm)
        found = measure(
            work.model,
            work.rows,
            ids,
            estimator,
            norm,
            work.config.seed,
            work.config.batch,
            after_batch,
        )
        _store(work, one, ids, found)
        work.progress.line(
            f"{title} on {len(ids)} {work.config.split} images: {_told(found, work.config.norm)}"
        )


def _store(work: Work, one: Estimation, ids: Tensor, found: Measured) -> None:
    asked = work.config
    record = EstimateRecord(
        id=one.id,
        method=asked.method,
        eps=one.eps,
        norm=asked.norm,
        seed=asked.seed,
        split=asked.split,
        n=len(ids),
        package="smd",
        version=__version__,
        seconds=found.seconds,
        job=work.job,
        created=time.time(),
    )
    work.recorder.estimate(
        record, Margins(ids.cpu().numpy(), found.margin, found.clean_ok, found.crossed)
    )


def _told(found: Measured, norm: str) -> str:
    if not found.clean_ok.any():
        return "all are misclassified."
    median = show_length(float(np.median(found.margin[found.clean_ok])), norm)
    return f"median margin {median}, {int((~found.crossed).sum())} met no boundary."
