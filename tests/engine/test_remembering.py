"""Auto-PGD on a network that remembers where its images were."""

import pytest
import torch
import torch.nn.functional as F
from asking import Counted
from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted

from smd.attacks.remembering import PASSES, Remembering


def climbed(model, x, y, kind, **settings):
    attack = kind(model, norm="Linf", eps=0.13, seed=0, n_iter=100, device=x.device, **settings)
    with torch.random.fork_rng(), torch.no_grad():
        return attack.perturb(x.clone(), y.clone())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "settings"), [(APGDAttack, {"loss": "ce"}), (APGDAttack_targeted, {})]
)
def test_auto_pgd_ends_the_same_with_fewer_passes(trained, kind, settings):
    model, x, y = trained
    plain, spared = Counted(model), Counted(model)
    expected = climbed(plain, x[:24], y[:24], kind, **settings)
    found = climbed(Remembering(spared), x[:24], y[:24], kind, **settings)
    assert torch.allclose(found, expected, atol=1e-6)
    assert (found != x[:24]).any()
    assert spared.asked < 0.95 * plain.asked


def gradient(model, loss, x):
    x = x.clone().requires_grad_()
    logits = model(x)
    return logits.detach(), torch.autograd.grad(loss(logits).sum(), x)[0]


def first(logits):
    return logits[:, 0]


def entropy(logits):
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long), reduction="none")


def test_what_it_remembers_is_what_the_network_answers(trained):
    """Images that stay, move, come back after one or two passes, and one after more of them."""
    model, x, _ = trained
    counted = Counted(model)
    memory = Remembering(counted)
    a, b, c = x[:4], x[4:8], x[8:12]
    mixed = torch.stack([a[0], b[1], c[2], a[3]])
    for points, asked in ((a, 4), (a, 0), (b, 4), (mixed, 1), (b, 1 + 0 + 1 + 0), (c, 3)):
        before = counted.asked
        logits, down = gradient(memory, first, points)
        assert torch.allclose(logits, model(points).detach(), atol=1e-5)
        assert torch.allclose(down, gradient(model, first, points)[1], atol=1e-6)
        assert counted.asked - before <= max(asked, 4)
    assert len(memory.passes) == PASSES


def test_an_image_that_stays_is_not_asked_about_again(trained):
    model, x, _ = trained
    counted = Counted(model)
    memory = Remembering(counted)
    gradient(memory, first, x[:4])
    moved = torch.cat([x[:3], x[3:4] / 2])
    gradient(memory, first, moved)
    assert counted.asked == 5
    gradient(memory, first, x[:4])
    assert counted.asked == 5


def test_another_loss_at_the_same_point_is_asked_for_anew(trained):
    model, x, _ = trained
    memory = Remembering(model)
    gradient(memory, first, x[:4])
    found = gradient(memory, entropy, x[:4])[1]
    assert torch.allclose(found, gradient(model, entropy, x[:4])[1], atol=1e-6)
    assert not torch.allclose(found, gradient(model, first, x[:4])[1], atol=1e-3)


def test_who_writes_into_images_gradients_or_logits_changes_no_memory(trained):
    model, x, _ = trained
    memory = Remembering(model)
    point = x[:4].clone().requires_grad_()
    logits = memory(point)
    (down,) = torch.autograd.grad(first(logits).sum(), point)
    with torch.no_grad():
        for each in (point, logits.detach(), down):
            each.zero_()
    logits, down = gradient(memory, first, x[:4])
    assert torch.allclose(logits, model(x[:4]).detach(), atol=1e-5)
    assert torch.allclose(down, gradient(model, first, x[:4])[1], atol=1e-6)


def test_other_images_are_no_images_that_it_remembers(trained):
    model, x, _ = trained
    memory = Remembering(model)
    gradient(memory, first, x[:4])
    logits, _ = gradient(memory, first, x[:3])
    assert torch.allclose(logits, model(x[:3]).detach(), atol=1e-5)


def test_without_gradients_it_is_the_network(trained):
    model, x, _ = trained
    counted = Counted(model)
    memory = Remembering(counted)
    for _ in range(2):
        with torch.no_grad():
            memory(x[:4])
    assert counted.asked == 8
