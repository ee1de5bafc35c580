"""Batches on the device: ids, order, augmentation."""

import numpy as np
import pytest
import torch

from smd.data.batches import OnDevice, augmented, in_order, shuffled, spread

CPU = torch.device("cpu")


def numbered(n=50, side=12):
    """Image i is filled with the value i, but for a bright pixel in a corner."""
    pixels = torch.arange(n, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 1, side, side)
    pixels[:, :, 0, 0] = 255
    return OnDevice(pixels, torch.arange(n))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_an_epoch_meets_every_sample_once_and_its_order_is_the_seeds():
    parts = shuffled(50, 16, seeded(), CPU)
    assert [len(p) for p in parts] == [16, 16, 16, 2]
    assert sorted(torch.cat(parts).tolist()) == list(range(50))
    assert torch.equal(torch.cat(parts), torch.cat(shuffled(50, 16, seeded(), CPU)))
    assert not torch.equal(torch.cat(parts), torch.cat(shuffled(50, 16, seeded(1), CPU)))


def test_a_batch_knows_who_its_samples_are():
    batch = numbered().take(torch.tensor([7, 3]))
    assert batch.idx.tolist() == [7, 3]
    assert batch.y.tolist() == [7, 3]
    assert batch.x[:, 0, 5, 5].tolist() == pytest.approx([7 / 255, 3 / 255])


@pytest.mark.parametrize(("n", "count"), [(10, 3), (10, 10), (10, 99), (1, 1), (5000, 512)])
def test_a_spread_sample_reaches_from_end_to_end_without_repeats(n, count):
    ids = spread(n, count).tolist()
    assert len(set(ids)) == len(ids) == min(n, count)
    assert ids == sorted(ids)
    assert ids[0] == 0
    assert ids[-1] == n - 1 or count == 1


def test_in_order_covers_a_set_in_class_order_fairly():
    seen = torch.cat([batch.y for batch in in_order(numbered(), 4, 10)])
    assert np.diff(seen.numpy()).max() <= 6


def test_no_augmentation_is_the_image_itself():
    x = numbered().take(torch.arange(4)).x
    assert augmented(x, "none", seeded()) is x


def test_a_crop_is_a_window_of_the_reflected_image():
    x = torch.arange(64.0).view(1, 1, 8, 8).repeat(64, 1, 1, 1)
    views = augmented(x, "crop", seeded())
    padded = torch.nn.functional.pad(x[:1], (4, 4, 4, 4), mode="reflect")
    windows = {
        tuple(padded[0, 0, r : r + 8, c : c + 8].flatten().tolist())
        for r in range(9)
        for c in range(9)
    }
    shown = {tuple(view.flatten().tolist()) for view in views}
    assert shown <= windows
    assert len(shown) > 10


def test_flips_happen_to_about_half_and_only_where_asked_for():
    x = torch.linspace(0, 1, 8).repeat(8, 1).view(1, 1, 8, 8).repeat(400, 1, 1, 1)
    rising = lambda views: ((views[..., 5] > views[..., 4]).all(dim=(1, 2))).float().mean()  # noqa: E731
    assert 0.35 < float(rising(augmented(x, "crop+flip", seeded()))) < 0.65
    assert float(rising(augmented(x, "crop", seeded()))) > 0.8
