"""Networks whose logits depend on the rest of the batch, as batch norm's do in train mode.

While attacking, batch statistics are used and running statistics stay untouched.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from smd.nets.trying import Try, noise, trying

TRIED = 4  # images of the batch that a network is tried with
# share of the largest logit by which the first image's may differ between two batches: float noise
# is far below, another image's influence far above
NOISE = 1e-4
_tried: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def couples_samples(model: nn.Module, like: Tensor | None = None) -> bool:
    """Whether a sample's logits depend on the others of its batch in train mode.

    A layer of batch norm says so, or what stands around the network (`coupled`). like: a batch
    (B, C, ...) as the network takes it, with which one that has none is tried once; None: it is
    not tried.
    """
    known: bool | None = getattr(model, "coupled", None)
    if known is not None:
        return known
    if any(isinstance(m, _BatchNorm) for m in model.modules()):
        return True
    if like is None:
        return _tried.get(model, False)
    if model not in _tried:
        _tried[model] = _depends(model, like)
    return _tried[model]


def _depends(model: nn.Module, like: Tensor) -> bool:
    """Tried in train mode; True where it cannot be tried, which is right for every network."""
    try:
        with torch.no_grad(), trying(model, like.device, train=True) as tried:
            return mixes(tried, noise((TRIED, *like.shape[1:]), like))
    except Exception:
        return True


def mixes(tried: Try, one: Tensor) -> bool:
    """Whether the first image's logits change with the others of its batch, (B, C, ...)."""
    other = one.clone()
    other[1:] = 1 - other[1:] / 4
    first, second = tried(one, 0)[0], tried(other, 0)[0]
    same = (first - second).abs().max() <= NOISE * first.abs().max()
    return not bool(same)


@contextmanager
def statistics_kept(model: nn.Module) -> Iterator[None]:
    """Within, forward passes in train mode leave the running statistics as they are.

    Those of batch norm's layers are not touched; other buffers are put back at the end.
    """
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    kept = _buffers_beside(model)
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
        for module, name, buffer, value in kept:
            if not torch.equal(buffer, value):
                buffer.copy_(value)
            module._buffers[name] = buffer  # where another was put in its place


def _buffers_beside(model: nn.Module) -> list[tuple[nn.Module, str, Tensor, Tensor]]:
    """Buffers of layers that are no batch norm: (layer, name, buffer, a copy of it) each."""
    return [
        (module, name, buffer, buffer.detach().clone())
        for module in model.modules()
        if not isinstance(module, _BatchNorm)
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
