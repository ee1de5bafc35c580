"""Networks whose logits depend on the rest of the batch are met, whatever they are made of."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from smd import nets, registry
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext
from smd.defenses.smd import SMD
from smd.nets.batchnorm import couples_samples, statistics_kept
from smd.nets.trying import trying

# one of each kind; the others are these, wider or deeper
SMALL = ("small-cnn", "fashion-cnn", "svhn-cnn", "wrn-28-4", "volume-cnn", "resnet-10-3d")


class Functional(nn.Module):
    """Batch norm without a layer of that kind, as an own file may have it; its scale begins at
    zero."""

    def __init__(self, replaced=False):
        super().__init__()
        self.last = nn.Linear(64, 3)
        self.scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("mean", torch.zeros(64))
        self.replaced = replaced

    def forward(self, x):
        x = x.flatten(1)
        if not self.training:
            return self.last(x + self.scale * (x - self.mean))
        normal = F.batch_norm(x, None, None, training=True)
        if self.replaced:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0).detach()
        else:
            self.mean.mul_(0.9).add_(x.mean(0).detach(), alpha=0.1)
        return self.last(x + self.scale * normal)


@pytest.mark.parametrize("name", SMALL)
def test_of_our_networks_batch_norm_alone_couples_samples(name):
    shape = (1, *[16 if registry.NETWORKS[name].dims == 3 else 28] * registry.NETWORKS[name].dims)
    model = nets.build(name, shape, 4).train()
    x = torch.rand(2, *shape)
    normalised = any(isinstance(layer, _BatchNorm) for layer in model.modules())
    assert couples_samples(model, x) == couples_samples(model) == normalised


def test_dropout_and_normalisation_of_single_images_couple_nothing():
    layers = (nn.Flatten(), nn.Linear(64, 8), nn.LayerNorm(8), nn.Dropout(), nn.Linear(8, 3))
    assert not couples_samples(nn.Sequential(*layers), torch.rand(2, 1, 8, 8))


def test_networks_in_double_precision_are_tried_too():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).double()
    assert not couples_samples(model, torch.rand(2, 1, 8, 8).double())


@pytest.mark.parametrize("replaced", [False, True])
def test_functional_batch_norm_is_met_by_trying_once(replaced):
    model, x = Functional(replaced), torch.rand(2, 1, 8, 8)
    before, drawn = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    assert not couples_samples(model)  # not tried yet
    assert couples_samples(model, x)
    assert couples_samples(model)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_network_that_cannot_be_tried_takes_the_path_that_is_right_for_all():
    assert couples_samples(nn.Linear(5, 3), torch.rand(2, 1, 8, 8))


@pytest.mark.parametrize("replaced", [False, True])
def test_its_statistics_are_kept_while_it_is_attacked(replaced):
    model = Functional(replaced)
    mean, value = model.mean, model.mean.clone()
    with statistics_kept(model):
        model(torch.rand(4, 1, 8, 8))
    assert model.mean is mean
    assert torch.equal(model.mean, value)


def test_smd_attacks_the_whole_batch_of_such_a_network():
    """Every batch that it sees in a step is whole, also where images are misclassified."""
    torch.manual_seed(0)
    model, sizes = Functional(), []
    with torch.no_grad():
        model.scale.fill_(1.0)
    x, y = torch.rand(6, 1, 8, 8), torch.tensor([0, 1, 2, 0, 1, 2])
    hook = model.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    info = RunInfo(6, 10, (1, 8, 8), torch.device("cpu"))
    state = {"margin": torch.full((6,), 0.05)}
    context = StepContext(info, 0, torch.Generator().manual_seed(0))
    couples_samples(model, x)
    sizes.clear()
    result = SMD().step(model, Batch(x, y, torch.arange(6)), state, context)
    hook.remove()
    assert 0 < int(result.clean_ok.sum()) < 6
    assert set(sizes) == {6}


def test_trying_leaves_modes_weights_and_random_numbers_alone():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(64, 3)).train()
    model[1].eval()
    modes, drawn = [m.training for m in model.modules()], torch.get_rng_state()
    with trying(model, torch.device("cpu"), train=False) as tried:
        tried(torch.rand(2, 1, 8, 8, generator=torch.Generator()), 3)
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), drawn)
