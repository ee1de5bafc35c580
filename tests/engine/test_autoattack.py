"""AutoAttack through our stages.

The verdicts of pyautoattack itself, few classes, and its checks.
"""

import sys

import pyautoattack
import pytest
import torch
from attacking import context, evaluated
from test_epgd import Linear
from test_evaluate import TenClasses, as_set, known_set, reaches
from torch import nn

from smd.attacks import autoattack
from smd.attacks.autoattack import AutoAttack
from smd.core import lp
from smd.evaluation import state as evaluation_state


@pytest.fixture
def tracing():
    """pyautoattack's own evaluation ends whatever traces the process."""
    before = sys.gettrace()
    yield
    sys.settrace(before)


@pytest.fixture
def few_queries(monkeypatch):
    """Square asks less often than it does by the standard, to save time."""
    monkeypatch.setattr(autoattack, "QUERIES", 600)


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "eps"), [("Linf", 0.14), ("L2", 0.75)])
def test_verdicts_are_those_of_pyautoattack_sample_by_sample(
    trained, tracing, few_queries, norm, eps
):
    """All settings are the standard ones but Square's queries, fewer on both sides."""
    model, x, y = trained
    data, ids = as_set(x, y), torch.arange(20)
    exact = data.take(ids)
    official = pyautoattack.AutoAttack(
        model, norm=norm, eps=eps, seed=0, device="cpu", version="standard"
    )
    assert official.square.n_queries == 5000
    official.square.n_queries = 600
    x_adv, _ = official.run_standard_evaluation(exact.x, exact.y, batch_size=10)
    with torch.no_grad():
        expected = model(x_adv).argmax(1) == exact.y
    assert 0 < expected.sum() < 20
    state = evaluation_state.EvaluationState.begin(20)
    verdict = evaluated(
        model, data, ids, AutoAttack(), eps, size=10, norm=norm, state=state, keep=20
    )
    assert torch.equal(torch.from_numpy(verdict.ok), expected)
    images = torch.stack([torch.from_numpy(kept.image) for _, kept in sorted(state.kept.items())])
    assert torch.allclose(images, x_adv[~expected], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_it_reaches_the_closed_form_robust_accuracy_of_ten_classes(few_queries, norm):
    model = TenClasses(64)
    data, exact = known_set(model, 8, 60)
    margin = model.margin(exact, norm)
    eps = float(margin.quantile(0.7)) + 1e-4
    verdict = evaluated(model, data, torch.arange(60), AutoAttack(), eps, size=60, norm=norm)
    assert reaches(verdict, margin, eps)


@pytest.mark.slow
def test_it_reaches_the_closed_form_robust_accuracy_of_two_classes(few_queries):
    model = Linear(64)
    data, exact = known_set(model, 8, 60)
    margin = model.margin(exact)
    for share in (0.3, 0.8):
        eps = float(margin.quantile(share)) + 1e-4
        assert reaches(
            evaluated(model, data, torch.arange(60), AutoAttack(), eps, size=60), margin, eps
        )


@pytest.mark.parametrize(
    ("classes", "names", "targets"),
    [
        (2, ["apgd-ce", "fab", "square"], None),
        (3, ["apgd-ce", "apgd-dlr", "fab", "square"], None),
        (4, ["apgd-ce", "apgd-t", "fab-t", "square"], 3),
        (8, ["apgd-ce", "apgd-t", "fab-t", "square"], 7),
        (10, ["apgd-ce", "apgd-t", "fab-t", "square"], 9),
        (100, ["apgd-ce", "apgd-t", "fab-t", "square"], 9),
    ],
)
def test_attacks_and_targets_fit_the_number_of_classes(classes, names, targets):
    plan = AutoAttack().plan(classes)
    assert [stage.name for stage in plan.stages] == names
    assert targets is None or {stage.targets for stage in plan.stages} == {targets}
    assert bool(plan.note) == (classes < 10)
    assert str(classes) in plan.note or classes >= 10
    assert (plan.package, plan.version) == ("pyautoattack", "0.2.0")


def test_the_full_number_of_queries_and_steps_is_asked_for(trained):
    model, _, _ = trained
    parts = {
        stage.name: stage.package_attack(model, context(0.1), torch.device("cpu"), None)
        for stage in AutoAttack().plan(10).stages
    }
    assert parts["square"].n_queries == 5000
    assert parts["square"].rescale_schedule is False
    assert {tool.n_iter for name, tool in parts.items() if name != "square"} == {100}
    assert {parts[name].n_target_classes for name in ("apgd-t", "fab-t")} == {9}
    assert {tool.n_restarts for tool in parts.values()} == {1}


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3, 4, 5])
def test_every_stage_runs_on_few_classes(classes):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, classes)).eval()
    x = torch.rand(6, 1, 8, 8)
    y = model(x).argmax(1)
    for stage in AutoAttack().plan(classes).stages[:-1]:
        found = stage.perturb(model, x, y, context(0.3))
        assert (lp.length(found - x, "Linf") <= 0.3 + 1e-6).all()
        assert (model(found).argmax(1) != y).any()


def test_it_leaves_the_global_generator_alone(trained):
    model, x, y = trained
    torch.manual_seed(7)
    before = torch.get_rng_state()
    AutoAttack().plan(10).stages[0].perturb(model, x[:4], y[:4], context(0.1))
    assert torch.equal(torch.get_rng_state(), before)


class Masked(nn.Module):
    """Pixels are rounded to few steps first: nothing changes for a small noise, and no gradient
    comes through."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner((4 * x).round() / 4)


class Noisy(Masked):
    """It answers differently every time."""

    def forward(self, x):
        return self.inner(x + 0.2 * torch.rand_like(x))


class Sure(Masked):
    """It answers with probabilities."""

    def forward(self, x):
        return self.inner(x).softmax(1)


def flags(model, x, y, eps=0.2, n=12):
    state = evaluation_state.EvaluationState.begin(n)
    with torch.no_grad():
        y = model(x[:n]).argmax(1)
    evaluated(model, as_set(x[:n], y), torch.arange(n), AutoAttack(), eps, state=state)
    return state.flags


@pytest.mark.slow
def test_a_gradient_masked_network_raises_the_badges(trained, few_queries):
    model, x, y = trained
    assert {"zero-gradient", "square"} <= flags(Masked(model), x, y)


def test_random_answers_and_probabilities_raise_theirs(trained):
    model, x, y = trained
    plan = AutoAttack().plan(10)
    assert plan.flags_before(Noisy(model), x, y) == {"randomized"}
    assert plan.flags_before(Sure(model), x, y) == {"probabilities"}


def test_an_honest_network_raises_none(trained):
    model, x, y = trained
    assert flags(model, x, y) == set()


def test_few_classes_raise_theirs():
    model = Linear(16)
    assert AutoAttack().plan(2).flags_before(
        model, torch.rand(4, 1, 4, 4), torch.zeros(4, dtype=torch.long)
    ) == {"few-classes"}


def test_the_check_for_gradients_inside_puts_the_trace_function_back(trained):
    model, x, y = trained
    before = sys.gettrace()

    def trace(frame, event, arg):
        return None

    sys.settrace(trace)
    try:
        AutoAttack().plan(10).flags_before(model, x[:4], y[:4])
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)
