"""Public checkpoints fit: names, numbers of weights, and outputs where a checkpoint is at hand."""

import importlib.util
import tarfile
from pathlib import Path

import published_names
import pyautoattack
import pytest
import torch
import torch.nn.functional as F
from conftest import SHARED_DATA
from PIL import Image
from published_names import PUBLISHED
from torchvision.transforms.functional import to_tensor

from smd import nets, weights
from smd.nets.deepmind import WideSwish
from smd.nets.normalized import Normalized
from smd.nets.published import renamed
from smd.nets.wide import WideResNet

SHAPE = (3, 32, 32)
EXAMPLES = Path(pyautoattack.__file__).parent / "examples"


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_and_number_of_weights_are_the_published_ones(name):
    names, count = PUBLISHED[name]
    with torch.device("meta"):
        model = nets.build(name, SHAPE, 10)
    assert sorted(model.state_dict()) == sorted(names)
    assert sum(p.numel() for p in model.parameters()) == count


def small_wide(network, images=SHAPE):
    """A narrow one of the same class, with statistics that a mix-up of layers would show in."""
    torch.manual_seed(0)
    model = network(images[0], 10, 10, 2)
    return shaken(model)


def shaken(model):
    for name, value in model.state_dict().items():
        if value.dtype == torch.float32:
            value.copy_(0.5 + torch.rand_like(value) if "bn" in name or "norm" in name else value)
    return model.eval()


def normed(tensors, at, x):
    mean, var = tensors[f"{at}.running_mean"], tensors[f"{at}.running_var"]
    return F.batch_norm(x, mean, var, tensors[f"{at}.weight"], tensors[f"{at}.bias"])


def trades_logits(tensors, x, count, group="block", shortcut="convShortcut"):
    """The published function of a checkpoint, written on its tensors."""
    x = F.conv2d(x, tensors["conv1.weight"], padding=1)
    for g in (1, 2, 3):
        for k in range(count):
            at, stride = f"{group}{g}.layer.{k}", 2 if g > 1 and not k else 1
            active = F.relu(normed(tensors, f"{at}.bn1", x))
            out = F.conv2d(active, tensors[f"{at}.conv1.weight"], padding=1, stride=stride)
            out = F.relu(normed(tensors, f"{at}.bn2", out))
            out = F.conv2d(out, tensors[f"{at}.conv2.weight"], padding=1)
            if not k:
                x = F.conv2d(active, tensors[f"{at}.{shortcut}.weight"], stride=stride)
            x = x + out
    x = F.relu(normed(tensors, "bn1", x)).mean((2, 3))
    return F.linear(x, tensors["fc.weight"], tensors["fc.bias"])


def deepmind_logits(tensors, x, count):
    """The same of DeepMind's: SiLU, and zeros behind the map alone where it is halved."""
    x = F.conv2d(x, tensors["init_conv.weight"], padding=1)
    for g in range(3):
        for k in range(count):
            at, stride = f"layer.{g}.block.{k}", 2 if g and not k else 1
            active = F.silu(normed(tensors, f"{at}.batchnorm_0", x))
            padded = F.pad(active, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
            out = F.conv2d(padded, tensors[f"{at}.conv_0.weight"], stride=stride)
            out = F.silu(normed(tensors, f"{at}.batchnorm_1", out))
            out = F.conv2d(out, tensors[f"{at}.conv_1.weight"], padding=1)
            if not k:
                x = F.conv2d(active, tensors[f"{at}.shortcut.weight"], stride=stride)
            x = x + out
    x = F.silu(normed(tensors, "batchnorm", x)).mean((2, 3))
    return F.linear(x, tensors["logits.weight"], tensors["logits.bias"])


@torch.no_grad()
def test_wide_networks_compute_what_is_published():
    x = torch.rand(3, *SHAPE)
    for network, expected in ((WideResNet, trades_logits), (WideSwish, deepmind_logits)):
        model = small_wide(network)
        logits = model(x)
        assert torch.allclose(logits, expected(model.state_dict(), x, 1), rtol=1e-4, atol=1e-4)
        assert logits.std() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize(
    "names", [published_names.mma(), published_names.wide(4)], ids=["MMA", "RobustBench"]
)
def test_wrn_28_4_reads_mma_under_both_of_its_names(names):
    model = shaken(nets.build("wrn-28-4", SHAPE, 10))
    own = {name: value.clone() for name, value in model.state_dict().items()}
    theirs = {_theirs(name, "1." in names[0][:2]): value for name, value in own.items()}
    assert sorted(theirs) == sorted(names)
    again = nets.build("wrn-28-4", SHAPE, 10).eval()
    answer = renamed(again, theirs)
    again.load_state_dict(answer.tensors, strict=True)
    x = torch.rand(2, *SHAPE)
    bare = {name.removeprefix("1."): value for name, value in theirs.items()}
    words = ("convgroup", "conv_shortcut") if "1." in names[0][:2] else ("block", "convShortcut")
    expected = trades_logits(bare, model.body[0](x), 4, *words)
    assert torch.allclose(again(x), expected, rtol=1e-4, atol=1e-4)
    assert answer.notes == ()
    assert renamed(again, own).tensors.keys() == own.keys()


def _theirs(name, mma):
    """What MMA, or RobustBench, calls our tensor of that name."""
    words = name.split(".")
    prefix, group, shortcut = (
        ("1.", "convgroup", "conv_shortcut") if mma else ("", "block", "convShortcut")
    )
    if words[0] == "head":
        return f"{prefix}fc.{words[1]}"
    number = int(words[1])
    if number in (1, 14):
        return f"{prefix}{'conv1' if number == 1 else 'bn1'}.{words[2]}"
    rest = ".".join(words[2:]).replace("shortcut", shortcut)
    return f"{prefix}{group}{1 + (number - 2) // 4}.layer.{(number - 2) % 4}.{rest}"


def test_layers_of_no_output_are_left_out_with_a_note():
    with torch.device("meta"):
        model = nets.build("wrn-34-10", SHAPE, 10)
        dead = {f"sub_block1.layer.0.bn1.{name}": torch.ones(16) for name in ("weight", "bias")}
    whole = Normalized(model, 3, (0.5,), (0.5,))
    answer = renamed(whole, model.state_dict() | dead)
    assert answer.tensors.keys() == model.state_dict().keys()
    assert "sub_block1" in answer.notes[0]
    assert renamed(model, model.state_dict()).notes == ()


@torch.no_grad()
def test_a_file_as_mma_publishes_it_fills_wrn_28_4(tmp_path):
    trained = shaken(nets.build("wrn-28-4", SHAPE, 10))
    theirs = {_theirs(name, mma=True): value for name, value in trained.state_dict().items()}
    torch.save({"model": theirs, "epoch": 3}, tmp_path / "model_best.pt")
    again = nets.build("wrn-28-4", SHAPE, 10).eval()
    assert weights.load_into(again, weights.read(tmp_path / "model_best.pt").tensors) == ()
    x = torch.rand(2, *SHAPE)
    assert torch.equal(again(x), trained(x))


def test_a_file_of_trades_fills_a_wide_network_and_says_what_it_left_out():
    model = small_wide(WideResNet)
    dead = {"sub_block1.layer.0.bn1.weight": torch.ones(16)}
    (note,) = weights.load_into(model, model.state_dict() | dead)
    assert "sub_block1" in note


def test_a_network_without_other_names_leaves_weights_as_they_are():
    model = nets.build("small-cnn", (1, 8, 8), 2)
    assert renamed(model, model.state_dict()).tensors.keys() == model.state_dict().keys()


@pytest.fixture(scope="module")
def bundled():
    """Weights of a published ResNet-18, and the network that they were published with."""
    spec = importlib.util.spec_from_file_location("published_resnet", EXAMPLES / "resnet.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    weights = torch.load(EXAMPLES / "model_test.pt", map_location="cpu", weights_only=True)
    theirs = module.ResNet18().eval()
    theirs.load_state_dict(weights)
    ours = nets.build("resnet-18", SHAPE, 10).eval()
    ours.load_state_dict(weights, strict=True)
    return ours, theirs


@torch.no_grad()
def test_a_published_resnet_18_answers_as_where_it_comes_from(bundled):
    ours, theirs = bundled
    x = torch.rand(4, *SHAPE)
    assert torch.allclose(ours(x), theirs(x), rtol=1e-4, atol=1e-4)
    assert sum(p.numel() for p in ours.parameters()) == 11_173_962


def some_test_images(per_class):
    """The first few test images of each class of CIFAR-10, straight from their archive."""
    taken = {}
    with tarfile.open(SHARED_DATA / "cifar10-images.tar.gz") as archive:
        for member in archive:
            of_class = taken.setdefault(Path(member.name).parent, [])
            if "/test/" in member.name and member.isfile() and len(of_class) < per_class:
                of_class.append(to_tensor(Image.open(archive.extractfile(member))))
    classes = [images for _, images in sorted(taken.items()) if images]
    labels = torch.arange(len(classes)).repeat_interleave(per_class)
    return torch.stack([image for images in classes for image in images]), labels


@torch.no_grad()
@pytest.mark.slow
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"there are no real images in {SHARED_DATA}")
def test_a_published_resnet_18_knows_cifar_10(bundled):
    x, y = some_test_images(5)
    assert x.shape == (50, *SHAPE)
    right = int((bundled[0](x).argmax(1) == y).sum())
    assert right >= 35  # of 50; of 2,000, 1,711 are right
