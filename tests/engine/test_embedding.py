"""Embeddings: features, adversarial examples, neighbours and the layout."""

import numpy as np
import pytest
import torch
from torch import nn

from smd.data.batches import OnDevice
from smd.dealing.portions import here
from smd.errors import UserError
from smd.evaluation import embedding


class Linear(nn.Module):
    """Two classes, told apart by the mean of the pixels; the features are the pixels."""

    def features(self, x):
        return x.flatten(1)

    def forward(self, x):
        mean = x.flatten(1).mean(1)
        return torch.stack([0.5 - mean, mean - 0.5], 1)


def rows(values, labels):
    pixels = (
        torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous()
    )
    return OnDevice(pixels, torch.tensor(labels))


def clusters(n, apart=8.0):
    rng = np.random.default_rng(0)
    label = np.arange(n) % 3
    centres = apart * np.eye(3, 6)
    return (centres[label] + rng.normal(0, 1, (n, 6))).astype(np.float32), label


def test_images_are_looked_at_in_batches_and_counted():
    counted = []
    deal = here(Linear(), rows([0, 100, 200, 255], [0, 0, 1, 0]))
    seen = embedding.seen(deal, torch.tensor([3, 0, 2]), 0.0, 2, counted.append)
    assert counted == [2, 1]
    assert seen.features.shape == (3, 4)
    assert seen.features[:, 0].tolist() == pytest.approx([1, 0, 200 / 255])
    assert seen.pred.tolist() == [1, 0, 1]
    assert seen.ok.tolist() == [False, True, True]


def test_twins_stay_in_their_ball_and_cross_where_they_can():
    data = rows([120, 20], [0, 0])
    deal = here(Linear(), data)
    seen = embedding.seen(deal, torch.tensor([0, 1]), 16 / 255, 8, lambda done: None)
    moved = seen.features - data.pixels.flatten(1).numpy() / 255
    assert np.abs(moved).max() <= 16 / 255 + 1e-6
    assert seen.ok.tolist() == [False, True]  # 120 + 16 is beyond the middle, 20 + 16 is not
    assert seen.pred.tolist() == [1, 0]


def test_volumes_are_looked_at_and_attacked_like_images():
    pixels = torch.full((3, 1, 2, 2, 2), 120, dtype=torch.uint8)
    deal = here(Linear(), OnDevice(pixels, torch.zeros(3, dtype=torch.long)))
    clean, twins = (
        embedding.seen(deal, torch.arange(3), eps, 2, lambda done: None) for eps in (0, 16 / 255)
    )
    assert clean.features.shape == twins.features.shape == (3, 8)
    assert (clean.ok.all(), twins.ok.any()) == (True, False)


@pytest.mark.parametrize("origin", [0.0, 100.0])
def test_neighbours_are_exact_and_everybody_is_his_own_first(origin, monkeypatch):
    monkeypatch.setattr(embedding, "CHUNK", 128)
    points = np.random.default_rng(1).normal(origin, 1, size=(300, 4)).astype(np.float32)
    points[7] = points[3]  # two that are alike
    near, far = embedding.neighbours(points, 5)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert (near[:, 0] == np.arange(300)).all()
    assert (far[:, 0] == 0).all()
    assert np.allclose(far, np.sort(distance, axis=1)[:, :5], atol=2e-3)
    assert (near[3, 1], near[7, 1]) == (7, 3)


@pytest.mark.slow
def test_among_many_alike_nobody_is_a_neighbour_twice():
    points = np.repeat(np.eye(3, dtype=np.float32), 40, axis=0)
    near, far = embedding.neighbours(points, embedding.NEIGHBOURS)
    assert (near[:, 0] == np.arange(120)).all()
    assert all(len(set(row)) == embedding.NEIGHBOURS for row in near.tolist())
    assert (far == 0).all()
    assert np.isfinite(embedding.layout(points, 0, lambda share: None)).all()


def test_the_same_features_and_seed_give_the_same_map():
    features, _ = clusters(120)
    one, two = (embedding.layout(features, 0, lambda share: None) for _ in range(2))
    assert one.shape == (120, 2)
    assert np.array_equal(one, two)
    assert not np.array_equal(one, embedding.layout(features, 1, lambda share: None))


@pytest.mark.parametrize("n", [12, 90])
def test_groups_that_are_far_apart_stay_apart(n):
    features, label = clusters(n, apart=40.0 if n < 20 else 8.0)
    points = embedding.layout(features, 0, lambda share: None)
    assert np.isfinite(points).all()
    if n < 20:
        return  # so few are placed, no more
    middle = np.stack([points[label == k].mean(0) for k in range(3)])
    nearest = np.linalg.norm(points[:, None] - middle[None], axis=2).argmin(1)
    assert (nearest == label).mean() > 0.95


def test_progress_is_told_and_can_stop_the_layout():
    class Stop(Exception):
        pass

    features, _ = clusters(200)
    told = []
    embedding.layout(features, 0, told.append)
    assert told[-1] == 1.0
    assert told == sorted(told)

    def stop(share):
        raise Stop

    with pytest.raises(Stop):
        embedding.layout(features, 0, stop)


def test_features_that_are_all_the_same_make_one_point(capsys):
    points = embedding.layout(np.ones((20, 3), np.float32), 0, lambda share: None)
    assert (points == 0).all()
    assert capsys.readouterr().out == ""


def test_features_that_hardly_differ_make_one_point():
    features = np.random.default_rng(2).normal(size=(20, 3)).astype(np.float32) * np.float32(1e-40)
    assert (features != 0).any()
    assert (embedding.layout(features, 0, lambda share: None) == 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_features_of_a_diverged_network_are_refused(value):
    features, _ = clusters(30)
    features[4, 2] = value
    with pytest.raises(UserError, match="The network's features are not finite"):
        embedding.layout(features, 0, lambda share: None)


@pytest.mark.parametrize("n", [10, 1500])
def test_a_map_that_keeps_neighbours_is_trusted_more_than_a_shuffled_one(n):
    features = np.random.default_rng(3).normal(size=(n, 2)).astype(np.float32)
    assert embedding.trust(features, 2 * features) == 1
    assert embedding.trust(features, np.roll(features, 1, axis=0)) < 0.8


def test_nothing_is_printed_and_nobody_is_warned(capsys, recwarn):
    features, _ = clusters(80)
    embedding.layout(features, 0, lambda share: None)
    out = capsys.readouterr()
    assert (out.out, out.err) == ("", "")
    assert len(recwarn) == 0
