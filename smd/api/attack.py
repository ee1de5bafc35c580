"""`smd.attack`: the verdicts of an attack job, on any network and any images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from smd import attacks
from smd.analysis.flags import FLAGS
from smd.api import checks
from smd.api.attack_result import AttackResult
from smd.api.inputs import FloatImages, classes_of, device_of, gathered, on_loan
from smd.attacks.apart import RANDOMIZED
from smd.config.schema import AttackConfig, Value
from smd.config.validation import made, of_attack
from smd.core.lp import Norm
from smd.errors import UserError
from smd.evaluation.batch_size import halved
from smd.evaluation.evaluate import Target, Task, Verdict, evaluate_level
from smd.evaluation.prior_verdicts import Known, known
from smd.evaluation.state import WITHSTOOD, EvaluationState, Kept
from smd.nets.checks import cautions_of

BATCH = 256  # images; random attacks draw by seed and batch size, so it is not tried out


def attack(
    model: nn.Module,
    x: Any,
    y: Any = None,
    attack: str = "autoattack",
    *,
    eps: float,
    norm: Norm = "Linf",
    seeds: Sequence[int] = (0,),
    batch_size: int | None = None,
    device: torch.device | str | None = None,
    keep_images: bool = False,
    **settings: Value,
) -> AttackResult:
    """Attack any network; the verdicts are those of an attack job on the same images.

    - model: x -> logits (B, K), normalisation included; judged in eval mode, then as it was
    - x, y: (n, C, H, W) or (n, C, D, H, W) floats in [0, 1], (n,) labels; or a loader of (x, y)
    - attack: "ce-pgd" (paper, Eq. 2), "ce-cw-pgd" (Sec. 4), "autoattack" (Croce and Hein 2020) or
      "pm-pgd" (CE-PGD on the loss of Xie et al. 2024)
    - eps: noise level in the unit of x, 8/255 for "8"; in L2 a length over all pixels
    - seeds: a pass each; accuracy is their mean
    - batch_size: images a batch, 256 by default; random attacks draw by seed and batch size
    - device: where to work, by default where the network is
    - keep_images: keep adversarial images for `AttackResult.adversarial`
    - settings: the attack's own, see smd.registry.ATTACKS, such as steps=20

    Raises UserError for what does not fit, RuntimeError if an attack leaves its ball.
    """
    config = _config(attack, eps, norm, seeds, batch_size, settings)
    return _attacked(model, (x, y), config, device_of(model, device), keep_images)


def _attacked(
    model: nn.Module, given: tuple[Any, Any], config: AttackConfig, device: torch.device, keep: bool
) -> AttackResult:
    """Judge the images, seed by seed; given: x and y as the caller has them."""
    images = gathered(*given, device, checks.network(model))
    with on_loan(model, device):
        plan = attacks.build(config.attack, config.params).plan(classes_of(model, images))
        ids, norm = torch.arange(len(images), device=device), cast(Norm, config.norm)
        size, kept = config.batch or BATCH, len(ids) if keep else 0
        task = Task(ids, plan, config.levels[0], config.seeds[0], size, norm, kept)
        passes = _judged(Target(model, images), task, config.seeds)
        cautions = cautions_of(model, tuple(images.pixels.shape[1:]), training=False)
    return replace(_result(config, images, passes), cautions=tuple(cautions))


def _config(
    attack: str,
    eps: float,
    norm: str,
    seeds: Sequence[int],
    batch_size: int | None,
    settings: Mapping[str, Value],
) -> AttackConfig:
    """The settings as a job has them; raises UserError with all that is wrong with them."""
    if isinstance(seeds, Sequence) and not seeds:
        raise UserError("There are no seeds: give at least one, such as (0,).")
    asked: dict[str, Any] = {
        "attack": attack,
        "norm": norm,
        "levels": (eps,),
        "seeds": seeds,
        "batch": 0 if batch_size is None else batch_size,
        "params": settings,
    }
    config = made(AttackConfig, {"run": "", **asked})
    if wrong := of_attack(config):
        raise UserError(" ".join(wrong))
    return config


@dataclass(frozen=True)
class Pass:
    """One seed's evaluation."""

    task: Task
    verdict: Verdict
    state: EvaluationState


def _judged(target: Target, task: Task, seeds: Sequence[int]) -> list[Pass]:
    """A pass for each seed; a stage that draws nothing is done once, as in a job."""
    done: list[Pass] = []
    for seed in seeds:
        state = EvaluationState.begin(len(task.ids))
        task = replace(task, seed=seed, known=_known(task, done))
        while (verdict := _fitting(target, task, state)) is None:
            task = replace(task, size=halved(task.size))
        done.append(Pass(task, verdict, state))
    return done


def _known(task: Task, done: Sequence[Pass]) -> Mapping[int, Known]:
    """What earlier seeds tell about the stages that draw nothing, by their number from 1."""
    if not done or any(RANDOMIZED in one.state.flags for one in done):
        return {}
    stage, pred, distance = (
        np.stack([getattr(one.verdict, name) for one in done])
        for name in ("stage", "pred", "distance")
    )
    stages = enumerate(task.plan.stages, start=1)
    return {k: known(k, stage, pred, distance) for k, each in stages if each.deterministic}


def _fitting(target: Target, task: Task, state: EvaluationState) -> Verdict | None:
    """The verdict; None if a GPU's memory was short, with `state` as it was after the last
    batch."""
    try:
        return evaluate_level(target, task, state)
    except torch.OutOfMemoryError:
        pass  # its traceback holds the tensors
    torch.cuda.empty_cache()
    return None


def _result(config: AttackConfig, images: FloatImages, passes: Sequence[Pass]) -> AttackResult:
    """All seeds together."""
    task, verdicts = passes[-1].task, [one.verdict for one in passes]
    names = np.array(["", "clean", *(stage.name for stage in task.plan.stages)])
    flags = sorted(set().union(*(one.state.flags for one in passes)))
    stage, pred, distance = (
        np.stack([getattr(verdict, name) for verdict in verdicts])
        for name in ("stage", "pred", "distance")
    )
    return AttackResult(
        config.attack,
        task.eps,
        task.norm,
        config.seeds,
        task.size,
        config.params,
        task.plan.note,
        {name: FLAGS[name][1] for name in flags},
        images.labels.cpu(),
        torch.from_numpy(stage == WITHSTOOD),
        torch.from_numpy(pred).long(),
        torch.from_numpy(distance),
        names[stage - WITHSTOOD],
        sum(verdict.seconds for verdict in verdicts),
        _adversarial(images, passes) if task.keep else None,
    )


def _adversarial(images: FloatImages, passes: Sequence[Pass]) -> Tensor:
    """The images with each that was broken in place of its own, the first seed's."""
    kept: dict[int, Kept] = {}
    for one in reversed(passes):
        kept |= one.state.kept
    pixels = images.pixels.cpu().float().clone()
    for position, each in kept.items():
        pixels[position] = torch.from_numpy(each.image)
    return pixels
