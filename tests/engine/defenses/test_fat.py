"""FAT: the step against the plain transcription, and each of its decisions."""

import copy
from itertools import pairwise

import pytest
import torch
from defenses import plain_stopping as plain
from defenses.stepping import (
    SEED,
    Scripted,
    context,
    doubled,
    grey,
    loss_of,
    running_updates,
    same_gradients,
    step,
    wide,
)

from smd.defenses.fat import FAT, OMEGA, stride, tau


@pytest.mark.slow
@pytest.mark.parametrize("epoch, expected_tau", [(0, 0), (60, 1), (119, 2)])
@pytest.mark.parametrize("eps", [8 / 255, 32 / 255])
def test_images_steps_loss_and_gradients_equal_the_plain_ones(trained, eps, epoch, expected_tau):
    model, x, y = doubled(trained)
    result, state, seen = step(FAT(eps), model, x, y, epoch)
    other = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(SEED)
    start, noise = plain.uniform_start(x, eps, generator), plain.gaussians(x, generator)
    found = [
        plain.fat_image(
            other, x[i], y[i], start[i], eps, stride(eps), expected_tau, [n[i] for n in noise]
        )
        for i in range(len(x))
    ]
    images, taken = torch.stack([image for image, _ in found]), [steps for _, steps in found]
    loss, ok = plain.trained_on(other, images, y)
    assert torch.allclose(seen[-1], images, atol=1e-5)
    assert state["steps"].tolist() == taken
    assert len(set(taken)) > 1
    assert loss_of(result) == pytest.approx(loss, rel=1e-5)
    assert result.adv_ok.tolist() == ok
    assert same_gradients(model, other)


def test_it_looks_at_no_clean_image(trained):
    model, x, y = doubled(trained)
    result, _, seen = step(FAT(), model, x, y)
    assert result.clean_ok is None
    assert set(result.means) == {"loss"}
    assert not any(torch.equal(fed[:1], x[:1]) for fed in seen)


def test_an_image_that_is_wrong_at_its_random_start_is_emitted_there():
    x, y = grey()
    _, state, seen = step(FAT(), Scripted("WW"), x, y)
    assert state["steps"].tolist() == [0]
    assert torch.equal(seen[0], seen[1])
    assert 0 < float((seen[1] - x).abs().max()) <= 8 / 255 + 1e-7


def test_wrong_iterates_use_up_tau_even_if_right_ones_lie_between():
    """With tau 2 the third wrong one is emitted: x'(5) after five steps."""
    x, y = grey()
    _, state, _ = step(FAT(), Scripted("WRRWRWR"), x, y, epoch=119)
    assert state["steps"].tolist() == [5]


def test_after_the_last_step_an_image_is_not_tested_again():
    x, y = grey()
    model = Scripted("RRRRRRRRRRW")
    result, state, _ = step(FAT(), model, x, y)
    assert model.calls == 11  # ten tests and the training pass
    assert state["steps"].tolist() == [10]
    assert not result.adv_ok.any()


def test_noise_is_added_to_every_step_and_projected_with_it():
    class Flat(Scripted):
        def forward(self, x):
            return super().forward(0 * x)

    x, y = torch.full((1, 1, 64, 64), 0.5), torch.zeros(1, dtype=torch.long)
    _, _, seen = step(FAT(0.5), Flat("R" * 11), x, y)
    moves = torch.stack([b - a for a, b in pairwise(seen)])
    inside = (seen[0] - x).abs() < 0.45
    assert float(moves[:, inside].std()) == pytest.approx(OMEGA, rel=0.02)
    _, _, seen = step(FAT(OMEGA / 2), Flat("R" * 11), x, y)
    assert all(float((fed - x).abs().max()) <= OMEGA / 2 + 1e-7 for fed in seen)


def test_tau_is_0_1_and_2_from_epochs_1_51_and_91_of_120_on():
    assert [tau(context(epoch, 120, 1)) for epoch in (0, 49, 50, 89, 90, 119)] == [0, 0, 1, 1, 2, 2]


def test_tau_scales_with_the_runs_length():
    assert [tau(context(epoch, 12, 1)) for epoch in range(12)] == [0] * 5 + [1] * 4 + [2] * 3


def test_the_published_step_is_kept_up_to_16_and_grows_beyond():
    assert [stride(k / 255) for k in (2, 4, 8, 12, 16)] == [0.007] * 5
    assert stride(32 / 255) == pytest.approx(8 / 255)


def test_the_attack_uses_running_statistics_and_leaves_them_alone():
    model, x, y = wide()
    step(FAT(), model, x, y)
    assert running_updates(model) == {1}  # the training pass
    assert model.training


def test_under_batch_norm_an_image_does_not_depend_on_the_others_still_attacked():
    model, x, y = wide()
    with torch.no_grad():
        y = copy.deepcopy(model).eval()(x).argmax(1)
    before = copy.deepcopy(model)
    _, state, seen = step(FAT(), model, x, y)
    mixed = y.clone()
    mixed[1:] = (y[1:] + 1) % 4  # these stop at once
    _, other, alone = step(FAT(), before, x, mixed)
    assert state["steps"][0] == other["steps"][0] > 0
    assert not other["steps"][1:].any()
    assert torch.allclose(seen[-1][0], alone[-1][0], atol=1e-5)
