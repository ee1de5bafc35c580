"""MART: boosted cross-entropy, and a divergence weighted by how wrong the clean answer is."""

import pytest
import torch
import torch.nn.functional as F
from defenses import observed, plain_at

from smd.defenses.mart import MART, boosted, weighted_divergence


@pytest.mark.slow
@pytest.mark.parametrize("beta", [5.0, 6.0])
def test_iterates_loss_and_gradients_equal_the_formulas(trained, beta):
    model, x, y = observed.some(trained)
    seen = observed.stepped(MART(beta), model, x, y)
    starts = x + 0.001 * torch.randn(x.shape, generator=observed.seeded(), dtype=x.dtype)
    expected = plain_at.paths(
        model, x, starts, 8 / 255, 0.007, 10, [plain_at.xent(int(label)) for label in y]
    )
    for ours, theirs in zip(seen.attacked(), expected[:-1], strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)
    assert torch.allclose(seen.inputs[-1], expected[-1], atol=1e-6)
    loss = plain_at.mart_loss(model, x, expected[-1], y, beta)
    assert seen.means()["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert seen.means()["loss_clean"] == pytest.approx(
        F.cross_entropy(model(x), y).item(), rel=1e-5
    )
    assert seen.means()["loss_noisy"] == pytest.approx(
        plain_at.at_loss(model, expected[-1], y).item(), rel=1e-5
    )
    assert observed.gradients_are_of(loss, model, seen.gradients)


def test_the_gradient_passes_through_the_clean_answer_and_its_weight(trained):
    model, x, y = observed.some(trained)
    seen = observed.stepped(MART(), model, x, y)
    clean, noisy = model(x), model(seen.inputs[-1])
    p = clean.softmax(1)
    weight = 1 - p.gather(1, y[:, None]).squeeze(1)
    each = F.kl_div(
        noisy.log_softmax(1), clean.log_softmax(1), reduction="none", log_target=True
    ).sum(1)
    for frozen in (each * weight.detach(), weighted_divergence(clean.detach(), noisy, y)):
        loss = boosted(noisy, y).mean() + 6 * frozen.mean()
        assert not observed.gradients_are_of(loss, model, seen.gradients)


def test_the_rival_is_the_top_class_if_wrong_and_else_the_runner_up():
    probabilities = torch.tensor([[0.2, 0.7, 0.1], [0.7, 0.2, 0.1]]).log()
    y = torch.tensor([0, 0])
    expected = -torch.log(torch.tensor([0.2, 0.7])) - torch.log(1.0001 - torch.tensor([0.7, 0.2]))
    assert torch.allclose(boosted(probabilities, y), expected, atol=1e-6)


def test_the_loss_stays_finite_where_the_network_is_sure_and_wrong():
    noisy = torch.tensor([[0.0, 200.0, 0.0]], requires_grad=True)
    clean = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    y = torch.tensor([0])
    loss = (boosted(noisy, y) + weighted_divergence(clean, noisy, y)).sum()
    loss.backward()
    assert loss.item() == pytest.approx(200 - torch.log(torch.tensor(0.0001)).item(), rel=1e-3)
    assert torch.isfinite(noisy.grad).all()
    assert torch.isfinite(clean.grad).all()


def test_there_is_no_clean_cross_entropy_in_the_loss():
    """Where clean and noisy answers agree, the boosted cross-entropy of the noisy ones is all."""
    logits = torch.tensor([[1.0, 0.0, -1.0]])
    y = torch.tensor([1])
    assert float(weighted_divergence(logits, logits, y)) == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_running_statistics_move_by_a_clean_and_a_noisy_pass_and_by_no_attack():
    model, x, y = observed.wide()
    seen = observed.stepped(MART(), model, x, y)
    assert seen.training == [False] * 10 + [True] * 2
    assert observed.running_updates(model) == 2
    assert model.training


def test_the_start_is_not_clipped(trained):
    model, x, y = observed.some(trained)
    start = observed.stepped(MART(), model, x, y).inputs[0]
    assert float(start.min()) < 0
    assert 0.0009 < float((start - x).std()) < 0.0011


def test_what_is_wrong_when_clean_does_not_count_as_withstanding(trained):
    model, x, y = observed.some(trained, 60)
    result = observed.stepped(MART(eps=32 / 255), model, x, y).result
    assert torch.equal(result.clean_ok, model(x).argmax(1) == y)
    assert not result.adv_ok[~result.clean_ok].any()
    assert 0 < int(result.adv_ok.sum()) < int(result.clean_ok.sum())
