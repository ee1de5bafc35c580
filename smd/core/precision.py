"""The floating-point precision of training steps, and of all that judges; less is quicker on a
GPU."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any, Literal

import torch

Precision = Literal["float32", "tf32", "bfloat16"]


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """Within, matrix products and convolutions have that precision; weights and margins float32.

    float32 is exact on every device, though PyTorch would allow convolutions TF32 (10 bits of
    mantissa); tf32 allows it to both and means nothing away from CUDA. bfloat16 (7 bits) is
    autocast: forward passes in bfloat16, with gradients by the pixels and the weights handed back
    in float32. Raises nothing; nests, and threads may be within side by side: then TF32 is allowed
    only where all of them allow it.
    """
    with (
        _switched(precision == "tf32"),
        torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"),
    ):
        yield


class _Switches:
    """PyTorch's switches of TF32: a process has them once, for all its threads.

    The first who asks notes how they stood and the last puts them back, in whatever order threads
    come and go; meanwhile TF32 is allowed only if nobody asked for float32.
    """

    def __init__(self) -> None:
        self.turn = Lock()
        self.asked: list[bool] = []  # whether TF32 may be, one for each who is within
        self.kept = ExitStack()  # puts back what stood before the first

    def enter(self, tf32: bool) -> None:
        with self.turn:
            if not self.asked:
                self.kept.enter_context(_kept())
            self.asked.append(tf32)
            _allow(all(self.asked))

    def leave(self, tf32: bool) -> None:
        with self.turn:
            self.asked.remove(tf32)
            if self.asked:
                _allow(all(self.asked))
            else:
                self.kept.close()


_SWITCHES = _Switches()


@contextmanager
def _switched(tf32: bool) -> Iterator[None]:
    _SWITCHES.enter(tf32)
    try:
        yield
    finally:
        _SWITCHES.leave(tf32)


def _older() -> bool:
    """Whether the switches have their older names: once a caller has used the newer ones, those
    are not to be read."""
    try:
        _ = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    except RuntimeError:
        return False
    return True


@contextmanager
def _kept() -> Iterator[None]:
    """Afterwards the switches stand as they do now."""
    if _older():
        before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
        yield
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
    else:
        _, kinds = _kinds()
        stood = [kind.fp32_precision for kind in kinds]
        yield
        for kind, value in zip(kinds, stood, strict=True):
            kind.fp32_precision = value


def _allow(tf32: bool) -> None:
    if _older():
        torch.set_float32_matmul_precision("highest")
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    else:
        gpu, kinds = _kinds()
        for kind in kinds:
            kind.fp32_precision = "tf32" if tf32 and kind in gpu else "ieee"


def _kinds() -> tuple[list[Any], list[Any]]:
    """The newer names, a switch for each kind of operation: those of a GPU, and all."""
    backends: Any = torch.backends
    gpu = [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn]
    return gpu, [*gpu, backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn]
