"""What `smd.attack` and `smd.estimate_margins` work on: float images, and a network on loan."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from smd.api import checks
from smd.core.precision import computing
from smd.data.batches import Batch, OnDevice
from smd.devices import resolve_device
from smd.errors import UserError
from smd.nets.last_layer import last_line


@dataclass(frozen=True)
class FloatImages(OnDevice):
    """Float images where they are; labels and batches are on the network's device."""

    pixels: Tensor  # (N, C, H, W) float in [0, 1]
    labels: Tensor  # (N,) int64

    def take(self, idx: Tensor) -> Batch:
        """The images of those positions, as they are."""
        x = self.pixels[idx.to(self.pixels.device)].to(self.labels.device)
        return Batch(x, self.labels[idx], idx)


def gathered(x: Any, y: Any, device: torch.device, kind: torch.dtype) -> FloatImages:
    """The caller's images and labels, checked; raises UserError.

    x: (N, ...) floats in [0, 1] with y: (N,) labels; or, without y, an iterable of batches that end
    in (x, y), such as a DataLoader. kind: what the network computes in.
    """
    if y is None:
        x, y = _of_loader(x)
    x = checks.images(x)
    y = checks.whole(y, "y", len(x))
    if not checks.in_unit(x):
        checks.refuse_range(x)
    if int(y.min()) < 0:
        checks.refuse_labels(y, None)
    return FloatImages(x.to(kind), y.to(device))


def _of_loader(loader: Any) -> tuple[Tensor, Tensor]:
    """All of a loader's images and labels."""
    if isinstance(loader, Tensor) or not isinstance(loader, Iterable):
        raise UserError("There are no labels: give x and y, or a loader of (x, y).")
    parts: list[tuple[Any, Any]] = []
    for batch in loader:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise UserError("The loader's batches are no (x, y): let it yield images and labels.")
        parts.append((checks.tensor(batch[-2], "x"), checks.tensor(batch[-1], "y")))
    if not parts:
        raise UserError("The loader is empty: give at least one image.")
    x, y = zip(*parts, strict=True)
    try:
        return torch.cat(x), torch.cat(y)
    except RuntimeError as error:
        raise UserError(f"The loader's batches do not fit together: {last_line(error)}.") from None


def device_of(model: nn.Module, device: torch.device | str | None) -> torch.device:
    """The named device, or where the network is; raises UserError if this machine lacks it."""
    checks.network(model)
    if device is not None:
        return resolve_device(str(device))
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


@contextmanager
def on_loan(model: nn.Module, device: torch.device) -> Iterator[None]:
    """The network on that device, which computes in float32 proper; afterwards each module's mode
    and its place are as they were."""
    home, modes = device_of(model, None), [(part, part.training) for part in model.modules()]
    if device != home:
        model.to(device)
    try:
        with computing("float32", device):
            yield
    finally:
        for part, training in modes:
            part.training = training
        if device != home:
            model.to(home)


def classes_of(model: nn.Module, images: FloatImages) -> int:
    """How many classes the network tells apart, asked with one image; raises UserError.

    The network is in eval mode meanwhile, and left there.
    """
    model.eval()
    batch = images.take(torch.zeros(1, dtype=torch.int64, device=images.labels.device))
    try:
        with torch.no_grad():
            answer = model(batch.x)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        raise checks.cannot_take(error, tuple(batch.x.shape[1:])) from error
    classes = checks.logits(answer, 1)
    if int(images.labels.max()) >= classes:
        checks.refuse_labels(images.labels, classes)
    return classes
