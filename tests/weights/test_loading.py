"""Filling a network: all weights fit, or a sentence names what does not and nothing changes."""

import pytest
import torch
from making_weights import small
from torch import nn

from smd import nets, weights
from smd.errors import UserError
from smd.nets.normalized import Normalized


def other():
    """Weights of the same network that are not its own."""
    return {
        name: tensor + 1 if tensor.is_floating_point() else tensor
        for name, tensor in small().state_dict().items()
    }


def test_all_weights_are_taken_over():
    network = small()
    assert weights.load_into(network, other()) == ()
    assert all(torch.equal(tensor, other()[n]) for n, tensor in network.state_dict().items())


def test_a_network_behind_a_normalisation_is_filled_and_keeps_it():
    network = Normalized(small(), 3, (0.5,), (0.25,))
    weights.load_into(network, other())
    assert torch.equal(network.network.fc.bias, other()["fc.bias"])
    assert network.mean.tolist() == [0.5]


def test_names_with_a_prefix_in_the_network_itself_fit():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = small()

    network = Own()
    weights.load_into(network, other())
    assert torch.equal(network.model.fc.bias, other()["fc.bias"])


def test_the_memory_format_stays():
    network = nets.build("wrn-28-4", (3, 32, 32), 10)
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    weights.load_into(network, tensors)
    kernel = network.body[2].conv2.weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)


def test_counters_of_batches_may_lack():
    tensors = {name: t for name, t in other().items() if "num_batches" not in name}
    assert weights.load_into(small(), tensors) == ()


def test_five_of_each_are_named_and_nothing_changes():
    network, before = small(), small().state_dict()
    tensors = {f"x.{k}": torch.zeros(1) for k in range(7)} | {"fc.bias": other()["fc.bias"]}
    with pytest.raises(UserError) as raised:
        weights.load_into(network, tensors)
    assert str(raised.value) == (
        "These weights do not fit the network: it lacks conv.weight, conv.bias, bn.weight,"
        " bn.bias, bn.running_mean and 2 more; the network knows no x.0, x.1, x.2, x.3, x.4 and 2"
        " more; choose the network that they were trained with."
    )
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_other_shapes_are_named():
    tensors = other() | {"conv.weight": torch.zeros(4, 1, 3, 3)}
    with pytest.raises(UserError, match=r"conv.weight is \(4, 1, 3, 3\) and should be \(4, 3, 3"):
        weights.load_into(small(), tensors, new_head=True)


def test_whole_numbers_are_no_weights():
    with pytest.raises(UserError, match=r"whole numbers stand in fc\.bias"):
        weights.load_into(small(), other() | {"fc.bias": torch.zeros(5, dtype=torch.int64)})


def test_another_head_only_where_it_is_wanted():
    network, head = small(classes=3), small(classes=3).fc.weight
    with pytest.raises(UserError, match="only its last layer differs: with --new-head"):
        weights.load_into(network, other())
    notes = weights.load_into(network, other(), new_head=True)
    assert notes == ("The head is new and untrained: fc.weight, fc.bias.",)
    assert torch.equal(network.fc.weight, head)
    assert torch.equal(network.conv.weight, other()["conv.weight"])


def test_a_head_that_fits_is_taken_over_all_the_same():
    network = small()
    assert weights.load_into(network, other(), new_head=True) == ()
    assert torch.equal(network.fc.bias, other()["fc.bias"])


def test_a_normalisation_of_the_network_itself_is_filled_from_beside():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mu", torch.zeros(1, 3, 1, 1))
            self.fc = nn.Linear(2, 2)

    network, beside = Own(), {"mu": torch.ones(1, 3, 1, 1), "sigma": torch.ones(1, 3, 1, 1)}
    tensors = dict(network.fc.state_dict(prefix="fc."))
    with pytest.raises(UserError, match="it lacks mu"):
        weights.load_into(network, tensors)
    weights.load_into(network, tensors, beside=beside)
    assert network.mu.sum() == 3
