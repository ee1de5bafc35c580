"""The SMD step: the literal algorithms, the engine's, and its variant `first-crossing`."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from smd import data, nets
from smd.bench import literal
from smd.bench.part import Part, Row
from smd.bench.peak import flops_per_second
from smd.bench.timing import interleaved
from smd.core.epgd import epgd
from smd.core.margin import Rules
from smd.data.batches import Batch, on_device, spread
from smd.defenses import RunInfo, StepContext
from smd.defenses.smd import SMD
from smd.errors import UserError
from smd.nets.batchnorm import statistics_kept

EPOCHS = 150  # of the run whose delta is taken
CROSSING = 0.2  # share of samples that cross at least; in a run 12 to 50 per cent do


@dataclass(frozen=True)
class Case:
    """A network and what it is measured on."""

    net: str
    data: str  # enlarged digits stand in where these images are not there
    batch: int
    training: int  # steps on clean images beforehand
    repetitions: int
    side: int = 0  # in pixels, that the images are enlarged to; 0: as they are


CASES = (
    Case("small-cnn", "fashion-mnist", 128, 200, 7),
    Case("fashion-cnn", "fashion-mnist", 128, 150, 7),
    Case("svhn-cnn", "svhn", 128, 200, 7),
    Case("wrn-28-4", "cifar10", 16, 20, 3),
    Case("resnet-18", "cifar10", 8, 80, 1, side=64),
)
QUICK = (Case("small-cnn", "digits", 16, 20, 2),)


def measure(quick: bool) -> Part:
    """A row for each network and variant of the step."""
    peak = flops_per_second(torch.device("cpu"))
    rows = [row for case in (QUICK if quick else CASES) for row in _rows(case, peak)]
    note = (
        f"Peak: {peak / 1e9:.0f} GFLOP/s in float32 matrix products on {torch.get_num_threads()}"
        " threads. Passes are per sample of the batch; ratio is the literal step's time by this"
        " one's."
    )
    return Part("step", "One SMD step: literal algorithms against the engine", rows, note)


@dataclass(frozen=True)
class Ready:
    """A trained network, a batch, and margins of which some are crossed."""

    model: nn.Module
    batch: Batch
    margins: Tensor
    images: str

    @property
    def info(self) -> RunInfo:
        """A run of the paper's length."""
        return RunInfo(
            len(self.batch.y), EPOCHS, tuple(self.batch.x.shape[1:]), torch.device("cpu")
        )


def _rows(case: Case, peak: float) -> list[Row]:
    ready = prepared(case)
    plain = literal.plain(ready.model)
    steps: dict[str, tuple[nn.Module, Callable[[nn.Module], Outcome]]] = {
        "literal": (plain, partial(literal_step, ready)),
        "exact": (ready.model, partial(engine_step, ready, "paper")),
        "first-crossing": (ready.model, partial(engine_step, ready, "first-crossing")),
    }
    times = interleaved([partial(step, model) for model, step in steps.values()], case.repetitions)
    expected = literal_step(ready, plain)
    flop = flops_of_a_pass(plain, ready.batch.x)
    rows: list[Row] = []
    for (name, (model, step)), seconds in zip(steps.items(), times, strict=True):
        work, outcome = counted(model, step)
        row: Row = {"network": case.net, "images": ready.images, "batch": case.batch, "step": name}
        row |= {"seconds": seconds, "samples_per_s": case.batch / seconds}
        row |= {"ratio": times[0] / seconds}
        rows.append(row | _speed(work, case.batch, flop / seconds, peak) | _same(outcome, expected))
    return rows


def _speed(work: "Work", batch: int, flop_per_s: float, peak: float) -> Row:
    """Passes a sample and arithmetic a second; flop_per_s: if each did a single forward pass."""
    speed = flop_per_s * work.passes
    return {
        "forwards": work.forwards / batch,
        "gradients": work.gradients / batch,
        "gflop_per_s": speed / 1e9,
        "peak_percent": 100 * speed / peak,
    }


def _same(outcome: "Outcome", expected: "Outcome") -> Row:
    """What a step did, and how far that is from the literal step's."""
    return {
        "correct": int(outcome.correct.sum()),
        "crossed": int((outcome.correct & ~outcome.kept).sum()),
        "flags_differ": int((outcome.kept != expected.kept).sum()),
        "margin_differs_255": 255 * float((outcome.margins - expected.margins).abs().max()),
    }


@dataclass(frozen=True)
class Outcome:
    """The flags and margins of a batch after a step, each (B,)."""

    correct: Tensor
    kept: Tensor  # Flag2 of the correct ones
    margins: Tensor


def literal_step(ready: Ready, model: nn.Module) -> Outcome:
    """Algorithms 1 and 2 as printed."""
    model.zero_grad(set_to_none=True)
    return Outcome(*literal.step(model, ready.batch, ready.margins, ready.info))


def engine_step(ready: Ready, preset: str, model: nn.Module) -> Outcome:
    """The engine's step; the margins it begins with are the same every time."""
    model.zero_grad(set_to_none=True)
    state = {"margin": ready.margins.clone()}
    context = StepContext(ready.info, 0, torch.Generator().manual_seed(0))
    result = SMD(preset).step(model, ready.batch, state, context)  # type: ignore[arg-type]
    assert result.clean_ok is not None
    return Outcome(result.clean_ok, result.adv_ok, state["margin"])


def prepared(case: Case) -> Ready:
    """A network trained briefly on clean images, and margins that some samples cross."""
    batches, images, classes = _batches(case)
    if case.side:
        batches = [_enlarged(batch, case.side) for batch in batches]
        images = f"{images}, {case.side} pixels a side"
    torch.manual_seed(0)
    x = batches[0].x
    model = nets.build(case.net, tuple(x.shape[1:]), classes).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    for k in range(case.training):
        optimizer.zero_grad()
        F.cross_entropy(model(batches[k % len(batches)].x), batches[k % len(batches)].y).backward()
        optimizer.step()
    return Ready(model, batches[0], _margins(model, batches[0]), images)


def _batches(case: Case) -> tuple[list[Batch], str, int]:
    """Batches of real images: of the case's data set, or of the digits, enlarged to its size."""
    try:
        images, shown = data.load(case.data), case.data
    except UserError:
        images, shown = data.load("digits"), "digits, enlarged"
    rows = np.flatnonzero(images.split == 0)
    count = min(8 * case.batch, len(rows))
    # a set may lie in class order
    rows = np.random.default_rng(0).permutation(rows[spread(len(rows), count)])
    batch = on_device(images, rows, torch.device("cpu")).take(torch.arange(count))
    x = batch.x
    if shown != case.data:
        channels, size = (1, 28) if case.data == "fashion-mnist" else (3, 32)
        x = F.interpolate(x, size=(size, size), mode="bilinear")
        x = x.expand(-1, channels, -1, -1).contiguous()
    parts = torch.arange(count).split(case.batch)
    batches = [Batch(x[part], batch.y[part], torch.arange(len(part))) for part in parts]
    return batches, shown, len(images.classes)


def _enlarged(batch: Batch, side: int) -> Batch:
    return replace(batch, x=F.interpolate(batch.x, size=(side, side), mode="bilinear"))


def _margins(model: nn.Module, batch: Batch) -> Tensor:
    """Uniform from 0 to a reach at which enough of the samples cross."""
    uniform = torch.rand(len(batch.y), generator=torch.Generator().manual_seed(1))
    probe = copy.deepcopy(model)
    for reach in (1, 2, 4, 8, 16, 32, 64):
        margins = uniform * reach / 255
        generator = torch.Generator().manual_seed(0)
        explored = epgd(probe, batch.x, batch.y, margins, Rules(), generator, masked=True)
        if float(explored.crossed.float().mean()) >= CROSSING:
            break
    return margins


@dataclass
class Work:
    """The passes of a step, counted in samples."""

    forwards: int = 0
    gradients: int = 0  # by the pixels or by the weights: back through the network
    weights: int = 0  # of these, by the weights: as much again
    latest: int = 0

    @property
    def passes(self) -> int:
        """In units of a forward pass."""
        return self.forwards + self.gradients + self.weights


def counted(model: nn.Module, step: Callable[[nn.Module], Outcome]) -> tuple[Work, Outcome]:
    """The passes of one step, and its outcome."""
    work = Work()

    def back(gradient: Tensor) -> None:
        work.latest = len(gradient)
        work.gradients += len(gradient)

    def forth(module: nn.Module, given: object, logits: Tensor) -> None:
        work.forwards += len(logits)
        if logits.requires_grad:
            logits.register_hook(back)

    def trained(parameter: Tensor) -> None:
        work.weights += work.latest

    first = next(model.parameters())
    hooks = [model.register_forward_hook(forth), first.register_post_accumulate_grad_hook(trained)]
    outcome = step(model)
    for hook in hooks:
        hook.remove()
    return work, outcome


def flops_of_a_pass(model: nn.Module, x: Tensor) -> float:
    """Floating-point operations of one sample's forward pass; a pass back takes as many."""
    with FlopCounterMode(display=False) as flops, torch.no_grad(), statistics_kept(model):
        model(x)
    return flops.get_total_flops() / len(x)
