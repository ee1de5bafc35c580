"""CAT: a curriculum of attack steps, mixed within the batch."""

import pytest
import torch
from defenses import observed, plain_at, plain_cat

from smd.defenses.cat import CAT, shares


@pytest.mark.parametrize(("epoch", "k"), [(0, 0), (45, 3), (119, 7)])
def test_the_mixed_batch_its_loss_and_gradients_equal_the_formulas(trained, epoch, k):
    model, x, y = observed.some(trained, 19)
    seen = observed.stepped(CAT(), model, x, y, epoch)
    expected = plain_cat.mixed(model, x, y, k, 8 / 255, observed.seeded())
    assert torch.allclose(seen.inputs[-1], expected, atol=1e-6)
    loss = plain_at.at_loss(model, expected, y)
    clean = 19 // (k + 1)
    assert seen.means()["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert seen.result.means["loss_clean"][1] == clean
    assert seen.result.means["loss_noisy"][1] == 19 - clean
    natural = plain_at.at_loss(model, x[:clean], y[:clean])
    assert float(seen.result.means["loss_clean"][0]) == pytest.approx(
        natural.item() * clean, rel=1e-5
    )
    assert observed.gradients_are_of(loss, model, seen.gradients)


def test_the_strength_rises_by_one_in_equal_shares_of_the_run():
    x = torch.zeros(1, 1, 8, 8)
    strengths = [CAT().strength(observed.at(x, epoch, 80)) for epoch in range(80)]
    assert strengths == [k for k in range(8) for _ in range(10)]
    assert [CAT().strength(observed.at(x, epoch, 4)) for epoch in range(4)] == [0, 2, 4, 6]
    assert CAT(max_k=3).strength(observed.at(x, 99, 100)) == 3


def test_the_last_part_takes_the_remainder_and_small_batches_are_all_last_part():
    assert shares(128, 7) == [16] * 8
    assert shares(19, 3) == [4, 4, 4, 7]
    assert shares(5, 7) == [0] * 7 + [5]


def test_a_batch_smaller_than_its_parts_is_trained_on_with_the_longest_attack(trained):
    model, x, y = observed.some(trained, 5)
    seen = observed.stepped(CAT(), model, x, y, epoch=119)
    assert len(seen.inputs) == 8
    assert float(seen.result.means["loss_clean"][1]) == 0
    assert float((seen.inputs[-1] - x).abs().max()) == pytest.approx(8 / 255)


def test_the_first_part_stays_clean_and_the_others_stay_in_the_ball(trained):
    model, x, y = observed.some(trained, 16)
    noise = observed.stepped(CAT(), model, x, y, epoch=119).inputs[-1] - x
    assert not noise[:2].any()
    assert (noise[2:].abs().amax((1, 2, 3)) > 1 / 255).all()
    assert float(noise.abs().max()) <= 8 / 255 + 1e-9


def test_the_attack_runs_in_train_mode_part_by_part_and_moves_running_statistics():
    """Parts of 1, 2 and 3 steps, each with batch statistics of its own, and the loss's pass over
    all."""
    model, x, y = observed.wide(8)
    seen = observed.stepped(CAT(max_k=3), model, x, y, epoch=119)
    assert all(seen.training)
    assert [len(shown) for shown in seen.inputs] == [2] * 6 + [8]
    assert observed.running_updates(model) == 7


def test_training_images_are_not_quantised(trained):
    model, x, y = observed.some(trained, 16)
    noisy = observed.stepped(CAT(), model, x, y, epoch=119).inputs[-1][2:] * 15
    assert float((noisy - noisy.round()).abs().max()) > 0.1


def test_still_right_is_told_of_the_image_that_was_trained_on(trained):
    model, x, y = observed.some(trained, 60)
    seen = observed.stepped(CAT(eps=48 / 255), model, x, y, epoch=119)
    assert seen.result.clean_ok is None
    assert torch.equal(seen.result.adv_ok, model(seen.inputs[-1]).argmax(1) == y)
    assert 0 < int(seen.result.adv_ok.sum()) < 57
