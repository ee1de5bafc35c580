"""The floating-point precision of training steps, and of all that judges; less is quicker on a
GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

Precision = Literal["float32", "tf32", "bfloat16"]


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """Within, matrix products and convolutions have that precision; weights and margins float32.

    float32 is exact on every device, though PyTorch would allow convolutions TF32 (10 bits of
    mantissa); tf32 allows it to both and means nothing away from CUDA. bfloat16 (7 bits) is
    autocast: forward passes in bfloat16, with gradients by the pixels and the weights handed back
    in float32.
    """
    with (
        _switched(precision == "tf32"),
        torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"),
    ):
        yield


@contextmanager
def _switched(tf32: bool) -> Iterator[None]:
    """PyTorch's switches, by its older names unless the caller has used the newer ones."""
    cudnn = torch.backends.cudnn
    try:
        before = torch.get_float32_matmul_precision(), cudnn.allow_tf32
    except RuntimeError:  # the older names are not to be read then
        with _newly(tf32):
            yield
        return
    try:
        torch.set_float32_matmul_precision("highest")
        torch.backends.cuda.matmul.allow_tf32 = cudnn.allow_tf32 = tf32
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        cudnn.allow_tf32 = before[1]


@contextmanager
def _newly(tf32: bool) -> Iterator[None]:
    """The same by the newer names, a switch for each kind of operation."""
    backends: Any = torch.backends
    gpu = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)
    kinds = (*gpu, backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn)
    before = [kind.fp32_precision for kind in kinds]
    try:
        for kind in kinds:
            kind.fp32_precision = "tf32" if tf32 and kind in gpu else "ieee"
        yield
    finally:
        for kind, stood in zip(kinds, before, strict=True):
            kind.fp32_precision = stood
