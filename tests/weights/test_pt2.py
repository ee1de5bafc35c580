"""A .pt2 file as a network: the same logits and gradients, in batches of any size."""

import pytest
import torch
import torch.nn.functional as F
from making_weights import small
from torch import nn
from torch.export import Dim, export, save

from smd import weights
from smd.errors import UserError

SHAPE = (3, 6, 6)


class Fixed(nn.Module):
    """Its export holds the number of images."""

    def __init__(self):
        super().__init__()
        self.inner = small()
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.5), persistent=False)

    def forward(self, x):
        x = self.inner.conv((x - self.mean) / 0.25)
        maps = F.silu(F.max_pool2d(torch.relu_(self.inner.bn(x)), 2))
        return self.inner.fc(maps.mean((2, 3)).view(x.size(0), -1))


class Attention(nn.Module):
    """Tokens, matrices that are no weights, and sizes that are computed."""

    def __init__(self):
        super().__init__()
        self.patch, self.head = nn.Conv2d(3, 8, 2, 2), nn.Linear(8, 5)
        self.mixed = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = tokens + self.mixed(tokens, tokens, tokens, need_weights=False)[0]
        return self.head(self.norm(tokens)[:, 0])


def written(folder, network, images=2, any_batch=False, name="net.pt2"):
    shapes = ({0: Dim("batch")},) if any_batch else None
    program = export(network.eval(), (torch.rand(images, *SHAPE),), dynamic_shapes=shapes)
    save(program, folder / name)
    return folder / name


def gradient(network, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(network(x)[:, 0].sum(), x)[0]


@pytest.mark.parametrize("make", [small, Fixed, Attention])
@pytest.mark.parametrize("any_batch", [False, True])
def test_logits_and_gradients_are_the_networks(tmp_path, make, any_batch):
    network = make().eval()
    read = weights.whole(written(tmp_path, network, any_batch=any_batch), SHAPE)
    for images in (5, 2, 1):
        x = torch.rand(images, *SHAPE)
        torch.testing.assert_close(read(x), network(x), atol=1e-6, rtol=0)
        torch.testing.assert_close(gradient(read, x), gradient(network, x), atol=1e-6, rtol=0)


def test_a_batch_that_the_file_needs_is_kept_and_others_are_cut_and_filled(tmp_path):
    assert weights.whole(written(tmp_path, Fixed(), images=4), SHAPE).batch == 4
    assert weights.whole(written(tmp_path, small(), images=1), SHAPE).batch == 0
    read = weights.whole(written(tmp_path, Fixed(), images=4), SHAPE)
    assert read(torch.rand(0, *SHAPE)).shape == (0, 5)


def test_features_are_the_input_of_the_last_linear_layer(tmp_path):
    network = small()
    read = weights.whole(written(tmp_path, network, any_batch=True), SHAPE)
    x = torch.rand(3, *SHAPE)
    torch.testing.assert_close(network.fc(read.features(x)), network(x))


def test_without_a_linear_layer_there_are_no_features(tmp_path):
    network = nn.Sequential(nn.Linear(6, 6), nn.Conv2d(3, 5, 6), nn.Flatten())
    read = weights.whole(written(tmp_path, network), SHAPE)
    with pytest.raises(UserError, match="no linear layer"):
        read.features(torch.rand(2, *SHAPE))


def test_it_is_judged_and_not_trained(tmp_path):
    read = weights.whole(written(tmp_path, small()), SHAPE)
    assert not read.eval().training
    assert not any(parameter.requires_grad for parameter in read.parameters())
    with pytest.raises(UserError, match="cannot be trained"):
        read.train()


def test_images_are_not_changed_by_a_network_that_works_in_place(tmp_path):
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(108, 5))
    read = weights.whole(written(tmp_path, network), SHAPE)
    x = torch.rand(2, *SHAPE) - 0.5
    before = x.clone()
    read(x)
    assert torch.equal(x, before)


def test_memory_formats_and_kinds_of_numbers_can_be_changed(tmp_path):
    network = small()
    read = weights.whole(written(tmp_path, network, any_batch=True), SHAPE)
    x = torch.rand(3, *SHAPE)
    fast = read.to(memory_format=torch.channels_last)
    laid = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(fast(laid), network(x))
    torch.testing.assert_close(read.double()(x.double()), network.double()(x.double()))


@pytest.mark.parametrize(
    "shape, says", [((1, 6, 6), "cannot take images of 1 x 6 x 6"), ((3, 6), "cannot take")]
)
def test_images_of_another_shape_are_refused(tmp_path, shape, says):
    with pytest.raises(UserError, match=says):
        weights.whole(written(tmp_path, small()), shape)


class Maps(nn.Module):
    def forward(self, x):
        return x.relu()


class Two(nn.Module):
    def forward(self, x):
        return x.flatten(1), x


class Sampled(nn.Module):
    def forward(self, x):
        return (x + torch.rand_like(x)).flatten(1)


class Trained(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5, True).flatten(1)


@pytest.mark.parametrize(
    "network, says",
    [
        (Maps(), "not one row for each"),
        (Two(), "answers 2 things"),
        (Sampled(), "rand_like"),
        (Trained(), "train mode"),
        (nn.Sequential(nn.Flatten(), nn.Linear(108, 1)), "two classes or more"),
    ],
)
def test_what_is_no_classifier_is_refused(tmp_path, network, says):
    with pytest.raises(UserError, match=says):
        weights.whole(written(tmp_path, network), SHAPE)


def test_other_kinds_of_numbers_are_refused(tmp_path):
    save(export(small().double(), (torch.rand(2, *SHAPE).double(),)), tmp_path / "net.pt2")
    with pytest.raises(UserError, match="float32"):
        weights.whole(tmp_path / "net.pt2", SHAPE)


def test_batch_norm_in_train_mode_is_refused(tmp_path):
    network = small().train()
    save(export(network, (torch.rand(2, *SHAPE),)), tmp_path / "net.pt2")
    with pytest.raises(UserError, match="train mode"):
        weights.whole(tmp_path / "net.pt2", SHAPE)


def test_other_names_are_no_whole_networks(tmp_path):
    assert weights.is_whole("a/b.PT2")
    assert not weights.is_whole("a/b.pt")
    with pytest.raises(UserError, match="neither"):
        weights.whole(tmp_path / "net.pt", SHAPE)
    with pytest.raises(UserError, match="No such file"):
        weights.whole(tmp_path / "net.pt2", SHAPE)
