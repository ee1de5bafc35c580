"""A network without a class: known operations on tensors, run one after the other."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from smd.errors import UserError
from smd.weights.limits import Unfit

LARGEST = 2**28  # numbers of one value for one image
TOTAL = 2**32  # numbers of all values for one image, which an attack's gradient keeps
BATCH = 4096  # images at once that a file may ask for


@dataclass(frozen=True)
class Name:
    """Stands for a value of the graph."""

    name: str


HERE = Name("the device that the images are on")


@dataclass(frozen=True)
class Step:
    """One operation; a Name in its arguments, also within lists, stands for an earlier value."""

    title: str  # how messages call it
    does: Callable[..., Any]
    args: tuple[Any, ...]
    outputs: tuple[str, ...]  # several where it gives a tuple
    words: Mapping[str, Any] = field(default_factory=dict)
    linear: tuple[Any, Any] = ()  # type: ignore[assignment]  # input and weight of a linear layer
    in_place: bool = False  # whether it changes its first argument


@dataclass(frozen=True, eq=False)
class Graph:
    """Operations from images to logits."""

    steps: tuple[Step, ...]
    input: str
    output: str
    tensors: Mapping[str, Tensor]  # weights and buffers
    fixed: Mapping[str, Any] = field(default_factory=dict)  # what stays on the CPU: sizes, axes
    batch: int = 0  # images at once, where the file says so


class GraphNetwork(nn.Module):
    """Runs a graph, differentiable by the images, in eval mode only.

    Its weights take no gradients: it is judged and not trained.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.steps, self.input, self.output = graph.steps, graph.input, graph.output
        self.fixed, self.batch = dict(graph.fixed), graph.batch
        self.places = {name: f"tensor_{k}" for k, name in enumerate(graph.tensors)}
        for name, tensor in graph.tensors.items():
            if tensor.is_floating_point():
                weight = nn.Parameter(tensor, requires_grad=False)
                self.register_parameter(self.places[name], weight)
            else:
                self.register_buffer(self.places[name], tensor)
        self.last = _last_linear(graph)
        self.dead = _last_uses(graph.steps, {self.output, self._linear_input()})
        self.training = False

    def train(self, mode: bool = True) -> "GraphNetwork":
        """Raises UserError: what such a file holds is the network in eval mode."""
        if mode:
            raise UserError(
                "A network from a .pt2 or .onnx file has no train mode and cannot be trained"
                " further: import its weights into a network of the table, or of your own file."
            )
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) in [0, 1] -> logits (B, K)."""
        return self._in_batches(x, lambda part: self.values(part, len(self.steps))[self.output])

    def features(self, x: Tensor) -> Tensor:
        """The input of the last linear layer, (B, C, ...) -> (B, F); UserError where none is."""
        if self.last < 0:
            raise UserError(
                "This network has no linear layer before its logits, whose input could be its"
                " features."
            )
        name = self._linear_input()
        return self._in_batches(x, lambda part: self.values(part, self.last)[name].flatten(1))

    def _linear_input(self) -> str:
        given = self.steps[self.last].linear[0] if self.last >= 0 else None
        return given.name if isinstance(given, Name) else ""

    def values(
        self, x: Tensor, steps: int, seen: Callable[[Step, Any], None] | None = None
    ) -> dict[str, Any]:
        """The values after so many steps that are still needed; `seen` is told each step's."""
        # an operation in place must not change the caller's images
        x = x.clone() if any(step.in_place for step in self.steps) else x
        values = {name: getattr(self, place) for name, place in self.places.items()}
        values |= {**self.fixed, self.input: x, HERE.name: x.device}
        for step, dead in zip(self.steps[:steps], self.dead, strict=False):
            words = {word: _filled(value, values) for word, value in step.words.items()}
            result = step.does(*(_filled(value, values) for value in step.args), **words)
            if seen:
                seen(step, result)
            if len(step.outputs) == 1:
                values[step.outputs[0]] = result
            else:
                values |= zip(step.outputs, result, strict=False)
            for name in dead:
                values.pop(name, None)
        return values

    def _in_batches(self, x: Tensor, run: Callable[[Tensor], Tensor]) -> Tensor:
        """In the batches that the file is made for, the last one filled up with its first image."""
        if not self.batch or len(x) == self.batch:
            return run(x)
        results = []
        for part in x.split(self.batch):
            filler = part[:1] if len(part) else x.new_zeros((1, *x.shape[1:]))
            fill = filler.expand(self.batch - len(part), *x.shape[1:])
            results.append(run(torch.cat([part, fill]))[: len(part)])
        return torch.cat(results)


def names_in(value: Any) -> Iterator[str]:
    """The values that an argument stands for."""
    if isinstance(value, Name):
        yield value.name
    elif isinstance(value, list | tuple):
        for each in value:
            yield from names_in(each)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Name):
        return values[value.name]
    return [_filled(each, values) for each in value] if isinstance(value, list) else value


def _last_uses(steps: tuple[Step, ...], kept: set[str]) -> list[list[str]]:
    """The values that no later step needs, after each step: images are many, memory is not."""
    dead: list[list[str]] = []
    later = set(kept)
    for step in reversed(steps):
        used = {*names_in(list(step.args)), *names_in(list(step.words.values())), *step.outputs}
        dead.append([name for name in used - later if name != HERE.name])
        later |= used
    return dead[::-1]


def _last_linear(graph: Graph) -> int:
    """Where the last linear layer with a weight of its own is; -1 if a convolution comes after."""
    own = dict.fromkeys(graph.tensors)
    last = -1
    for k, step in enumerate(graph.steps):
        names = list(names_in(list(step.args)))
        if step.linear and all(name in own for name in names_in(step.linear[1])):
            last = k if isinstance(step.linear[0], Name) else -1
        elif "conv" in step.title.lower():
            last = -1
        if names and all(name in own for name in names):
            own |= dict.fromkeys(step.outputs)  # a weight transposed is a weight
    return last


def checked(network: GraphNetwork, shape: tuple[int, ...]) -> None:
    """Raises Unfit where images of that shape (C, ...) do not come out as logits (B, K >= 2).

    Only shapes are computed, on torch's device without numbers: no memory, no time.
    """
    count, total = network.batch or 2, 0
    if not 0 < count <= BATCH:
        raise Unfit(f"it takes {count} images at once: export it with a batch of any size")

    def bounded(step: Step, result: Any) -> None:
        nonlocal total
        for each in result if isinstance(result, list | tuple) else [result]:
            numbers = each.numel() if isinstance(each, Tensor) else 0
            total += numbers
            if numbers > LARGEST * count or total > TOTAL * count:
                raise Unfit(f"its {step.title} fills the memory with {tuple(each.shape)}")

    logits = on_meta(network, (count, *shape), bounded)
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != count:
        raise Unfit(f"it answers {_shape_of(logits)} to {count} images, and not one row for each")
    if logits.shape[1] < 2 or not logits.is_floating_point():
        raise Unfit("its answers are not the logits of two classes or more")


def on_meta(
    network: GraphNetwork, shape: tuple[int, ...], seen: Callable[[Step, Any], None]
) -> Any:
    """What comes out for images of that shape (B, C, ...), as tensors without numbers."""
    doing = ["input"]

    def follow(step: Step, result: Any) -> None:
        doing[0] = step.title
        seen(step, result)

    meta = {name: tensor.to("meta") for name, tensor in network.state_dict().items()}
    try:
        with torch.no_grad(), torch.nn.utils.stateless._reparametrize_module(network, meta):
            x = torch.empty(shape, device="meta")
            return network.values(x, len(network.steps), follow)[network.output]
    except Unfit:
        raise
    except Exception as error:  # an operation with arguments that do not fit raises nearly anything
        why = (str(error).splitlines() or [""])[0][:150] or type(error).__name__
        size = " x ".join(map(str, shape[1:]))
        raise Unfit(f"it cannot take images of {size}: after its {doing[0]}, {why}") from None


def _shape_of(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else "no tensor"


def tried(network: GraphNetwork, shape: tuple[int, ...]) -> None:
    """Run it on three images; let one whose file names a batch take any, if others answer the same.

    Many files name the batch of one image that they were written with, and need it nowhere. Raises
    Unfit where it cannot be run.
    """
    fixed, x = network.batch, torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        try:
            expected = network(x)
        except Exception as error:  # arguments that only the computation itself finds wrong
            why = (str(error).splitlines() or [""])[0][:150] or type(error).__name__
            raise Unfit(f"it cannot be run: {why.rstrip('.')}") from None
        network.batch = 0
        try:
            logits = network(x) if fixed else expected
            same = logits.shape == expected.shape and torch.allclose(logits, expected, 1e-4, 1e-5)
        except (Unfit, RuntimeError, ValueError, IndexError, TypeError):
            same = False
    network.batch = 0 if same else fixed
