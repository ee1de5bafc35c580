"""When a captured graph of EPGD is made, believed and given up.

And, where there is a GPU, that it tells the truth.
"""

import pytest
import torch

from smd import nets
from smd.core import cuda_graph
from smd.core.epgd import Explored
from smd.core.margin import Rules
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext
from smd.defenses.smd import SMD

INPUTS = (
    torch.rand(4, 1, 2, 2),
    torch.zeros(4, dtype=torch.long),
    torch.rand(4),
    torch.rand(4, 1, 2, 2),
)
KEY = (Rules(), INPUTS[0].shape, torch.float32, False, True)


class Stand:
    """In place of a captured graph: it is off by so much, and counts its replays."""

    def __init__(self, off):
        self.off, self.trials, self.replays = off, 0, 0

    def __call__(self, x, y, margin, gradient):
        self.replays += 1
        return Explored(x + self.off, y > 0)


@pytest.fixture
def ordinary():
    calls = []

    def explore(x, y, margin, gradient):
        calls.append(x)
        return Explored(x, y > 0)

    explore.calls = calls
    return explore


def answers(model, ordinary, count):
    return [cuda_graph._answer(model, KEY, ordinary, INPUTS) for _ in range(count)]


def test_a_graph_is_made_at_the_second_batch_and_believed_after_two_that_agree(
    ordinary, monkeypatch
):
    stand, model = Stand(0.0), torch.nn.Identity()
    monkeypatch.setattr(cuda_graph, "_captured", lambda ordinary, inputs: stand)
    answers(model, ordinary, 1)
    assert (len(ordinary.calls), stand.replays) == (1, 0)
    answers(model, ordinary, 2)
    assert (len(ordinary.calls), stand.replays) == (3, 2)
    answers(model, ordinary, 4)
    assert (len(ordinary.calls), stand.replays) == (3, 6)


def test_a_graph_that_differs_is_given_up_and_its_answer_never_used(ordinary, monkeypatch, caplog):
    stand, model = Stand(0.1), torch.nn.Identity()
    monkeypatch.setattr(cuda_graph, "_captured", lambda ordinary, inputs: stand)
    found = answers(model, ordinary, 5)
    assert stand.replays == 1
    assert "differs" in caplog.text
    assert all(torch.equal(each.x, INPUTS[0]) for each in found)


def test_where_nothing_can_be_captured_it_is_tried_once(ordinary, monkeypatch):
    tries, model = [], torch.nn.Identity()
    monkeypatch.setattr(cuda_graph, "_captured", lambda ordinary, inputs: tries.append(1))
    assert all(torch.equal(each.x, INPUTS[0]) for each in answers(model, ordinary, 5))
    assert len(tries) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("preset", ["paper", "first-crossing"])
def test_on_a_gpu_the_graph_finds_what_the_ordinary_steps_find_while_weights_change(
    preset, monkeypatch
):
    device = torch.device("cuda")
    runs = []
    for allowed in (True, False):
        if not allowed:
            monkeypatch.setattr(cuda_graph, "_captured", lambda ordinary, inputs: None)
        torch.manual_seed(0)
        model = nets.build("small-cnn", (1, 8, 8), 4).to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        x, y = torch.rand(64, 1, 8, 8, device=device), torch.arange(64, device=device) % 4
        info = RunInfo(64, 150, (1, 8, 8), device)
        state = SMD(preset).begin(info)
        for step in range(12):
            optimizer.zero_grad()
            generator = torch.Generator(device).manual_seed(step)
            batch = Batch(x, y, torch.arange(64, device=device))
            SMD(preset).step(model, batch, state, StepContext(info, 0, generator))
            optimizer.step()
        runs.append(state["margin"].cpu())
    assert cuda_graph._graphs
    assert torch.allclose(runs[0], runs[1], atol=2 / 255)
    assert float((runs[0] - runs[1]).abs().median()) < 1e-4
