"""Networks: sizes as in the paper, adaptation to other images, features."""

import pytest
import torch
from torch import nn

from smd import nets, registry
from smd.errors import UserError
from smd.nets import layers
from smd.nets.batchnorm import couples_samples
from smd.nets.wrn import PerImageStandardize


def count(model):
    return sum(p.numel() for p in model.parameters())


def test_wrn_28_4_has_the_published_number_of_parameters():
    model = nets.build("wrn-28-4", (3, 32, 32), 10)
    assert count(model) == 5_849_050
    assert isinstance(next(iter(model.body)), PerImageStandardize)


def convolutions(model):
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    return [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0], m.padding[0]) for m in layers
    ]


def test_svhn_cnn_is_that_of_app_b3():
    model = nets.build("svhn-cnn", (3, 32, 32), 10)
    assert convolutions(model) == [
        (3, 32, 3, 1, 1),
        (32, 32, 3, 2, 1),
        (32, 64, 3, 1, 1),
        (64, 64, 3, 2, 1),
        (64, 128, 3, 1, 1),
        (128, 128, 3, 2, 1),
        (128, 256, 4, 1, 0),
    ]
    kinds = [type(m).__name__ for m in model.body]
    assert kinds[:2] == ["Conv2d", "LeakyReLU"]
    assert kinds[2:-4] == ["Conv2d", "GroupNorm", "LeakyReLU"] * 5
    assert kinds[-4:] == ["WholeMap", "Flatten", "LayerNorm", "LeakyReLU"]
    assert (model.head.in_features, model.head.out_features) == (256, 10)


def test_fashion_cnn_is_that_of_app_b4():
    model = nets.build("fashion-cnn", (1, 28, 28), 10)
    assert convolutions(model) == [
        (1, 64, 5, 2, 2),
        (64, 128, 5, 2, 2),
        (128, 256, 5, 2, 2),
        (256, 512, 4, 1, 0),
    ]
    kinds = [type(m).__name__ for m in model.body]
    assert kinds == [
        "HalvingStem",
        "LeakyReLU",
        *["Conv2d", "GroupNorm", "LeakyReLU"] * 2,
        "WholeMap",
        "Flatten",
        "LayerNorm",
        "LeakyReLU",
    ]
    assert (model.head.in_features, model.head.out_features) == (512, 10)


@pytest.mark.parametrize("name", registry.NETWORKS)
@pytest.mark.parametrize(("channels", "classes"), [(1, 2), (3, 6)])
def test_every_network_adapts_to_images_and_classes_in_its_range(name, channels, classes):
    (low, high), dims = registry.NETWORKS[name].sizes, registry.NETWORKS[name].dims
    for size in (low, 28, high):
        shape = (channels, *[size] * dims)
        with torch.device("meta"):  # shapes alone, whatever the network's size
            model = nets.build(name, shape, classes).eval()
            x = torch.rand(2, *shape)
        assert model(x).shape == (2, classes)
        assert model.features(x).shape == (2, last_linear(model).in_features)


def last_linear(model):
    return [layer for layer in model.modules() if isinstance(layer, nn.Linear)][-1]


def test_instance_norm_is_pytorchs_own_up_to_float_noise():
    x = torch.randn(3, 4, 6, 6)
    assert torch.allclose(layers.instance_norm(4)(x), nn.InstanceNorm2d(4)(x), atol=1e-6)


@pytest.mark.parametrize(
    ("ours", "plain"),
    [
        (layers.WholeMap(4, 5, 6), nn.Conv2d(4, 5, 6)),
        (layers.HalvingStem(4, 5), nn.Conv2d(4, 5, 5, 2, 2)),
    ],
    ids=["whole map", "halving stem"],
)
def test_quick_convolutions_are_pytorchs_own_up_to_float_noise(ours, plain):
    plain.load_state_dict(ours.state_dict())
    for side in (6, 7, 8):
        x = torch.rand(3, 4, side, side, requires_grad=True)
        one, other = ours(x), plain(x)
        assert torch.allclose(one, other, atol=1e-5)
        gradients = [
            torch.autograd.grad(out.square().sum(), (x, *net.parameters()))
            for out, net in ((one, ours), (other, plain))
        ]
        assert all(
            torch.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in zip(*gradients, strict=True)
        )


@pytest.mark.parametrize("name", registry.NETWORKS)
def test_sizes_out_of_range_are_refused_with_the_range(name):
    (low, high), dims = registry.NETWORKS[name].sizes, registry.NETWORKS[name].dims
    points = "pixels" if dims == 2 else "voxels"
    for size in (low - 1, high + 1):
        with pytest.raises(UserError, match=f"{low} to {high} {points} a side, these have {size}"):
            nets.build(name, (1, *[size] * dims), 2)


@pytest.mark.parametrize("sides", [(4, 28, 28), (5, 9, 17), (28, 28, 28), (64, 4, 7)])
def test_short_axes_of_a_volume_are_not_halved_away(sides):
    model = nets.build("volume-cnn", (1, *sides), 3).eval()
    # before Flatten, Linear, LayerNorm and LeakyReLU
    last = model.body[:-4](torch.rand(1, 1, *sides))
    assert all(2 < side <= 4 for side in last.shape[2:])
    assert model(torch.rand(2, 1, *sides)).shape == (2, 3)


def test_what_halving_leaves_ends_at_128_channels():
    model = nets.build("volume-cnn", (1, 64, 64, 64), 3)
    layers = [m for m in model.modules() if isinstance(m, nn.Conv3d)]
    assert [m.out_channels for m in layers] == [16, 32, 64, 128, 128]
    assert layers[0].stride == (1, 1, 1)
    assert {m.stride for m in layers[1:]} == {(2, 2, 2)}


def test_images_and_volumes_go_to_networks_of_their_own():
    with pytest.raises(
        UserError, match=r"small-cnn takes images, these are volumes: choose volume-cnn, resnet"
    ):
        nets.build("small-cnn", (1, 8, 8, 8), 2)
    with pytest.raises(
        UserError, match="volume-cnn takes volumes, these are images: choose small-cnn, fashion-cnn"
    ):
        nets.build("volume-cnn", (1, 8, 8), 2)
    with pytest.raises(UserError, match="these have 8x3x12"):
        nets.build("volume-cnn", (1, 8, 3, 12), 2)


def test_only_batch_norm_couples_samples():
    assert couples_samples(nets.build("wrn-28-4", (3, 32, 32), 10))
    for name in ("svhn-cnn", "fashion-cnn", "small-cnn"):
        assert not couples_samples(nets.build(name, (3, 32, 32), 10))


def test_standardisation_is_per_image_and_survives_flat_images():
    layer = PerImageStandardize()
    x = torch.rand(4, 3, 8, 8)
    x[0] = 0.5
    out = layer(x)
    assert torch.equal(out[0], torch.zeros(3, 8, 8))
    assert torch.allclose(out[1:].mean((1, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(out[1:].std((1, 2, 3)), torch.ones(3), atol=1e-5)
