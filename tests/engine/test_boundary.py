"""FAB's search, which knows no noise level: the package's verdicts at any, from one search."""

import pytest
import torch
from attacking import context, evaluated
from pyautoattack.fab_pt import FABAttack_PT
from test_evaluate import as_set
from test_prior_verdicts import Of

from smd.attacks import autoattack
from smd.attacks.autoattack import Part
from smd.attacks.boundary import fab
from smd.attacks.stages import Ascent
from smd.core import losses
from smd.evaluation import state as evaluation_state
from smd.evaluation.prior_verdicts import Nearest, merged, withstood

LEVELS = {"Linf": (0.1, 0.14), "L2": (0.5, 0.9)}


def attack(model, eps, norm, targeted=True):
    return FABAttack_PT(model, norm=norm, n_iter=15, eps=eps, seed=0, targeted=targeted,
                        n_target_classes=4, device=torch.device("cpu"))  # fmt: skip


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("targeted", [True, False])
def test_its_images_are_the_packages_and_it_tells_of_other_levels(trained, norm, targeted):
    model, x, y = (trained[0], trained[1][:32], trained[2][:32])
    near, far = LEVELS[norm]
    tools = {eps: attack(model, eps, norm, targeted) for eps in (near, far)}
    for tool in tools.values():
        tool.n_restarts = 1
    expected = {eps: tool.perturb(x.clone(), y.clone()) for eps, tool in tools.items()}
    (found, nearest), (again, _) = (fab(tool, x, y) for tool in tools.values())
    assert torch.equal(found, expected[near])
    assert torch.equal(again, expected[far])
    fallen = {eps: (images != x).flatten(1).any(1) for eps, images in expected.items()}
    assert torch.equal(nearest.isnan(), fallen[near])
    assert torch.equal(nearest[~fallen[near]] > far, ~fallen[far][~fallen[near]])
    assert 0 < fallen[near].sum() < fallen[far].sum() < 32


def test_of_what_is_misclassified_from_the_start_it_tells_nothing(trained):
    model, x, y = trained
    wrong = (y[:4] + 1) % 10
    found, nearest = fab(attack(model, 0.1, "Linf"), x[:4], wrong)
    assert torch.equal(found, x[:4])
    assert nearest.isnan().all()


@pytest.mark.slow
@pytest.mark.parametrize("order", [(0.1, 0.14), (0.14, 0.1)])
def test_what_withstood_it_at_one_level_is_not_tried_at_another_unless_it_falls(
    trained, monkeypatch, order
):
    monkeypatch.setattr(autoattack, "STEPS", 15)
    model, x, y = trained
    data, ids = as_set(x, y), torch.arange(40)
    stages = Of((Ascent("weak", losses.ce, 1), Part("fab-t", 9), Ascent("last", losses.ce, 5)))
    tried, plain = [], Part.perturb
    monkeypatch.setattr(
        Part, "perturb", lambda stage, *of: tried.append(len(of[1])) or plain(stage, *of)
    )

    def both_levels(spare):
        shared, verdicts = Nearest(), []
        for eps in order:
            state = evaluation_state.EvaluationState.begin(40)
            state.nearest = shared if spare else Nearest()
            known = state.nearest.at(eps, y[:40])
            verdicts.append(
                evaluated(model, data, ids, stages, eps, size=16, state=state, known=known)
            )
        return verdicts, sum(tried)

    spared, few = both_levels(True)
    whole, both = both_levels(False)
    assert few < both - few
    for one, other in zip(spared, whole, strict=True):
        for name in ("ok", "pred", "stage"):
            assert (getattr(one, name) == getattr(other, name)).all(), name
        assert one.distance == pytest.approx(other.distance, abs=1e-5)  # other batches
    assert any((verdict.stage == 2).any() for verdict in whole)


def test_a_stage_of_fab_says_how_near_it_came(trained, monkeypatch):
    monkeypatch.setattr(autoattack, "STEPS", 15)
    model, x, y = trained
    about = context(0.05)
    Part("fab-t", 3).perturb(model, x[:6], y[:6], about)
    assert about.told["nearest"].shape == (6,)
    other = context(0.05)
    Part("apgd-ce", 3).perturb(model, x[:6], y[:6], other)
    assert other.told == {}


def test_levels_are_put_together():
    nearest = Nearest()
    nan = torch.nan
    nearest.enter(2, 4, torch.tensor([1, 3]), torch.tensor([0.5, nan]))
    nearest.enter(2, 4, torch.tensor([0, 1, 3]), torch.tensor([torch.inf, nan, 0.2]))
    known = nearest.at(0.2, torch.tensor([7, 8, 9, 6]))
    assert list(known) == [2]
    assert known[2].seen.tolist() == [True, True, False, False]
    assert known[2].pred.tolist() == [7, 8, 9, 6]
    assert not known[2].fallen.any()


def test_what_a_seed_tells_counts_before_what_levels_do():
    one, two = torch.tensor([True, True, False]), torch.tensor([False, True, False])
    levels = {2: withstood(one, torch.tensor([4, 5, 6])), 3: withstood(one, torch.zeros(3))}
    seeds = {2: withstood(two, torch.tensor([7, 8, 9])), 4: withstood(two, torch.zeros(3))}
    both = merged(levels, seeds)
    assert both.keys() == {2, 3, 4}
    assert both[2].seen.tolist() == [True, True, False]
    assert both[2].pred[:2].tolist() == [4, 8]


class Drawing(torch.nn.Module):
    """A network that answers anew each time."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        """(B, 1, H, W) -> logits (B, K)."""
        logits = self.model(x)
        return logits + 0.1 * logits.detach().abs().amax() * torch.randn_like(logits)


def test_of_a_network_that_answers_anew_it_tells_no_other_level_and_no_other_seed(
    trained, monkeypatch
):
    monkeypatch.setattr(autoattack, "STEPS", 2)
    model, x, y = trained
    about = context(0.05)
    Part("fab-t", 3).perturb(Drawing(model), x[:6], y[:6], about)
    assert about.told == {}
    assert about.flags == {"randomized"}
    sure = context(0.05)
    Part("fab-t", 3).perturb(model, x[:6], y[:6], sure)
    assert sure.flags == set()
