"""EPGD as one CUDA graph: on a GPU small networks wait for launches, not for arithmetic.

A graph is captured when a batch's shape comes for the second time, and only believed after its
answers have equalled the ordinary ones on two batches, with an optimiser's step between them. Where
it cannot be captured, or differs, ordinary steps are taken.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from smd.core import epgd as plain
from smd.core.epgd import Explored
from smd.core.margin import Rules
from smd.core.rng import Source

TRIALS = 2  # batches on which a graph is compared
# share of the samples that must come out alike: convolutions on a GPU may add up in another order
ALIKE = 0.99
DIFFERS = "The captured graph of EPGD differs from its ordinary steps, which are taken instead."
log = logging.getLogger(__name__)

Key = tuple[Rules, torch.Size, torch.dtype, bool, bool]


@dataclass
class Graph:
    """A captured exploration of one model for batches of one shape."""

    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]  # x, y, margin, gradient: copied into before a replay
    output: Explored  # written by a replay
    trials: int = 0

    def __call__(self, *inputs: Tensor) -> Explored:
        """Replay it on the inputs; the result is a copy that no later replay overwrites."""
        for kept, given in zip(self.inputs, inputs, strict=True):
            kept.copy_(given)
        self.graph.replay()
        return Explored(self.output.x.clone(), self.output.crossed.clone())


# per model and key; None: the shape was seen once, or its graph is given up
_graphs: WeakKeyDictionary[nn.Module, dict[Key, Graph | None]] = WeakKeyDictionary()
_given_up: WeakKeyDictionary[nn.Module, set[Key]] = WeakKeyDictionary()


def epgd(
    model: nn.Module,
    x: Tensor,  # (B, C, H, W) in [0, 1]
    y: Tensor,  # (B,)
    margin: Tensor,  # (B,) unit of x
    rules: Rules,
    generator: Source,
    gradient: Tensor | None,  # (B, C, H, W) at x, up to a positive factor
) -> Explored:
    """smd.core.epgd.epgd with masked=True, replayed from a graph where one is known to be right."""

    def ordinary(x: Tensor, y: Tensor, margin: Tensor, gradient: Tensor | None) -> Explored:
        return plain.epgd(model, x, y, margin, rules, generator, gradient, masked=True)

    # recomputing asks for the state of random numbers, exchanging between ranks for their word
    uncaptured = getattr(model, "uncaptured", False) or not len(x)
    if not x.is_cuda or gradient is None or rules.start != "clean" or uncaptured:
        return ordinary(x, y, margin, gradient)
    key = (rules, x.shape, x.dtype, torch.is_autocast_enabled("cuda"), model.training)
    return _answer(model, key, ordinary, (x, y, margin, gradient))


def _answer(
    model: nn.Module, key: Key, ordinary: Callable[..., Explored], inputs: tuple[Tensor, ...]
) -> Explored:
    """From the graph of that key, which is captured at its second batch and then compared."""
    known, given_up = _graphs.setdefault(model, {}), _given_up.setdefault(model, set())
    if key in given_up:
        return ordinary(*inputs)
    if key not in known:
        known[key] = None
        return ordinary(*inputs)
    graph = known[key] = known[key] or _captured(ordinary, inputs)
    if graph is None:
        given_up.add(key)
        return ordinary(*inputs)
    if graph.trials >= TRIALS:
        return graph(*inputs)
    right, expected = _compared(graph, ordinary, inputs)
    if not right:
        log.warning(DIFFERS)
        given_up.add(key)
        known[key] = None
    return expected


def _compared(
    graph: Graph, ordinary: Callable[..., Explored], inputs: tuple[Tensor, ...]
) -> tuple[bool, Explored]:
    """Whether a graph answers as the ordinary steps do on one batch, and what these answer."""
    output = graph(*inputs)
    graph.trials += 1
    expected = ordinary(*inputs)
    return _alike(output, expected), expected


def _captured(ordinary: Callable[..., Explored], inputs: tuple[Tensor, ...]) -> Graph | None:
    """Capture the ordinary steps on copies of the inputs; None if CUDA refuses."""
    kept = tuple(each.detach().clone() for each in inputs)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    dtype = torch.get_autocast_dtype("cuda")
    # Autocast would keep cast weights from outside, which no later replay would see change.
    cast = torch.autocast("cuda", dtype, torch.is_autocast_enabled("cuda"), cache_enabled=False)
    try:
        with torch.cuda.stream(stream), cast:
            # libraries set themselves up at their first call, which may not be captured
            ordinary(*kept)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph), cast:
            output = ordinary(*kept)
    except RuntimeError as error:
        log.warning(
            "EPGD cannot be captured as a CUDA graph (%s); its steps are launched one by one.",
            error,
        )
        return None
    return Graph(graph, kept, output)


def _alike(one: Explored, other: Explored) -> bool:
    same = (one.crossed == other.crossed) & ((one.x - other.x).abs().flatten(1).amax(1) < 1e-5)
    return bool(same.float().mean() >= ALIKE)
