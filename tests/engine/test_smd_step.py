"""Algorithm 1: the engine's step against the plain transcription, and each of its decisions."""

import copy

import oracle
import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode

from smd import nets
from smd.config.schema import TrainConfig
from smd.core.margin import initial_step
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext
from smd.defenses.smd import PRESETS, SMD

EPOCHS = 150


def some_wrong(model, x, y):
    """The network and a batch of which it gets some clean samples wrong."""
    x, y = torch.cat([x[:40], x[:8]]), torch.cat([y[:40], (y[:8] + 1) % 10])
    return copy.deepcopy(model), x, y


@pytest.fixture
def mixed(trained):
    return some_wrong(*trained)


def plan_for(x, norm="Linf"):
    return RunInfo(len(x), EPOCHS, tuple(x.shape[1:]), torch.device("cpu"), norm)


def one_step(model, x, y, margins, preset="paper", norm="Linf"):
    model.zero_grad()
    state = {"margin": margins.clone()}
    batch = Batch(x, y, torch.arange(len(x)))
    result = SMD(preset).step(
        model, batch, state, StepContext(plan_for(x, norm), 0, torch.Generator().manual_seed(0))
    )
    return result, state["margin"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "preset, norm", [("paper", "Linf"), ("literal", "Linf"), ("paper", "L2"), ("literal", "L2")]
)
def test_flags_margins_and_gradients_equal_the_oracles(trained_exactly, preset, norm):
    model, x, y = some_wrong(*trained_exactly)
    margins = torch.linspace(0.005, 0.2 if norm == "Linf" else 1.2, len(x), dtype=x.dtype)
    result, new = one_step(model, x, y, margins, preset, norm)
    grads = [p.grad.clone() for p in model.parameters()]
    loss, loss0, flag1, flag2, expected = oracle.one_batch(
        model, x, y, margins, EPOCHS, preset == "literal", norm
    )
    assert torch.equal(result.clean_ok, flag1)
    assert torch.equal(result.adv_ok, flag1 & flag2)
    assert 3 < int((flag1 & flag2).sum()) < 37
    assert torch.allclose(new, expected, atol=1e-6)
    for ours, parameter in zip(grads, model.parameters(), strict=True):
        assert torch.allclose(ours, parameter.grad, atol=1e-6)
    means = {name: float(total / count) for name, (total, count) in result.means.items()}
    assert means["loss"] == pytest.approx(loss, rel=1e-5)
    assert means["loss_clean"] == pytest.approx(loss0, rel=1e-5)


def test_every_margin_starts_at_delta(mixed):
    _, x, _ = mixed
    margins = SMD().begin(plan_for(x))["margin"]
    assert margins.tolist() == pytest.approx([2 / 255] * len(x))
    lengths = SMD().begin(plan_for(x, "L2"))["margin"]
    assert lengths.tolist() == pytest.approx([2 / 255 * 8] * len(x))  # of 8 x 8 pixels


def test_in_l2_margins_come_to_the_true_distances_of_a_linear_network():
    torch.manual_seed(0)
    linear = torch.nn.Linear(16, 2)
    model = torch.nn.Sequential(torch.nn.Flatten(), linear)
    normal = linear.weight[0] - linear.weight[1]
    x = 0.5 + 0.05 * torch.randn(24, 1, 4, 4)
    with torch.no_grad():
        linear.bias[0] -= (model(x)[:, 0] - model(x)[:, 1]).min() - 0.1
        y = torch.zeros(24, dtype=torch.long)
        true = (model(x)[:, 0] - model(x)[:, 1]) / normal.norm()
    info = RunInfo(len(x), 60, (1, 4, 4), torch.device("cpu"), "L2")
    delta = initial_step(60, info.shape, "L2")
    state, batch = SMD().begin(info), Batch(x, y, torch.arange(len(x)))
    for epoch in range(60):
        context = StepContext(info, epoch, torch.Generator().manual_seed(epoch))
        before = state["margin"].clone()
        SMD().step(model, batch, state, context)
    after = state["margin"]
    assert ((after - true).abs() < delta).all()
    # one step finds the boundary, the next looks beyond it
    nearest = torch.minimum((before - true).abs(), (after - true).abs())
    assert (nearest < true / 200).all()


def test_a_misclassified_sample_keeps_its_margin(mixed):
    model, x, y = mixed
    margins = torch.full((len(x),), 0.05)
    result, new = one_step(model, x, y, margins)
    wrong = ~result.clean_ok
    assert wrong.sum() >= 8
    assert torch.equal(new[wrong], margins[wrong])
    assert not result.adv_ok[wrong].any()


def test_expansion_never_exceeds_delta_and_crossed_margins_shrink(mixed):
    model, x, y = mixed
    margins = torch.full((len(x),), 0.1)
    result, new = one_step(model, x, y, margins)
    crossed = result.clean_ok & ~result.adv_ok
    growth = new[result.adv_ok] - 0.1
    assert (growth > 0).all()
    assert (growth <= initial_step(EPOCHS, (1, 8, 8)) * 0.9**25 + 1e-7).all()
    assert (new[crossed] <= 0.1 + 1e-6).all()


def test_with_no_correct_sample_half_the_clean_loss_is_left(mixed):
    model, x, _ = mixed
    with torch.no_grad():
        wrong = (model(x).argmax(1) + 1) % 10
    margins = torch.full((len(x),), 0.05)
    result, new = one_step(model, x, wrong, margins)
    gradient = model.head.weight.grad.clone()
    model.zero_grad()
    (F.cross_entropy(model(x), wrong) / 2).backward()
    assert not result.clean_ok.any()
    assert torch.equal(new, margins)
    assert torch.allclose(gradient, model.head.weight.grad, atol=1e-7)


def test_ame_takes_its_noisy_loss_over_crossed_samples_only(mixed):
    """Where nothing crosses the noisy loss is empty, so gamma2 is 1 and delta is only cut by
    gamma1."""
    model, x, y = mixed
    margins = torch.full((len(x),), 1e-4)
    result, new = one_step(model, x, y, margins, "ame")
    assert result.adv_ok.sum() >= 35
    delta = initial_step(EPOCHS, (1, 8, 8))
    assert torch.allclose(new[result.adv_ok], torch.tensor(1e-4 + delta))
    assert float(result.means["loss_noisy"][1]) == 0


def test_ame_counts_gamma1_in_deltas(mixed):
    model, x, y = mixed
    delta = initial_step(EPOCHS, (1, 8, 8))
    margins = torch.full((len(x),), 3 * delta)
    result, new = one_step(model, x, y, margins, "ame")
    assert result.adv_ok.any()
    assert torch.allclose(new[result.adv_ok] - 3 * delta, torch.tensor(delta * 0.9**3), atol=1e-6)


def test_presets_differ_from_the_paper_where_they_say_so():
    assert PRESETS["literal"].search == "literal"
    assert PRESETS["ame"].start == "uniform"
    paper, ame = (
        TrainConfig(params={"preset": name}, recipe="official").full_recipe
        for name in ("paper", "ame")
    )
    assert paper.weight_decay == 2 * ame.weight_decay == 2e-4


@pytest.fixture
def wide():
    """A WideResNet, some samples, and its own predictions as labels for most of them."""
    torch.manual_seed(0)
    model = nets.build("wrn-28-4", (3, 8, 8), 4).train()
    x = torch.rand(6, 3, 8, 8)
    with torch.no_grad():
        y = copy.deepcopy(model)(x).argmax(1)
    y[0] = (y[0] + 1) % 4
    return model, x, y


def running_updates(model):
    return [
        int(m.num_batches_tracked) for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)
    ]


@pytest.mark.slow
def test_the_attack_leaves_running_statistics_alone(wide):
    """Two training passes, clean and noisy, and nothing of the attack's thirty."""
    model, x, y = wide
    result, _ = one_step(model, x, y, torch.full((6,), 0.01))
    assert set(running_updates(model)) == {2}
    assert not result.clean_ok[0]
    assert result.clean_ok[1:].all()


@pytest.mark.slow
def test_ame_lets_the_attack_move_running_statistics(wide):
    model, x, y = wide
    one_step(model, x, y, torch.full((6,), 0.01), "ame")
    assert min(running_updates(model)) > 20


@pytest.mark.slow
def test_under_batch_norm_the_clean_batch_statistics_are_those_of_the_attack(wide):
    """With a tiny margin nothing moves, so the labels under attack are those of the clean pass."""
    model, x, y = wide
    result, _ = one_step(model, x, y, torch.full((6,), 1e-7))
    assert torch.equal(result.adv_ok, result.clean_ok)


@pytest.mark.parametrize("preset", ["paper", "first-crossing"])
def test_with_masks_the_step_finds_what_it_finds_without(mixed, preset, monkeypatch):
    """What a GPU does, on the CPU: flags equal, margins and gradients to float noise."""
    model, x, y = mixed
    margins = torch.linspace(0.005, 0.2, len(x))
    result, new = one_step(model, x, y, margins, preset)
    grads = [p.grad.clone() for p in model.parameters()]
    monkeypatch.setattr("smd.defenses.smd.couples_samples", lambda model, like: True)
    masked, other = one_step(model, x, y, margins, preset)
    assert torch.equal(result.clean_ok, masked.clean_ok)
    assert torch.equal(result.adv_ok, masked.adv_ok)
    assert torch.allclose(new, other, atol=1e-6)
    assert all(
        torch.allclose(a, p.grad, atol=1e-6) for a, p in zip(grads, model.parameters(), strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_with_masks_no_shape_and_no_branch_waits_for_a_value(preset, monkeypatch):
    """On tensors without values: reading one, or a shape that depends on one, would raise."""
    monkeypatch.setattr("smd.defenses.smd.couples_samples", lambda model, like: True)
    with FakeTensorMode():
        model = nets.build("small-cnn", (1, 8, 8), 10)
        x, y = torch.rand(6, 1, 8, 8), torch.zeros(6, dtype=torch.long)
        state = {"margin": torch.full((6,), 0.05)}
        result = SMD(preset).step(
            model,
            Batch(x, y, torch.arange(6)),
            state,
            StepContext(plan_for(x), 0, torch.Generator()),
        )
    assert result.adv_ok.shape == (6,)
    assert all(p.grad is not None for p in model.parameters())
