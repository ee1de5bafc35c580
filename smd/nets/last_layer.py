"""The last layer of a network, found by watching a pass: what makes the logits."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smd.errors import UserError
from smd.nets.fakes import fake_passes, outline_of


class Unfit(UserError):
    """A network that cannot take what has that shape, or gives no logits for it."""


@dataclass(frozen=True)
class LastLayer:
    """What a network's answer is made by."""

    classes: int  # columns of its answer
    name: str  # of the module; "": none has weights
    exact: bool  # the answer is that module's output as it is


def last_layer(model: nn.Module, shape: tuple[int, ...]) -> LastLayer:
    """The last linear layer that a pass in eval mode calls.

    Where there is none, the last 1x1 convolution, else the last module with weights of its own.
    shape: of one image, (C, H, W) or (C, D, H, W). Raises Unfit.
    """
    outline = outline_of(model).eval()
    with _watching(outline) as called:
        answer = _answer(outline, (2, *shape))
    if not isinstance(answer, Tensor) or answer.dim() != 2 or len(answer) != 2:
        kind = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        raise Unfit(f"it answers 2 images with {kind} instead of logits (2, classes)")
    name = _chosen(outline, [name for name, _ in called])
    last = [output for each, output in called if each == name]
    return LastLayer(answer.shape[1], name, bool(last) and last[-1] is answer)


def last_line(error: BaseException) -> str:
    """The last line of an error's traceback, cut where it is long."""
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _answer(model: nn.Module, shape: tuple[int, ...]) -> object:
    """The answer on fake tensors; on real ones where it depends on numbers. Raises Unfit."""
    try:
        with fake_passes(model) as passed:
            return passed(shape)[1]
    except Exception as error:
        if any(tensor.is_meta for tensor in model.parameters()):
            raise Unfit(last_line(error)) from error
    device = next((tensor.device for tensor in model.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad():
            return model(torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(device))
    except Exception as error:
        raise Unfit(last_line(error)) from error


@contextmanager
def _watching(model: nn.Module) -> Iterator[list[tuple[str, object]]]:
    """Within, each call of a module with weights of its own is noted: its name and its output."""
    called: list[tuple[str, object]] = []
    names = {module: name for name, module in model.named_modules()}

    def note(module: nn.Module, inputs: object, output: object) -> None:
        called.append((names[module], output))

    weighted = [m for m in names if next(m.parameters(recurse=False), None) is not None]
    handles = [module.register_forward_hook(note) for module in weighted]
    try:
        yield called
    finally:
        for handle in handles:
            handle.remove()


def _chosen(model: nn.Module, names: list[str]) -> str:
    """The last linear layer's name; else the last 1x1 convolution's, else the last one."""
    for kind in (is_linear, is_pointwise):
        for name in reversed(names):
            if kind(model.get_submodule(name)):
                return name
    return names[-1] if names else ""


def is_linear(module: nn.Module) -> bool:
    """Whether it is a linear layer."""
    return isinstance(module, nn.Linear)


def is_pointwise(module: nn.Module) -> bool:
    """Whether it is a 1x1 convolution."""
    return isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1
