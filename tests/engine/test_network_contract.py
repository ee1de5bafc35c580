"""What every network of the registry keeps to, and every defense on one with batch norm."""

import pytest
import torch
from defenses import stepping
from test_nets import last_linear
from torch import nn

from smd import nets, registry
from smd.tasks.files import load_weights, save_weights

# more than 20 million weights: on these only shapes are looked at, in test_nets
WIDE = ("wrn-28-10", "wrn-34-10", "wrn-34-20", "wrn-70-16")
LARGE = {"resnet-18-3d", *WIDE, *(f"{name}-swish" for name in WIDE)}
SMALL = [name for name in registry.NETWORKS if name not in LARGE]


@pytest.fixture(scope="module", params=SMALL)
def built(request):
    """(name, shape, network in eval mode), at the smallest side that it takes."""
    entry = registry.NETWORKS[request.param]
    shape = (3, *[entry.sizes[0]] * entry.dims)
    torch.manual_seed(0)
    return request.param, shape, nets.build(request.param, shape, 5).eval()


def test_the_family_is_not_left_out():
    assert {"wrn-28-4", "resnet-18", "preact-resnet-18", "resnet-10-3d"} <= set(SMALL)
    assert "wrn-28-10" not in SMALL


def test_logits_are_those_of_the_last_linear_layer_on_the_features(built):
    _, shape, model = built
    x = torch.rand(2, *shape)
    with torch.no_grad():
        assert model(x).shape == (2, 5)
        assert torch.equal(last_linear(model)(model.features(x)), model(x))


def test_in_eval_mode_no_sample_matters_to_another(built):
    _, shape, model = built
    x = torch.rand(3, *shape)
    with torch.no_grad():
        together, alone = model(x)[:1], model(x[:1])
    assert torch.allclose(together, alone, rtol=1e-4, atol=1e-5)


def test_every_sample_has_a_gradient_by_its_pixels(built):
    _, shape, model = built
    x = torch.rand(2, *shape, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(x).logsumexp(1).sum(), x)
    assert gradient.isfinite().all()
    assert (gradient.flatten(1).abs().amax(1) > 0).all()


def test_weights_come_back_from_their_file(built, tmp_path):
    name, shape, model = built
    save_weights(tmp_path / "weights.safetensors", model, {})
    again = nets.build(name, shape, 5).eval()
    x = torch.rand(2, *shape)
    with torch.no_grad():
        assert not torch.equal(again(x), model(x))
        load_weights(tmp_path / "weights.safetensors", again)
        assert torch.equal(again(x), model(x))


class Tiny(nn.Module):
    """The smallest network with batch norm."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 6, 3, 2, 1), nn.BatchNorm2d(6)
        self.head = nn.Linear(6 * 16, 4)

    def features(self, x):
        return torch.relu(self.norm(self.conv(x))).flatten(1)

    def forward(self, x):
        return self.head(self.features(x))


@pytest.mark.parametrize("name", registry.DEFENSES)
def test_every_defense_takes_a_step_on_a_network_with_batch_norm(name):
    torch.manual_seed(0)
    model, x, y = Tiny(), torch.rand(12, 1, 8, 8), torch.arange(12) % 4
    before = model.norm.running_mean.clone()
    defense = registry.load(registry.DEFENSES[name].target)()
    result, state, _ = stepping.step(defense, model, x, y, epoch=60)
    gradients = [p.grad for p in model.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.abs().max() > 0 for gradient in gradients)
    assert all(value.isfinite().all() for value in state.values() if value.is_floating_point())
    assert result.adv_ok.shape == (12,)
    assert not torch.equal(model.norm.running_mean, before)
    assert model.training
