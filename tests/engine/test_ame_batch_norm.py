"""What stands in the batch under batch norm, and where the preset `ame` is not the authors' later
code: each pinned."""

import copy
from itertools import pairwise

import pytest
import torch

from smd import nets
from smd.core.epgd import ROUNDS, epgd
from smd.core.exploring import STEPS
from smd.core.margin import gamma1, initial_step
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext
from smd.defenses.smd import PRESETS, SMD
from smd.nets.batchnorm import couples_samples

pytestmark = pytest.mark.slow


class Seen(torch.nn.Module):
    """Passes on to a network and notes every batch that it is asked about."""

    def __init__(self, model):
        super().__init__()
        self.model, self.batches = model, []

    def forward(self, x):
        self.batches.append(x.detach().clone())
        return self.model(x)


@pytest.fixture
def coupled():
    """A network with batch norm in train mode, images, labels that are right but for the first, and
    margins."""
    torch.manual_seed(0)
    model = nets.build("wrn-28-4", (3, 8, 8), 4).train()
    assert couples_samples(model)
    x = torch.rand(6, 3, 8, 8)
    with torch.no_grad():
        y = copy.deepcopy(model)(x).argmax(1)
    y[0] = (y[0] + 1) % 4
    return Seen(model), x, y


def explored(model, x, y, margin, preset):
    found = epgd(
        model, x, y, margin, PRESETS[preset], torch.Generator().manual_seed(0), masked=True
    )
    return found, model.batches


MIXED = torch.tensor([0.1, 1e-5, 0.5, 0.5, 1e-5, 0.5])  # some surely do not cross


@pytest.mark.parametrize("preset", ["paper", "ame"])
def test_under_batch_norm_the_whole_batch_is_in_every_step_of_the_bisection(coupled, preset):
    """Each image at its own midpoint, also misclassified ones and those that did not cross."""
    model, x, y = coupled
    found, batches = explored(model, x, y, MIXED, preset)
    assert found.crossed.any()
    assert not found.crossed.all()
    steps = batches[-ROUNDS:]
    last = batches[-ROUNDS - 1]  # the last iterate of all
    assert all(len(batch) == len(x) for batch in batches)
    assert torch.equal(steps[0], (x + last) / 2)
    for earlier, later in pairwise(steps):
        moved = (later - earlier).flatten(1).abs().amax(1)
        way = (last - x).flatten(1).abs().amax(1)
        assert (moved > 0)[way > 1e-3].all(), "an image stood still"


def test_without_batch_norm_only_what_crossed_is_bisected(trained):
    model, x, y = trained
    seen = Seen(copy.deepcopy(model))
    margin = torch.linspace(0.001, 0.3, len(x))
    found = epgd(seen, x, y, margin, PRESETS["paper"], torch.Generator())
    assert 0 < int(found.crossed.sum()) < len(x)
    assert {len(batch) for batch in seen.batches[-ROUNDS:]} == {int(found.crossed.sum())}


def test_ame_makes_33_passes_in_train_mode_as_the_authors_do(coupled):
    """The clean one, the random start and 20 iterates, ten of the bisection, the noisy one."""
    model, x, y = coupled
    model = model.model
    info = RunInfo(len(x), 150, tuple(x.shape[1:]), torch.device("cpu"))
    state = {"margin": torch.full((len(x),), 0.05)}
    SMD("ame").step(
        model,
        Batch(x, y, torch.arange(len(x))),
        state,
        StepContext(info, 0, torch.Generator().manual_seed(0)),
    )
    layers = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {int(m.num_batches_tracked) for m in layers} == {1 + 1 + STEPS + ROUNDS + 1} == {33}


def test_ames_uncrossed_images_keep_the_last_iterate_whole(coupled):
    """The authors' come back a 1024th short of it where another image of the batch crossed."""
    model, x, y = coupled
    found, batches = explored(model, x, y, MIXED, "ame")
    kept = ~found.crossed
    assert torch.equal(found.x[kept], batches[-ROUNDS - 1][kept])


def test_ames_random_start_is_in_each_images_own_ball(coupled):
    """The authors' is drawn from at least 0.001, outside the ball of a smaller margin."""
    model, x, y = coupled
    margin = torch.tensor([0.0, 1e-5, 1e-4, 5e-4, 0.01, 0.05])
    _, batches = explored(model, x, y, margin, "ame")
    moved = (batches[0] - x).flatten(1).abs().amax(1)
    assert (moved <= margin + 1e-7).all()
    assert (moved[1:] > margin[1:] / 2).all()


@pytest.mark.parametrize("epochs", [150, 80, 25])
def test_ames_floor_counts_whole_deltas_in_float32(epochs):
    """The authors' plain floor loses one of some whole numbers of deltas."""
    delta = initial_step(epochs, (1, 8, 8))
    counts = torch.arange(1, 40)
    margins = torch.tensor([k * delta for k in counts.tolist()])
    assert torch.allclose(gamma1(margins, delta), 0.9**counts)
    summed = torch.cumsum(torch.full((39,), delta), 0)  # as margins grow, by adding
    assert torch.allclose(gamma1(summed, delta), 0.9**counts)


def test_a_plain_floor_would_lose_some():
    delta, counts = initial_step(150, (1, 8, 8)), torch.arange(1, 40)
    pixels = torch.tensor([k / 255 for k in counts.tolist()])
    lost = torch.floor(pixels / (1 / 255)) < counts
    summed = torch.floor(torch.cumsum(torch.full((39,), delta), 0) / delta) < counts
    assert lost.any() or summed.any()


def test_misclassified_images_stand_clean_in_the_noisy_batch(coupled):
    """Their exploration means nothing, and the noisy loss is not theirs; the batch statistics see
    them clean."""
    model, x, y = coupled
    info = RunInfo(len(x), 150, tuple(x.shape[1:]), torch.device("cpu"))
    state = {"margin": torch.full((len(x),), 0.05)}
    SMD("ame").step(
        model,
        Batch(x, y, torch.arange(len(x))),
        state,
        StepContext(info, 0, torch.Generator().manual_seed(0)),
    )
    noisy = model.batches[-1]
    assert len(noisy) == len(x)
    assert torch.equal(noisy[0], x[0])
    assert not torch.equal(noisy[1:], x[1:])
