"""Networks of torchvision and timm, built for the images and classes at hand."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, cast

import torch
from torch import Tensor, nn

from smd.errors import UserError
from smd.nets.fitting import fitted
from smd.nets.last_layer import Unfit, last_line

# sides that are tried for a network that cannot take the images
SIDES = (16, 28, 32, 48, 56, 64, 75, 96, 112, 128, 160, 192, 224, 256, 299, 384)
OLD_DENSE = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)$")


def from_torchvision(
    argument: str, shape: tuple[int, ...], classes: int, pretrained: bool = False
) -> nn.Module:
    """A classification network that this torchvision lists, such as "resnet18".

    shape: (C, H, W). pretrained: with the weights that torchvision calls default. Raises UserError
    where it lists none of that name, it cannot take such images, or its weights cannot be had.
    """
    from torchvision import models

    known = models.list_models(module=models)
    if argument not in known:
        raise UserError(_unknown("torchvision", argument, known))
    made = lambda shape, pretrained: _torchvision(argument, shape, classes, pretrained)  # noqa: E731
    return _fitting(f"torchvision:{argument}", shape, made, pretrained)


def from_timm(
    argument: str, shape: tuple[int, ...], classes: int, pretrained: bool = False
) -> nn.Module:
    """A network that this timm lists, such as "resnet18.a1_in1k"; as `from_torchvision`."""
    try:
        import timm
    except ImportError:
        raise UserError(
            'Networks of timm need the package timm: pip install "smd-studio[timm]".'
        ) from None
    if not timm.is_model(argument):
        raise UserError(_unknown("timm", argument, timm.list_models()))
    made = lambda shape, pretrained: _timm(argument, shape, classes, pretrained)  # noqa: E731
    return _fitting(f"timm:{argument}", shape, made, pretrained)


def normalisation_of(name: str) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and deviation a channel of the images that a library's weights were trained on.

    name: as a config has it, such as "torchvision:resnet18"; None where none are known.
    """
    library, _, own = name.partition(":")
    try:
        if library == "torchvision":
            preset = cast(Any, _weights(own)).transforms()
            return tuple(preset.mean), tuple(preset.std)
        if library == "timm":
            import timm

            about = timm.get_pretrained_cfg(own)
            return (tuple(about.mean), tuple(about.std)) if about else None
    except (UserError, ImportError, ValueError, KeyError, AttributeError):
        pass
    return None


def _unknown(library: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 3) or known[:3]
    return f"{library} has no network '{name}': did you mean {', '.join(near)}?"


def _fitting(
    name: str,
    shape: tuple[int, ...],
    made: Callable[[tuple[int, ...], bool], nn.Module],
    pretrained: bool,
) -> nn.Module:
    """The network; raises UserError with the smallest side that works where it cannot be."""
    if len(shape) != 3:
        raise UserError(f"{name} takes images, these are volumes: choose volume-cnn.")
    try:
        return made(shape, pretrained)
    except Unfit as error:
        size = "x".join(map(str, shape[1:]))
        advice = _advice(shape, made)
        raise UserError(f"{name} cannot take images of {size} ({error}): {advice}.") from error


def _advice(shape: tuple[int, ...], made: Callable[[tuple[int, ...], bool], nn.Module]) -> str:
    for side in SIDES:
        try:
            with torch.device("meta"):
                made((shape[0], side, side), False)
        except (Unfit, NotImplementedError):  # the latter: it cannot be looked at without numbers
            continue
        return (
            f"the smallest side tried that works is {side}, so resize the images (--image-size"
            f" {side}) or choose another network"
        )
    return "choose another network"


def _torchvision(name: str, shape: tuple[int, ...], classes: int, pretrained: bool) -> nn.Module:
    from torchvision import models

    weights = _weights(name) if pretrained else None
    outputs = len(weights.meta["categories"]) if weights else classes
    builder = models.get_model_builder(name)
    extras = _extras(builder.__module__.rpartition(".")[2], shape[-1], pretrained)
    try:
        network = builder(weights=None, num_classes=outputs, **extras)
    except (ValueError, AssertionError) as error:  # patches that do not fit the image
        raise Unfit(last_line(error)) from error
    if weights is not None:
        _fill(network, _state_of(name, weights), shape[-1])
    _without_auxiliaries(network)
    return fitted(network, shape, classes)


def _extras(family: str, side: int, pretrained: bool) -> dict[str, Any]:
    """What a family's builder must be told beside the number of classes."""
    if family == "vision_transformer":
        return {"image_size": side}
    if family == "maxvit":
        return {"input_size": (side, side)}
    if family in ("googlenet", "inception"):
        # auxiliary heads are in the files of weights; their first layer expects the ImageNet's
        # normalisation, and the weights another
        return {
            "aux_logits": pretrained,
            "init_weights": not pretrained,
            "transform_input": pretrained,
        }
    return {}


def _without_auxiliaries(network: nn.Module) -> None:
    """Networks of 2014 and 2015 answer with several heads in train mode; the last one is kept."""
    for name in ("aux1", "aux2", "AuxLogits"):
        if hasattr(network, name):
            setattr(network, name, None)
    if hasattr(network, "aux_logits"):
        cast(Any, network).aux_logits = False


def _weights(name: str) -> Any:
    """torchvision's entry of its default weights; raises UserError where there are none."""
    from torchvision import models

    default = getattr(models.get_model_weights(name), "DEFAULT", None)
    if default is None:
        raise UserError(f"torchvision has no pretrained weights for {name}: start without them.")
    return default


def _state_of(name: str, weights: Any) -> dict[str, Tensor]:
    """The tensors of a file that torchvision publishes, downloaded once; nothing is unpickled."""
    file, folder = weights.url.rpartition("/")[2], f"{torch.hub.get_dir()}/checkpoints"
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except Exception as error:
        raise UserError(
            f"The weights of torchvision:{name} could not be had from {weights.url}"
            f" ({last_line(error)}): put the file {file} into {folder}, or point TORCH_HOME at the"
            " folder that has it in hub/checkpoints."
        ) from error
    return {OLD_DENSE.sub(r"\1\2", key): value for key, value in state.items()}


def _fill(network: nn.Module, state: dict[str, Tensor], side: int) -> None:
    """Load published weights; a transformer's positions are interpolated to the image's size."""
    if "encoder.pos_embedding" in state:
        from torchvision.models.vision_transformer import interpolate_embeddings

        patch = cast(Any, network).patch_size
        state = interpolate_embeddings(side, patch, cast(Any, state))
    network.load_state_dict(state)


def _timm(name: str, shape: tuple[int, ...], classes: int, pretrained: bool) -> nn.Module:
    import timm

    settings = {"pretrained": pretrained, "num_classes": classes, "in_chans": shape[0]}
    try:
        try:
            network = timm.create_model(name, img_size=shape[1:], **settings)
        except TypeError:  # most networks take any size, and no word about it
            network = timm.create_model(name, **settings)
    except (ValueError, AssertionError) as error:
        raise Unfit(last_line(error)) from error
    except (OSError, RuntimeError) as error:
        if not pretrained:
            raise Unfit(last_line(error)) from error
        raise UserError(
            f"The weights of timm:{name} could not be had ({last_line(error)}): load them where"
            " there is internet, and copy the folder that HF_HOME names there (by default"
            " ~/.cache/huggingface) to this machine."
        ) from error
    return fitted(network, shape, classes, refit=False)
