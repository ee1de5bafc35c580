"""Evaluation: networks with a known margin, attacks that cheat, stages, and going on where one has
stopped."""

from dataclasses import dataclass

import pytest
import torch
from attacking import broken_off, context, evaluated
from test_epgd import Linear

from smd import attacks, registry
from smd.attacks import AttackPlan
from smd.attacks.ce_pgd import CePgd
from smd.attacks.stages import Ascent
from smd.core import losses
from smd.data.batches import OnDevice
from smd.evaluation import state as evaluation_state
from smd.evaluation.judging import SLACK


@dataclass(frozen=True)
class Cheat:
    """Steps out of the ball, or out of [0, 1]."""

    far: float
    name: str = "cheat"
    cost: float = 1.0

    def perturb(self, model, x, y, context):
        return x + self.far


class TenClasses(torch.nn.Module):
    """A linear network of ten classes; its margin is the least over the other classes."""

    def __init__(self, dim):
        super().__init__()
        self.w = torch.randn(10, dim, generator=torch.Generator().manual_seed(3))
        self.b = -self.w.sum(1) / 2  # so that mid-gray is undecided

    def forward(self, x):
        return x.flatten(1) @ self.w.T + self.b

    def margin(self, x, norm="Linf"):
        z, y = self(x), self(x).argmax(1)
        apart = (self.w[y][:, None] - self.w[None]).norm(p=1 if norm == "Linf" else 2, dim=2)
        ratio = (z.gather(1, y[:, None]) - z) / apart
        return ratio.scatter(1, y[:, None], torch.inf).amin(1)


def as_set(x, y):
    return OnDevice((255 * x).round().to(torch.uint8), y)


def known_set(model, side=4, n=200):
    """Images around mid-gray with the network's own answers as labels, and each one's true
    margin."""
    x = 0.5 + 0.3 * (torch.rand(n, 1, side, side, generator=torch.Generator().manual_seed(5)) - 0.5)
    data = as_set(x, torch.zeros(n, dtype=torch.long))
    exact = data.take(torch.arange(n)).x
    return OnDevice(data.pixels, model(exact).argmax(1)), exact


@pytest.fixture
def known():
    """A linear network of two classes, images and true margins."""
    model = Linear(16)
    data, exact = known_set(model)
    return model, data, model.margin(exact)


def reaches(verdict, margin, eps):
    """Each sample's verdict is that of its true margin, but for those within rounding of the
    level."""
    clear = (margin - eps).abs() > 1e-5
    return (
        torch.equal(torch.from_numpy(verdict.ok)[clear], (margin > eps)[clear])
        and clear.float().mean() > 0.9
    )


@pytest.mark.parametrize("eps", [0.002, 0.01, 0.03, 0.06, 0.1])
@pytest.mark.parametrize("name", ["ce-pgd", "ce-cw-pgd", "pm-pgd"])
def test_our_attacks_reach_the_closed_form_robust_accuracy(known, name, eps):
    model, data, margin = known
    verdict = evaluated(model, data, torch.arange(200), attacks.build(name, {"steps": 20}), eps)
    assert reaches(verdict, margin, eps)
    assert verdict.distance.max() <= eps + 1e-6


@pytest.mark.parametrize("eps", [0.05, 0.1])
@pytest.mark.parametrize("name", ["ce-pgd", "ce-cw-pgd", "pm-pgd"])
def test_our_attacks_reach_it_in_l2_too(name, eps):
    model = Linear(64)
    data, exact = known_set(model, 8)
    margin = model.margin(exact) * model.w.abs().sum() / model.w.norm()
    assert 0.1 < (margin > eps).float().mean() < 0.9
    verdict = evaluated(
        model, data, torch.arange(200), attacks.build(name, {"steps": 40}), eps, norm="L2"
    )
    assert reaches(verdict, margin, eps)


@pytest.mark.parametrize(("far", "reason"), [(0.2, "ball"), (float("nan"), "ball")])
def test_an_attack_that_leaves_the_ball_is_an_error_not_a_result(known, far, reason):
    model, data, _ = known
    with pytest.raises(RuntimeError, match=reason):
        evaluated(model, data, torch.arange(10), Cheat(far), 0.1)


def test_an_attack_that_leaves_the_pixels_range_is_an_error():
    model, x = Linear(16), torch.ones(4, 1, 4, 4)
    with pytest.raises(RuntimeError, match="range"):
        evaluated(model, as_set(x, model(x).argmax(1)), torch.arange(4), Cheat(0.05), 0.1)


def test_a_clean_error_counts_as_broken_at_every_level_and_is_not_attacked(known):
    model, data, _ = known
    wrong = OnDevice(data.pixels, 1 - data.labels)
    for eps in (0.0, 0.05):
        verdict = evaluated(model, wrong, torch.arange(200), Cheat(9.0), eps)
        assert not verdict.ok.any()
        assert (verdict.stage == evaluation_state.CLEAN).all()


@pytest.mark.slow
def test_the_network_is_evaluated_in_eval_mode_and_its_parameters_come_back_as_they_were(trained):
    model, x, y = trained
    model.train()
    model.zero_grad(set_to_none=True)
    next(model.parameters()).requires_grad_(False)
    evaluated(model, as_set(x, y), torch.arange(5), CePgd(1), 0.05)
    assert not model.training
    assert [p.requires_grad for p in model.parameters()] == [False] + [True] * (
        len([*model.parameters()]) - 1
    )
    assert all(p.grad is None for p in model.parameters())
    next(model.parameters()).requires_grad_(True)


def test_each_stage_gets_what_withstood_those_before(known):
    model, data, margin = known
    weak, strong = Ascent("weak", losses.ce, 1), Ascent("strong", losses.ce, 20)
    state = evaluation_state.EvaluationState.begin(200)

    class Two:
        def plan(self, classes):
            return AttackPlan((weak, strong))

    verdict = evaluated(model, data, torch.arange(200), Two(), 0.03, state=state)
    alone = evaluated(model, data, torch.arange(200), weak, 0.03)
    assert (verdict.stage == 1).sum() == (alone.stage == 1).sum() > 0
    assert state.attacked[:2] == [200, int((verdict.stage != 1).sum())]
    assert (verdict.stage == 2).sum() > 0
    assert reaches(verdict, margin, 0.03)
    accuracies = state.accuracies(["weak", "strong"])
    assert accuracies["clean"] == 1
    assert accuracies["strong"] == pytest.approx(verdict.ok.mean())


def test_cw_runs_are_tried_on_what_withstood_the_ce_runs(trained):
    model, x, y = trained
    verdict = evaluated(
        model, as_set(x, y), torch.arange(len(x)), attacks.build("ce-cw-pgd", {"steps": 5}), 0.12
    )
    alone = evaluated(
        model, as_set(x, y), torch.arange(len(x)), Ascent("ce", losses.ce, 5, 5), 0.12
    )
    assert ((verdict.stage == 1) == (alone.stage == 1)).all()
    assert verdict.ok.mean() <= alone.ok.mean()


def test_more_runs_never_break_fewer_samples(trained):
    model, x, y = trained
    ids = torch.arange(len(x))
    few, many = (
        evaluated(
            model, as_set(x, y), ids, attacks.build("ce-cw-pgd", {"steps": 5, "runs": runs}), 0.1
        ).ok
        for runs in (1, 10)
    )
    assert many.sum() <= few.sum()


def test_kept_images_are_those_that_broke_a_sample(known):
    model, data, margin = known
    ids = torch.tensor([9, 4, 150, 30, 31])
    state = evaluation_state.EvaluationState.begin(5)
    eps = float(margin[ids].quantile(0.8))
    verdict = evaluated(model, data, ids, CePgd(5), eps, size=2, state=state, keep=2)
    assert len(state.kept) == 2 < (~verdict.ok).sum()
    for position, kept in state.kept.items():
        assert not verdict.ok[position]
        again = torch.from_numpy(kept.image)[None]
        p = model(again).softmax(1)[0]
        assert p.argmax() == verdict.pred[position]
        assert torch.allclose(p, torch.from_numpy(kept.p), atol=1e-6)
        noise = again - data.take(ids[[position]]).x
        assert float(noise.abs().max()) == verdict.distance[position] <= eps + SLACK


def test_images_asked_for_are_kept_also_if_they_withstand(known):
    model, data, margin = known
    ids = margin.argsort(descending=True)[:3]
    state = evaluation_state.EvaluationState.begin(3)
    verdict = evaluated(model, data, ids, CePgd(5), 0.001, state=state, keep=3, picked=True)
    assert verdict.ok.all()
    assert sorted(state.kept) == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("stop", range(1, 12))
def test_going_on_from_any_batch_ends_the_same(trained, tmp_path, stop):
    """The state after `stop` batches is saved, read back and continued."""
    model, x, y = trained
    data, ids, attack = (
        as_set(x, y),
        torch.arange(len(x)),
        attacks.build("ce-cw-pgd", {"steps": 4, "runs": 4}),
    )
    whole, count = evaluation_state.EvaluationState.begin(len(ids)), []
    expected = evaluated(
        model,
        data,
        ids,
        attack,
        0.1,
        size=24,
        state=whole,
        keep=8,
        watch=lambda *_: count.append(1),
    )
    if stop > len(count):
        pytest.skip("it has no so many batches")
    state = broken_off(
        tmp_path / "half_done.npz",
        stop,
        lambda watch: evaluated(model, data, ids, attack, 0.1, size=24, keep=8, watch=watch),
    )
    again = evaluated(model, data, ids, attack, 0.1, size=24, state=state, keep=8)
    for name in ("ok", "pred", "distance", "stage"):
        assert (getattr(again, name) == getattr(expected, name)).all()
    assert state.attacked == whole.attacked
    assert sorted(state.kept) == sorted(whole.kept)
    assert all((state.kept[k].image == whole.kept[k].image).all() for k in whole.kept)


def test_a_state_of_something_else_or_a_broken_one_is_not_taken(tmp_path):
    path = tmp_path / "half_done.npz"
    assert evaluation_state.load(path, "this") is None
    evaluation_state.save(path, evaluation_state.EvaluationState.begin(3), "this")
    assert evaluation_state.load(path, "this").queue.tolist() == [0, 1, 2]
    assert evaluation_state.load(path, "that") is None
    path.write_bytes(path.read_bytes()[:200])
    assert evaluation_state.load(path, "this") is None


def test_progress_only_grows_and_ends_at_one(trained):
    model, x, y = trained
    shares = []
    attack = attacks.build("ce-cw-pgd", {"steps": 4})
    evaluated(
        model,
        as_set(x, y),
        torch.arange(90),
        attack,
        0.1,
        size=32,
        watch=lambda state, share: shares.append(share),
    )
    assert shares == sorted(shares)
    assert shares[0] > 0
    assert shares[-1] == 1


CHEAP = {"steps": 5}


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", [name for name, entry in registry.ATTACKS.items() if entry.params])
def test_every_attack_of_ours_stays_in_its_ball_and_depends_on_the_seed_alone(trained, name, norm):
    from smd.core import lp

    model, x, y = trained
    for stage in attacks.build(name, CHEAP).plan(10).stages:
        one, two, other = (
            stage.perturb(model, x[:8], y[:8], context(0.1, norm, seed)) for seed in (0, 0, 1)
        )
        assert (lp.length(one - x[:8], norm) <= 0.1 + 1e-6).all()
        assert one.min() >= 0
        assert one.max() <= 1
        assert torch.equal(one, two)
        assert not torch.equal(one, other)
