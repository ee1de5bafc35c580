"""Evaluating a network under an attack, stage by stage, batch by batch.

The network is put in eval mode, whatever the caller did, and its parameters are frozen meanwhile.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from smd.attacks import AttackPlan
from smd.core.lp import Norm
from smd.data.batches import Rows
from smd.dealing.portions import Deal, here
from smd.evaluation.judging import Judged, Judging
from smd.evaluation.prior_verdicts import Known
from smd.evaluation.state import CLEAN, WITHSTOOD, EvaluationState
from smd.nets.modes import frozen


@dataclass(frozen=True)
class Task:
    """One evaluation: an attack plan, a noise level, a seed and the samples."""

    ids: Tensor  # (n,) sample ids, evaluated in this order
    plan: AttackPlan
    eps: float  # noise level, unit of x; 0: the clean images alone
    seed: int
    size: int  # images a batch
    norm: Norm = "Linf"
    keep: int = 0  # adversarial images that are kept, see `picked`
    picked: bool = False  # keep any, not only those that are misclassified
    known: Mapping[int, Known] = field(default_factory=dict)  # by stage, from 1: prior verdicts


@dataclass(frozen=True)
class Verdict:
    """The outcome of every sample at one noise level."""

    ok: np.ndarray  # (n,) bool, still classified correctly
    pred: np.ndarray  # (n,) int16, predicted class
    distance: np.ndarray  # (n,) float32, length of the noise, unit of x; 0 where there is none
    # (n,) int16, the stage that broke it, from 1; 0: misclassified when clean; -1: it withstood
    stage: np.ndarray
    seconds: float


@dataclass(frozen=True)
class Target:
    """The network, the images that it is evaluated on, and who watches."""

    model: nn.Module
    data: Rows
    # called after every batch with the share that is done, in [0, 1]
    watch: Callable[[EvaluationState, float], None] = field(default=lambda state, share: None)
    deal: Deal | None = None  # who does the batches; None: this process


def evaluate_level(target: Target, task: Task, state: EvaluationState | None = None) -> Verdict:
    """Attack the task's samples at its noise level, from the beginning or from `state` on.

    A sample that is misclassified when clean counts as broken at every level and is not attacked;
    each stage is tried on those that withstood the stages before. `state` is updated in place.
    Raises RuntimeError if the attack leaves the ball or [0, 1].
    """
    state = state or EvaluationState.begin(len(task.ids))
    with frozen(target.model):
        if state.doing == 0:
            _clean(target, task, state)
            state.advance()
        stages = task.plan.stages if task.eps else ()
        while state.doing <= len(stages):
            _stage(target, task, state)
            state.advance()
        if stages:
            state.flags |= task.plan.flags_after(state.accuracies([stage.name for stage in stages]))
    stage = state.stage.numpy()
    return Verdict(
        stage == WITHSTOOD, state.pred.numpy(), state.distance.numpy(), stage, sum(state.seconds)
    )


def _clean(target: Target, task: Task, state: EvaluationState) -> None:
    """Stage 0: which samples are classified correctly without noise."""
    for part, judged in _judged(target, task, state):
        state.flags |= judged.flags
        state.pred[part] = judged.pred
        state.stage[part[judged.pred != judged.y]] = CLEAN
        state.done += len(part)
        target.watch(state, share(task, state))


def _stage(target: Target, task: Task, state: EvaluationState) -> None:
    """One stage on all samples that have withstood so far and have no prior verdict of it."""
    if state.done == 0 and state.doing in task.known:
        state.take_over(task.known[state.doing])
    for part, judged in _judged(target, task, state):
        enter(task, state, part, judged)
        target.watch(state, share(task, state))


def enter(task: Task, state: EvaluationState, part: Tensor, judged: Judged) -> None:
    """Enter a batch's verdicts, as a whole or not at all; part: (B,) positions."""
    state.flags |= judged.flags
    state.pred[part] = judged.pred
    state.distance[part] = judged.distance
    state.stage[part[judged.pred != judged.y]] = state.doing
    if judged.nearest is not None:
        state.nearest.enter(state.doing, len(state.stage), part, judged.nearest)
    _keep(task, state, part, judged)
    state.done += len(part)


def _judged(target: Target, task: Task, state: EvaluationState) -> Iterator[tuple[Tensor, Judged]]:
    """The batches of the present stage that are still to be evaluated: positions, (B,) each, and
    what became of them."""
    parts = [part for part in state.queue[state.done :].split(task.size) if len(part)]
    first, ids = state.done // task.size, task.ids.cpu()
    portions = [_portion(task, state, ids[part], first + k) for k, part in enumerate(parts)]
    deal = target.deal or here(target.model, target.data)
    with closing(deal(portions)) as results:
        for part in parts:
            with _timed(state):
                judged = next(results)
            yield part, judged


def _portion(task: Task, state: EvaluationState, ids: Tensor, number: int) -> Judging:
    how = (task.plan, state.doing, number, task.eps, task.seed, task.norm)
    checks = bool(task.eps) and state.doing == number == 0
    return Judging(ids, *how, task.keep, task.picked, checks)


def _keep(task: Task, state: EvaluationState, part: Tensor, judged: Judged) -> None:
    """Keep up to task.keep images and their softmax, none whose prediction rounding decides."""
    meant = torch.ones_like(judged.sure) if task.picked else judged.pred != judged.y
    for row in meant.nonzero().squeeze(1).tolist():
        position = int(part[row])
        if not judged.sure[row]:
            # what an earlier stage did is no longer what the table says
            state.kept.pop(position, None)
        elif row in judged.images and (len(state.kept) < task.keep or position in state.kept):
            state.kept[position] = judged.images[row]


def share(task: Task, state: EvaluationState) -> float:
    """The share of the work that is done, in [0, 1], if all that are left withstand what comes."""
    costs = [1.0, *(stage.cost for stage in task.plan.stages if task.eps)]
    counts = [_entering(task, state, number) for number in range(len(costs))]
    counts[state.doing] = len(state.queue)
    work = [n * cost for n, cost in zip(counts, costs, strict=True)]
    return (sum(work[: state.doing]) + costs[state.doing] * state.done) / sum(work)


def _entering(task: Task, state: EvaluationState, number: int) -> int:
    """How many samples a stage was tried on, or will be if none falls before."""
    entering = (state.stage == WITHSTOOD) | (state.stage >= number)
    if number in task.known:
        entering &= ~task.known[number].seen
    return int(entering.sum())


@contextmanager
def _timed(state: EvaluationState) -> Iterator[None]:
    began = time.perf_counter()
    yield
    state.seconds[-1] += time.perf_counter() - began
