"""A normalisation of the images that a published file brings along."""

from collections.abc import Mapping

from torch import Tensor

PAIRS = (("mean", "std"), ("mu", "sigma"), ("mean", "sigma"), ("mu", "std"))
CHANNELS = 16


def taken_out(
    state: Mapping[str, Tensor],
) -> tuple[tuple[float, ...], tuple[float, ...], dict[str, Tensor]]:
    """The mean and deviation of each channel, and the tensors that hold them; empty without any.

    Recognised by their names, `mu` and `sigma` or `mean` and `std`, alone or below one layer
    (`normalize.mean`, `0.mean`), and by their shape: (C,), (1, C, 1, 1), (1, C, 1, 1, 1) or one
    number.
    """
    pairs = []
    for first, second in PAIRS:
        layers = [name.removesuffix(first) for name in state if name.split(".")[-1] == first]
        pairs += [(layer + first, layer + second) for layer in layers if layer.count(".") <= 1]
    pairs = [pair for pair in pairs if _are_channels(state, *pair)]
    if len(pairs) != 1:
        return (), (), {}
    mean, std = (tuple(state[name].float().flatten().tolist()) for name in pairs[0])
    return mean, std, {name: state[name] for name in pairs[0]}


def _are_channels(state: Mapping[str, Tensor], mean: str, std: str) -> bool:
    if std not in state or state[mean].shape != state[std].shape:
        return False
    tensor, deviation = state[mean], state[std]
    longest = max(tensor.shape, default=1)
    numbers = tensor.is_floating_point() and deviation.is_floating_point()
    if not numbers or tensor.numel() != longest or not 0 < longest <= CHANNELS:
        return False
    return bool((deviation > 0).all() and tensor.isfinite().all() and deviation.isfinite().all())
