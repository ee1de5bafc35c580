"""Networks of torchvision (and of timm where it is installed), fitted to our images."""

import copy
import os

import pytest
import torch
from torch import nn
from torchvision import models

from smd import nets, registry
from smd.errors import UserError
from smd.nets import libraries
from smd.nets.fakes import fake_passes, outline_of
from smd.nets.fitting import Fitted, fit_channels, fitted

ALL = models.list_models(module=models)
# one of each file of torchvision by default; SMD_TEST_ALL_NETS=1 tries all that it lists
FAMILIES = [
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "swin_t",
    "vgg11_bn",
    "vit_b_32",
]
SIDES = {"inception_v3": 75, "maxvit_t": 224, "vit_h_14": 56}  # the smallest that works; else 64
EVERY = os.environ.get("SMD_TEST_ALL_NETS")


def on_meta(name, shape, classes):
    """A network without memory; a few cannot be had without numbers."""
    try:
        with torch.device("meta"):
            return nets.build(name, shape, classes)
    except NotImplementedError:
        return nets.build(name, shape, classes)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL if EVERY else FAMILIES)
def test_every_family_goes_forward_and_backward_on_fake_tensors(name):
    side = SIDES.get(name, 64)
    model = on_meta(f"torchvision:{name}", (1, side, side), 6)
    assert isinstance(model, Fitted)
    assert model.last.classes == 6
    with fake_passes(outline_of(model).train()) as passed:
        x, answer = passed((2, 1, side, side))
        assert answer.shape == (2, 6)
        answer.sum().backward()
        assert x.grad.shape == x.shape


def test_the_families_are_all_that_torchvision_lists():
    """A new family shows here."""
    modules = {models.get_model_builder(name).__module__ for name in ALL}
    assert modules == {models.get_model_builder(name).__module__ for name in FAMILIES}


def test_the_list_without_torch_is_torchvisions_own():
    assert list(registry.networks_of_library("torchvision")) == ALL


@pytest.mark.parametrize(
    ("name", "side"),
    [("resnet18", 32), ("mobilenet_v3_small", 32), ("squeezenet1_1", 32), ("vit_b_32", 64)],
)
def test_the_head_of_the_features_gives_the_logits(name, side):
    model = nets.build(f"torchvision:{name}", (3, side, side), 5).eval()
    x = torch.rand(2, 3, side, side)
    features = model.features(x)
    assert features.dim() == 2
    if isinstance(model.head, nn.Linear):
        assert model.last.exact
        assert torch.equal(model.head(features), model(x))
    else:  # a map: its mean over the places
        assert features.shape == (2, model.head.in_channels)


def test_features_stand_behind_a_normalisation_too():
    model = nets.build("torchvision:resnet18", (3, 32, 32), 5, (0.5,), (0.25,)).eval()
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(model.network.head(model.features(x)), model(x))


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_equal_channels_are_answered_as_rgb_ones(channels):
    torch.manual_seed(0)
    rgb = models.resnet18(num_classes=4).eval()
    other = copy.deepcopy(rgb)
    fit_channels(other, channels)
    gray = torch.rand(2, 1, 32, 32)
    answers = [net(gray.expand(-1, c, -1, -1)) for net, c in ((rgb, 3), (other, channels))]
    assert torch.allclose(*answers, atol=1e-5)


def test_another_head_is_put_in_where_the_classes_differ():
    model = fitted(models.resnet18(num_classes=1000), (3, 32, 32), 7)
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 7)
    model = fitted(models.squeezenet1_1(num_classes=1000), (3, 32, 32), 7)
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 7)


def test_weights_have_the_names_that_torchvision_publishes():
    plain = models.resnet18(num_classes=4)
    model = nets.build("torchvision:resnet18", (3, 32, 32), 4)
    assert model.state_dict().keys() == plain.state_dict().keys()
    model.load_state_dict(plain.state_dict())
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(model.eval()(x), plain.eval()(x))
    normal = nets.build("torchvision:resnet18", (3, 32, 32), 4, (0.5,), (0.25,))
    normal.load_state_dict(normal.state_dict())
    assert "network.conv1.weight" in normal.state_dict()


def test_a_last_batch_of_one_image_is_trained_on():
    model = nets.build("torchvision:resnet18", (3, 32, 32), 4).train()
    before = model.network.layer4[0].bn1.running_mean.clone()
    model(torch.rand(1, 3, 32, 32)).sum().backward()
    assert all(m.training for m in model.modules())
    assert torch.equal(before, model.network.layer4[0].bn1.running_mean)
    model(torch.rand(2, 3, 32, 32))
    assert not torch.equal(before, model.network.layer4[0].bn1.running_mean)


@pytest.mark.slow
def test_images_that_are_too_small_are_refused_with_the_smallest_side_that_works():
    with pytest.raises(UserError, match=r"cannot take images of 28x28 .*works is 64, so resize"):
        nets.build("torchvision:alexnet", (3, 28, 28), 4)
    with pytest.raises(UserError, match=r"vit_b_32 cannot take images of 28x28.*works is 32"):
        nets.build("torchvision:vit_b_32", (3, 28, 28), 4)


def test_what_there_is_not_is_said_with_names_that_are_near():
    for name in ("resnet19", "fasterrcnn_resnet50_fpn", "r3d_18"):
        with pytest.raises(UserError, match=f"no network '{name}': did you mean"):
            nets.build(f"torchvision:{name}", (3, 32, 32), 4)
        assert "did you mean" in registry.problem_of_network(f"torchvision:{name}")
    assert registry.problem_of_network("torchvision:resnet18") == ""
    with pytest.raises(UserError, match="takes images, these are volumes"):
        nets.build("torchvision:resnet18", (1, 8, 8, 8), 4)


def published(monkeypatch, tmp_path, name, network):
    """Lay a file as torchvision publishes it where torch looks for it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    url = models.get_model_weights(name).DEFAULT.url
    torch.save(network.state_dict(), folder / url.rpartition("/")[2])


def test_pretrained_weights_are_fitted_to_gray_images_and_other_classes(monkeypatch, tmp_path):
    torch.manual_seed(1)
    rgb = models.resnet18().eval()
    published(monkeypatch, tmp_path, "resnet18", rgb)
    model = nets.build("torchvision:resnet18", (1, 32, 32), 4, pretrained=True).eval()
    x = torch.rand(2, 1, 32, 32)
    assert model(x).shape == (2, 4)
    rgb.fc = nn.Identity()
    assert torch.allclose(model.features(x), rgb(x.expand(-1, 3, -1, -1)), atol=1e-5)


@pytest.mark.slow
def test_a_network_that_normalises_red_green_and_blue_itself_sees_gray_three_times(
    monkeypatch, tmp_path
):
    rgb = models.googlenet(transform_input=True, init_weights=False).eval()
    published(monkeypatch, tmp_path, "googlenet", rgb)
    model = nets.build("torchvision:googlenet", (1, 32, 32), 1000, pretrained=True).eval()
    x = torch.rand(2, 1, 32, 32)
    assert torch.allclose(model(x), rgb(x.expand(-1, 3, -1, -1)), atol=1e-5)
    with pytest.raises(UserError, match="1 or 3 channels, these have 2"):
        nets.build("torchvision:googlenet", (2, 32, 32), 4, pretrained=True)


def test_weights_that_cannot_be_had_are_named_with_their_place(monkeypatch, tmp_path):
    def nothing(*args, **kwargs):
        raise OSError("no internet")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", nothing)
    place = f"put the file resnet18-.*pth into {tmp_path}/hub/checkpoints, or point TORCH_HOME"
    with pytest.raises(UserError, match=place):
        nets.build("torchvision:resnet18", (3, 32, 32), 4, pretrained=True)


class Bomb:
    def __reduce__(self):
        return (os.mkdir, ("bomb",))


def test_a_file_of_weights_is_not_unpickled(monkeypatch, tmp_path):
    published(monkeypatch, tmp_path, "resnet18", nn.Identity())
    file = next((tmp_path / "hub" / "checkpoints").iterdir())
    monkeypatch.chdir(tmp_path)
    torch.save({"conv1.weight": Bomb()}, file)
    with pytest.raises(UserError, match="could not be had"):
        nets.build("torchvision:resnet18", (3, 32, 32), 4, pretrained=True)
    assert not (tmp_path / "bomb").exists()


def test_what_normalisation_weights_expect_is_known():
    mean, std = libraries.normalisation_of("torchvision:resnet18")
    assert mean == (0.485, 0.456, 0.406)
    assert std == (0.229, 0.224, 0.225)
    assert libraries.normalisation_of("small-cnn") is None


def test_without_timm_the_command_that_installs_it_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(UserError, match=r'pip install "smd-studio\[timm\]"'):
        nets.build("timm:resnet18", (3, 32, 32), 4)


@pytest.mark.parametrize("name", ["resnet18.a1_in1k", "vit_tiny_patch16_224", "test_vit"])
def test_networks_of_timm(name):
    timm = pytest.importorskip("timm")
    model = nets.build(f"timm:{name}", (1, 64, 64), 4).eval()
    x = torch.rand(2, 1, 64, 64)
    assert torch.equal(model.head(model.features(x)), model(x))
    assert set(registry.networks_of_library("timm")) <= set(timm.list_models())
    assert registry.problem_of_network(f"timm:{name}") == ""
    with pytest.raises(UserError, match="did you mean"):
        nets.build("timm:resnet19", (1, 64, 64), 4)
