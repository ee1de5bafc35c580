"""The estimate that ends a training.

Timed, planned, done like any other estimate of margins.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from smd import estimators
from smd.config.schema import EstimateConfig
from smd.core import rng
from smd.core.lp import Norm
from smd.data.batches import spread
from smd.evaluation import final_margins
from smd.evaluation.final_margins import FEWEST, LARGEST, SAFETY, SHORTEST, Pace, Plan
from smd.jobs.session import Cancelled, Session
from smd.nets.modes import frozen
from smd.program import PROGRAM
from smd.runs.folders import Run
from smd.store import reader
from smd.tasks.estimate import Work, estimate

METHOD = "min-norm"
IMPORTED = 20.0  # seconds that the estimate of an imported network may take
Reason = Callable[[str, int], str]  # (run, images) -> why nothing is estimated, a sentence
# steps; the bisections of a search are in their time, and all that it may take are counted, so that
# the prediction is on the safe side
TIMED = 12


def training_seconds(run: Run) -> float:
    """Seconds of all stored steps of the run, over resumes."""
    metrics = reader.metrics(run.store)
    return float(
        metrics.loc[(metrics["split"] == "train") & (metrics["name"] == "seconds"), "value"].sum()
    )


def measure_imported(work: Work, run: Run) -> None:
    """Estimate margins of test images within IMPORTED seconds, as there is no training's time.

    A stored estimate is kept. work.config.n is how many images at most; 0 skips.
    """
    if not work.config.n or _stored(work, run):
        return
    plan, seconds = _measured(work, run, IMPORTED, _too_slow)
    if plan.n:
        work.progress.line(
            f"Margins of {plan.n} test images (upper bounds; {final_margins.told(plan.settings)})"
            f" took {seconds:.1f} s."
        )


def measure_test_images(work: Work, run: Run, training: float, networks: int = 1) -> None:
    """Estimate margins of test images within a fifth of the training's seconds.

    A stored estimate is kept. networks: how many share that time, as of averaged weights, too; all
    follow one plan, so that they are of the same images.

    work.config.n is how many images at most; 0 skips.
    """
    if not work.config.n or _stored(work, run):
        return
    budget = final_margins.budget(training / networks)
    reason = partial(final_margins.too_short, training / networks)
    plan, seconds = _measured(work, run, budget, reason)
    if plan.reason:
        return
    averaged = "averaged weights, " * (work.config.weights == "ema")
    work.progress.line(
        f"Margins of {plan.n} test images ({averaged}upper bounds;"
        f" {final_margins.told(plan.settings)}) took {seconds:.1f} s,"
        f" {100 * seconds / training:.0f} % of the {training:.1f} s of training."
    )


def _stored(work: Work, run: Run) -> bool:
    return f"{work.job}:{METHOD}" in set(reader.estimates(run.store)["id"])


def _measured(work: Work, run: Run, budget: float, reason: Reason) -> tuple[Plan, float]:
    """What was planned and done, or only said why not; and its seconds."""
    began = time.perf_counter()
    with _stoppable(work.model, work.session):
        plan = final_margins.read(run.folder) or _planned(work, run, budget, reason)
        if plan.reason:
            if work.config.weights == "last":  # said once, of whichever weights come first
                work.progress.line(plan.reason)
            return plan, 0.0
        config, order = config_of(work.config, plan), interleaved(len(work.rows), plan)
        estimate(replace(work, config=config), set(reader.estimates(run.store)["id"]), order)
    return plan, time.perf_counter() - began


def config_of(config: EstimateConfig, plan: Plan) -> EstimateConfig:
    """The estimate that the plan describes."""
    return EstimateConfig(
        config.run,
        METHOD,
        plan.settings,
        norm=config.norm,
        split="test",
        n=plan.n,
        seed=config.seed,
        batch=plan.batch,
        device=config.device,
        weights=config.weights,
    )


def interleaved(available: int, plan: Plan) -> Tensor:
    """The ids of the plan's images, spread over the split; so is each batch of them."""
    ids, batches = spread(available, plan.n), -(-plan.n // plan.batch)
    return torch.cat([ids[k::batches] for k in range(batches)])


def _planned(work: Work, run: Run, budget: float, reason: Reason) -> Plan:
    """The plan, kept in the run's folder before anything is done, so that a resumed job does the
    same."""
    most = min(work.config.n, len(work.rows))
    plan = _timed_plan(work, SAFETY * budget, most)
    plan = plan if plan.n else Plan(reason=reason(run.id, most))
    final_margins.write(run.folder, plan)
    return plan


def _too_slow(run: str, most: int) -> str:
    """The sentence for a network that is too slow for an estimate, with a command for one."""
    return (
        f"No margins of test images were estimated: {IMPORTED:.0f} s are too short for {FEWEST}"
        f" images. {PROGRAM} estimate {run} --split test --n {most} takes the time it needs."
    )


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
    _pace(work, 1)
    few = _pace(work, min(FEWEST, most))
    if not final_margins.affordable((few,), seconds, few.images, classes).n:
        return Plan()
    many = _pace(work, min(LARGEST, most))
    return final_margins.affordable(
        (few, many), seconds - (time.perf_counter() - began), most, classes
    )


def _pace(work: Work, images: int) -> Pace:
    """The method's seconds a step on so many images. Labels are what the network says, so that none
    is left out."""
    model, rows, seed = work.model, work.rows, work.config.seed
    norm, device = cast(Norm, work.config.norm), rows.labels.device
    x = rows.take(spread(len(rows), images).to(device)).x
    with frozen(model):
        with torch.no_grad():
            y = model(x).argmax(1)
        alone, both = (
            _seconds(model, x, y, targets, norm, rng.generator(device, seed, "pace"))
            for targets in (0, 1)
        )
    return Pace(images, alone, max(both - alone, alone / 20))


def _seconds(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    targets: int,
    norm: Norm,
    generator: torch.Generator,
) -> float:
    estimator = estimators.build(METHOD, {"steps": TIMED, "targets": targets})
    began = time.perf_counter()
    # .item() waits for a GPU
    estimator.estimate(model, x, y, norm, generator).margin.sum().item()
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
