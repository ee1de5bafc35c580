"""Stages that draw nothing: done once, taken over by later seeds, with the same verdicts."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from attacking import broken_off, context, evaluated
from test_evaluate import as_set

from smd.attacks import AttackPlan, autoattack
from smd.attacks.autoattack import AutoAttack, Part
from smd.attacks.stages import Ascent
from smd.core import losses, lp, pgd
from smd.evaluation import state as evaluation_state
from smd.evaluation.prior_verdicts import known

EPS = 0.13


@dataclass(frozen=True)
class OneStep:
    """A single step uphill without a random start, which counts what it is tried on."""

    name: str = "one-step"
    cost: float = 3.0
    deterministic: bool = True
    tried: list[int] = field(default_factory=list)

    def perturb(self, model, x, y, context):
        self.tried.append(len(x))
        _, gradient = pgd.input_gradient(model, losses.ce, x, y)
        return (x + context.eps * lp.unit_step(gradient, context.norm)).clamp(0, 1)


@dataclass(frozen=True)
class Of:
    """An attack of these stages."""

    stages: tuple

    def plan(self, classes):
        return AttackPlan(self.stages)


def three(middle):
    """Random stages around one that draws nothing."""
    return Of((Ascent("weak", losses.ce, 1), middle, Ascent("strong", losses.ce, 10)))


def told(*verdicts, number=2):
    return {
        number: known(number, *(np.stack([getattr(v, name) for v in verdicts]) for name in NAMES))
    }


NAMES = ("stage", "pred", "distance")


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", ["fab", "fab-t"])
def test_fab_draws_nothing_so_a_seed_changes_nothing(trained, monkeypatch, name, norm):
    monkeypatch.setattr(autoattack, "STEPS", 20)
    model, x, y = trained
    stage = Part(name, 3)
    eps = EPS if norm == "Linf" else 0.75
    one, other = (stage.perturb(model, x[:8], y[:8], context(eps, norm, seed)) for seed in (0, 1))
    assert torch.equal(one, other)
    assert not torch.equal(one, x[:8])


def test_only_fab_of_autoattacks_stages_is_settled():
    stages = [stage for classes in (3, 10) for stage in AutoAttack().plan(classes).stages]
    assert {stage.name for stage in stages if stage.deterministic} == {"fab", "fab-t"}


@pytest.mark.slow
def test_what_fab_did_with_one_seed_need_not_be_done_with_the_next(trained, monkeypatch):
    """Some samples fall to FAB and some withstand it; with and without taking over, all verdicts
    are the same."""
    monkeypatch.setattr(autoattack, "QUERIES", 100)
    monkeypatch.setattr(autoattack, "STEPS", 40)
    model, x, y = trained
    data, ids = as_set(x, y), torch.arange(40)
    attack = Of((Ascent("weak", losses.ce, 1), Part("fab-t", 9), Part("square", 9)))
    first = evaluated(model, data, ids, attack, EPS, seed=0, size=16)
    assert (first.stage == 2).sum() > 0
    assert first.ok.sum() > 0
    whole, spared = (
        evaluation_state.EvaluationState.begin(40),
        evaluation_state.EvaluationState.begin(40),
    )
    without = evaluated(model, data, ids, attack, EPS, seed=1, size=16, state=whole)
    carried = evaluated(
        model, data, ids, attack, EPS, seed=1, size=16, state=spared, known=told(first)
    )
    for name in ("ok", "pred", "stage"):
        assert (getattr(carried, name) == getattr(without, name)).all()
    assert carried.distance == pytest.approx(without.distance, abs=1e-5)
    assert spared.attacked == whole.attacked
    assert (carried.stage == 2).sum() > 0


def test_only_samples_that_did_not_come_to_it_before_are_tried(trained):
    model, x, y = trained
    data, ids, stage = as_set(x, y), torch.arange(90), OneStep()
    first, second = (
        evaluated(model, data, ids, three(stage), EPS, seed=seed, size=90) for seed in (0, 1)
    )
    before, again = (
        (v.stage == evaluation_state.WITHSTOOD) | (v.stage >= 2) for v in (first, second)
    )
    assert stage.tried == [before.sum(), again.sum()]
    assert (new := (again & ~before).sum()) > 0
    third = evaluated(model, data, ids, three(stage), EPS, seed=1, size=90, known=told(first))
    assert stage.tried[2:] == [new]
    assert (third.stage == second.stage).all()
    evaluated(model, data, ids, three(stage), EPS, seed=1, size=90, known=told(first, second))
    assert len(stage.tried) == 3


def test_a_stage_that_draws_nothing_and_comes_last_leaves_class_and_noise_as_without(trained):
    model, x, y = trained
    data, ids = as_set(x, y), torch.arange(60)
    attack = Of((Ascent("weak", losses.ce, 1), OneStep()))
    first, second = (evaluated(model, data, ids, attack, EPS, seed=seed) for seed in (0, 1))
    carried = evaluated(model, data, ids, attack, EPS, seed=1, known=told(first))
    assert (carried.pred == second.pred).all()
    assert carried.distance == pytest.approx(second.distance, abs=1e-6)


def test_the_first_seed_with_which_a_sample_came_to_the_stage_tells():
    stage = np.array([[1, 0, 2, -1, 1], [2, 0, 2, 3, 1]], np.int16)
    pred = np.array([[10, 11, 12, 13, 14], [20, 21, 22, 23, 24]], np.int16)
    found = known(2, stage, pred, pred.astype(np.float32))
    assert found.seen.tolist() == [True, False, True, True, False]
    assert found.pred[found.seen].tolist() == [20, 12, 13]
    assert found.fallen[found.seen].tolist() == [True, True, False]
    assert found.distance[found.seen].tolist() == [20, 12, 13]


@pytest.mark.slow
@pytest.mark.parametrize("stop", range(1, 14))
def test_going_on_from_any_batch_ends_the_same_where_verdicts_are_taken_over(
    trained, tmp_path, stop
):
    model, x, y = trained
    data, ids, attack = as_set(x, y), torch.arange(90), three(OneStep())
    given = told(evaluated(model, data, ids, attack, EPS, seed=0))
    count = []
    expected = evaluated(
        model,
        data,
        ids,
        attack,
        EPS,
        seed=1,
        size=20,
        known=given,
        watch=lambda *_: count.append(1),
    )
    if stop > len(count):
        pytest.skip("it has no so many batches")
    state = broken_off(
        tmp_path / "half_done.npz",
        stop,
        lambda watch: evaluated(
            model, data, ids, attack, EPS, seed=1, size=20, known=given, watch=watch
        ),
    )
    again = evaluated(model, data, ids, attack, EPS, seed=1, size=20, known=given, state=state)
    for name in ("ok", "pred", "distance", "stage"):
        assert (getattr(again, name) == getattr(expected, name)).all()


def test_progress_only_grows_and_ends_at_one_where_verdicts_are_taken_over(trained):
    model, x, y = trained
    data, ids, attack = as_set(x, y), torch.arange(90), three(OneStep())
    given = told(evaluated(model, data, ids, attack, EPS, seed=0))
    shares = []
    evaluated(
        model,
        data,
        ids,
        attack,
        EPS,
        seed=1,
        size=20,
        known=given,
        watch=lambda state, share: shares.append(share),
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1
