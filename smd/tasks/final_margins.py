"""The estimate that ends a training.

Timed, planned, done like any other estimate of margins.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from smd import estimators
from smd.config.schema import EstimateConfig
from smd.core import rng
from smd.data.batches import OnDevice, spread
from smd.evaluation import final_margins
from smd.evaluation.final_margins import FEWEST, JOB, LARGEST, SAFETY, SHORTEST, Pace, Plan
from smd.jobs.session import Cancelled, Session
from smd.nets.modes import frozen
from smd.runs.folders import Run
from smd.store import reader
from smd.tasks.estimate import Work, estimate

METHOD = "min-norm"
# steps; the bisection that ends a search is in their time, so that the prediction is on the safe
# side
TIMED = 3


def training_seconds(run: Run) -> float:
    """Seconds of all stored steps of the run, over resumes."""
    metrics = reader.metrics(run.store)
    return float(
        metrics.loc[(metrics["split"] == "train") & (metrics["name"] == "seconds"), "value"].sum()
    )


def measure_test_images(work: Work, run: Run, training: float) -> None:
    """Estimate margins of test images within a fifth of the training's seconds.

    A stored estimate is kept.

    work.config.n is how many images at most; 0 skips.
    """
    done = set(reader.estimates(run.store)["id"])
    if not work.config.n or f"{JOB}:{METHOD}" in done:
        return None
    began = time.perf_counter()
    with _stoppable(work.model, work.session):
        plan = final_margins.read(run.folder) or _planned(work, run, training)
        if plan.reason:
            return work.progress.line(plan.reason)
        config = config_of(work.config, plan)
        order = interleaved(len(work.rows), plan)
        estimate(
            replace(work, job=JOB, config=config),
            done,
            order,
        )
    seconds = time.perf_counter() - began
    work.progress.line(
        f"Margins of {plan.n} test images (upper bounds; {final_margins.told(plan.settings)}) took"
        f" {seconds:.1f} s, {100 * seconds / training:.0f} % of the {training:.1f} s of training."
    )
    return None


def config_of(config: EstimateConfig, plan: Plan) -> EstimateConfig:
    """The estimate that the plan describes."""
    return EstimateConfig(
        config.run,
        METHOD,
        plan.settings,
        split="test",
        n=plan.n,
        seed=config.seed,
        batch=plan.batch,
        device=config.device,
    )


def interleaved(available: int, plan: Plan) -> Tensor:
    """The ids of the plan's images, spread over the split; so is each batch of them."""
    ids, batches = spread(available, plan.n), -(-plan.n // plan.batch)
    return torch.cat([ids[k::batches] for k in range(batches)])


def _planned(work: Work, run: Run, training: float) -> Plan:
    """The plan, kept in the run's folder before anything is done, so that a resumed job does the
    same."""
    most = min(work.config.n, len(work.rows))
    plan = _timed_plan(work, SAFETY * final_margins.budget(training), most)
    plan = plan if plan.n else Plan(reason=final_margins.too_short(training, run.id, most))
    final_margins.write(run.folder, plan)
    return plan


def _timed_plan(work: Work, seconds: float, most: int) -> Plan:
    if seconds < SHORTEST:
        return Plan()
    work.session.report(stage="timing the estimate of margins")
    began = time.perf_counter()
    with torch.no_grad():
        classes = int(
            work.model(
                work.rows.take(spread(len(work.rows), 1).to(work.rows.labels.device)).x
            ).shape[1]
        )
    # the first call loads the package and warms up
    _pace(work.model, work.rows, 1, work.config.seed)
    few = _pace(work.model, work.rows, min(FEWEST, most), work.config.seed)
    if not final_margins.affordable((few,), seconds, few.images, classes).n:
        return Plan()
    many = _pace(work.model, work.rows, min(LARGEST, most), work.config.seed)
    return final_margins.affordable(
        (few, many), seconds - (time.perf_counter() - began), most, classes
    )


def _pace(model: nn.Module, rows: OnDevice, images: int, seed: int) -> Pace:
    """The method's seconds a step on so many images. Labels are what the network says, so that none
    is left out."""
    device = rows.labels.device
    x = rows.take(spread(len(rows), images).to(device)).x
    with frozen(model):
        with torch.no_grad():
            y = model(x).argmax(1)
        alone, both = (
            _seconds(model, x, y, targets, rng.generator(device, seed, "pace"))
            for targets in (0, 1)
        )
    return Pace(images, alone, max(both - alone, alone / 20))


def _seconds(
    model: nn.Module, x: Tensor, y: Tensor, targets: int, generator: torch.Generator
) -> float:
    estimator = estimators.build(METHOD, {"steps": TIMED, "targets": targets})
    began = time.perf_counter()
    # .item() waits for a GPU
    estimator.estimate(model, x, y, "Linf", generator).margin.sum().item()
    return (time.perf_counter() - began) / TIMED


@contextmanager
def _stoppable(model: nn.Module, current: Session) -> Iterator[None]:
    """Within, the network refuses to answer once the job shall stop: a batch may take minutes."""

    def refuse(*_: object) -> None:
        if current.stopping:
            raise Cancelled("It was cancelled.")

    handle = model.register_forward_pre_hook(refuse)
    try:
        yield
    finally:
        handle.remove()
