"""Networks that were made for other images or classes, fitted to ours.

First convolution, class head, features, and batch norm where a batch has one value a channel.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from smd.errors import UserError
from smd.nets.last_layer import LastLayer, Unfit, is_linear, is_pointwise, last_layer
from smd.ranks import shard

RGB = 3
SETTLED = "_settled"  # on a layer of batch norm, while it answers a batch as in eval mode


class Fitted(nn.Module):
    """A network of a library or an own file, with `.features`.

    Its weights are stored under the names that they have in the network itself, so that published
    files load.
    """

    def __init__(self, network: nn.Module, last: LastLayer) -> None:
        super().__init__()
        self.network = network
        self.last = last
        self.register_load_state_dict_pre_hook(_with_prefix)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> logits (B, classes)."""
        return self.network(x)

    @property
    def head(self) -> nn.Module:
        """The last layer."""
        return self.network.get_submodule(self.last.name)

    def features(self, x: Tensor) -> Tensor:
        """The input of the last layer, (B, C, ...) -> (B, F); a map's mean where it is a map.

        `head(features(x))` are the logits where `last.exact` and the head is linear. Raises
        UserError where no layer of the network has weights.
        """
        if _gives_features(self.network):
            return cast(Any, self.network).features(x)
        if not self.last.name:
            raise UserError(
                "This network has no layer whose input could be its features: give its class a"
                " method features(x) -> (B, F)."
            )
        seen: list[Tensor] = []
        handle = self.head.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
        try:
            self.network(x)
        finally:
            handle.remove()
        return _flat(seen[-1], is_linear(self.head))

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """The network's own, without a prefix for this module."""
        return self.network.state_dict(*args, **kwargs)


def fitted(
    module: nn.Module,
    shape: tuple[int, ...],
    classes: int,
    features: bool = True,
    refit: bool = True,
) -> nn.Module:
    """The network for images of that shape and that many classes; `module` itself is changed.

    shape: (C, H, W) or (C, D, H, W). features: whether it shall have `.features`. refit: whether
    its first convolution and its head may be made anew. Raises Unfit, whose text is the reason.
    """
    if refit:
        fit_channels(module, shape[0])
    last = last_layer(module, shape)
    if refit and last.classes != classes:
        _renew_head(module, last, classes)
        last = last_layer(module, shape)
    if last.classes != classes:
        raise Unfit(f"it answers with {last.classes} classes, there are {classes}")
    for layer in module.modules():
        if isinstance(layer, _BatchNorm):
            layer.register_forward_pre_hook(_settle)
            layer.register_forward_hook(_unsettle, always_call=True)
    return Fitted(module, last) if features else module


def fit_channels(module: nn.Module, channels: int) -> None:
    """Make the first convolution of RGB images take images of that many channels.

    Gray: the sum of its weights, so that it answers as to the image repeated in three channels.
    Others: its weights repeated, times 3 / channels, so that answers keep their size.
    """
    convolutions = (m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Conv3d))
    first = next(convolutions, None)
    if first is None or first.in_channels != RGB or channels == RGB or first.groups != 1:
        return
    if getattr(module, "transform_input", False):  # it normalises red, green and blue itself
        if channels != 1:
            raise Unfit(f"its pretrained weights take 1 or 3 channels, these have {channels}")
        module.register_forward_pre_hook(_repeated)
        return
    with torch.no_grad():
        if channels == 1:
            weight = first.weight.sum(1, keepdim=True)
        else:
            rows = [k % RGB for k in range(channels)]
            weight = first.weight[:, rows] * (RGB / channels)
    first.weight, first.in_channels = nn.Parameter(weight), channels


def _renew_head(module: nn.Module, last: LastLayer, classes: int) -> None:
    """Put a freshly initialised layer for that many classes in the place of the last one."""
    around, _, own = last.name.rpartition(".")
    old = module.get_submodule(last.name) if last.name else None
    new: nn.Module
    if isinstance(old, nn.Linear) and old.out_features == last.classes:
        new = nn.Linear(old.in_features, classes, old.bias is not None)
    elif isinstance(old, nn.Conv2d) and is_pointwise(old) and old.out_channels == last.classes:
        new = nn.Conv2d(old.in_channels, classes, 1, bias=old.bias is not None)
    else:
        raise Unfit(f"it answers with {last.classes} classes and has no last layer to replace")
    setattr(module.get_submodule(around), own, new.to(next(old.parameters())))


def _gives_features(network: nn.Module) -> bool:
    """Whether its class has a method of that name; in some libraries it is a part of it."""
    return callable(getattr(type(network), "features", None))


def _flat(x: Tensor, channels_last: bool) -> Tensor:
    """(B, F, ...) or (B, ..., F) -> (B, F)."""
    if x.dim() <= 2:
        return x
    return x.flatten(1, -2).mean(1) if channels_last else x.flatten(2).mean(2)


def _repeated(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (given[0].expand(-1, RGB, -1, -1), *given[1:])


def _with_prefix(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    for name in [name for name in state if name.startswith(prefix)]:
        state[f"{prefix}network.{name[len(prefix) :]}"] = state.pop(name)


def _settle(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
    """One value a channel has no variance: such a batch is normalised with running statistics."""
    x = given[0]
    if layer.training and x.dim() > 1 and x[0].numel() == x.shape[1] and shard.lonely(x):
        layer.training = False
        layer.__dict__[SETTLED] = True


def _unsettle(layer: nn.Module, given: object, output: object) -> None:
    if layer.__dict__.pop(SETTLED, False):
        layer.training = True
