"""Helpers of the attack tests: evaluation without a job, and single stages."""

import pytest
import torch

from smd import attacks
from smd.attacks import BatchContext
from smd.evaluation import evaluate
from smd.evaluation import state as evaluation_state
from smd.evaluation.evaluate import Target, Task


def evaluated(
    model,
    data,
    ids,
    attack,
    eps,
    seed=0,
    size=64,
    norm="Linf",
    state=None,
    watch=None,
    classes=None,
    **kept,
):
    """The verdict of an attack, as a job would come to it."""
    if classes is None:
        with torch.no_grad():
            classes = model(data.take(ids[:1]).x).shape[1]
    plan = attack.plan(classes) if hasattr(attack, "plan") else attacks.AttackPlan((attack,))
    task = Task(ids, plan, eps, seed, size, norm, **kept)
    return evaluate.evaluate_level(
        Target(model, data, watch or (lambda state, share: None)), task, state
    )


def broken_off(path, stop, evaluation):
    """The state of `evaluation(watch)` after `stop` batches, saved at path and read back."""

    class Stop(Exception):
        pass

    batches = []

    def watch(state, share):
        evaluation_state.save(path, state, "x")
        batches.append(share)
        if len(batches) == stop:
            raise Stop

    with pytest.raises(Stop):
        evaluation(watch)
    return evaluation_state.load(path, "x")


def context(eps, norm="Linf", seed=0, batch=0):
    return BatchContext(seed, batch, eps, norm)
