"""Evaluating a network: the images of an attack are checked and classified again, never believed.

The network is put in eval mode, whatever the caller did, and its parameters are frozen meanwhile.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from smd.attacks import AttackPlan, BatchContext, Stage
from smd.core import lp
from smd.core.lp import Norm
from smd.data.batches import Batch, Rows
from smd.evaluation.prior_verdicts import Known
from smd.evaluation.state import CLEAN, WITHSTOOD, EvaluationState, Kept
from smd.nets.modes import frozen

SURE = 1e-4  # of the largest logit: a kept image's lead, far above what rounding moves
SLACK = 1e-6  # unit of x, or of a radius above 1: how far rounding may carry an image out of it


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
            _stage(target, task, state, stages[state.doing - 1])
            state.advance()
        if stages:
            state.flags |= task.plan.flags_after(state.accuracies([stage.name for stage in stages]))
    stage = state.stage.numpy()
    return Verdict(
        stage == WITHSTOOD, state.pred.numpy(), state.distance.numpy(), stage, sum(state.seconds)
    )


def _clean(target: Target, task: Task, state: EvaluationState) -> None:
    """Stage 0: which samples are classified correctly without noise."""
    for part in _parts(state, task.size):
        with _timed(state):
            batch = target.data.take(task.ids[part.to(task.ids.device)])
            with torch.no_grad():
                pred = target.model(batch.x).argmax(1)
            if state.done == 0 and task.eps:
                state.flags |= task.plan.flags_before(target.model, batch.x, batch.y)
            state.pred[part] = pred.cpu().to(torch.int16)
            state.stage[part[(pred != batch.y).cpu()]] = CLEAN
            state.done += len(part)
        target.watch(state, share(task, state))


def _stage(target: Target, task: Task, state: EvaluationState, stage: Stage) -> None:
    """One stage on all samples that have withstood so far and have no prior verdict of it."""
    if state.done == 0 and state.doing in task.known:
        state.take_over(task.known[state.doing])
    for part in _parts(state, task.size):
        with _timed(state):
            batch = target.data.take(task.ids[part.to(task.ids.device)])
            context = BatchContext(
                task.seed, state.done // task.size, task.eps, task.norm, state.flags
            )
            x_adv, logits = _tried(target.model, stage, batch, context)
            noise = x_adv - batch.x
            _enter(task, state, part, *(of.cpu() for of in (batch.y, noise, x_adv, logits)))
        target.watch(state, share(task, state))


def _enter(
    task: Task,
    state: EvaluationState,
    part: Tensor,  # (B,) positions
    y: Tensor,  # (B,)
    noise: Tensor,  # (B, C, H, W), x_adv - x
    x_adv: Tensor,  # (B, C, H, W)
    logits: Tensor,  # (B, K) on x_adv
) -> None:
    """Enter a batch's verdicts, as a whole or not at all.

    All tensors are on the CPU, so that nothing here can run out of the device's memory.
    """
    pred = logits.argmax(1)
    state.pred[part] = pred.to(torch.int16)
    state.distance[part] = lp.length(noise, task.norm)
    state.stage[part[pred != y]] = state.doing
    _keep(task, state, part, x_adv, logits, surely(logits, y))
    state.done += len(part)


def _parts(state: EvaluationState, size: int) -> list[Tensor]:
    """The batches of the present stage that are still to be evaluated: positions, (B,) each."""
    return [part for part in state.queue[state.done :].split(size) if len(part)]


def _tried(
    model: nn.Module, stage: Stage, batch: Batch, context: BatchContext
) -> tuple[Tensor, Tensor]:
    """A stage's images, (B, C, H, W), projected to the ball against rounding, and their logits."""
    proposed = stage.perturb(model, batch.x, batch.y, context).detach()
    _check(proposed, batch.x, context.eps, context.norm)
    radius = torch.full((len(batch.x),), context.eps, device=batch.x.device)
    x_adv = lp.project(proposed, batch.x, radius, context.norm)
    with torch.no_grad():
        return x_adv, model(x_adv)


def surely(logits: Tensor, y: Tensor) -> Tensor:
    """Which predictions another batch size or device cannot turn: (B, K), (B,) -> (B,) bool."""
    own = logits.gather(1, y[:, None]).squeeze(1)
    others = logits.scatter(1, y[:, None], float("-inf")).amax(1)
    return (others - own).abs() > SURE * logits.abs().amax(1)


def _keep(
    task: Task, state: EvaluationState, part: Tensor, x_adv: Tensor, logits: Tensor, sure: Tensor
) -> None:
    """Keep up to task.keep images and their softmax, none whose prediction rounding decides."""
    meant = torch.ones_like(sure) if task.picked else state.stage[part] == state.doing
    for row in meant.nonzero().squeeze(1).tolist():
        position = int(part[row])
        if not sure[row]:
            # what an earlier stage did is no longer what the table says
            state.kept.pop(position, None)
        elif len(state.kept) < task.keep or position in state.kept:
            state.kept[position] = Kept(x_adv[row].numpy().copy(), logits[row].softmax(0).numpy())


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


def _check(x_adv: Tensor, x: Tensor, eps: float, norm: Norm) -> None:
    """Refuse images outside the ball, outside [0, 1] or not finite."""
    farthest = float(lp.length(x_adv - x, norm).max())
    if not farthest <= eps + SLACK * max(1.0, eps):
        raise RuntimeError(
            f"The attack left its ball: {farthest * 255:.4f}/255 of {eps * 255:.4f}/255."
        )
    if not (float(x_adv.min()) >= -SLACK and float(x_adv.max()) <= 1 + SLACK):
        raise RuntimeError("The attack left the pixels' range [0, 1].")
