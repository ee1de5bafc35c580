"""The floating-point precision of a training step; TF32 and bfloat16 are quicker on a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

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
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
