"""Is a network what a robustness job needs? Looked at before anything starts."""

import torch
from torch import Tensor, nn

from smd.nets.batchnorm import TRIED, mixes
from smd.nets.last_layer import Unfit, last_layer, last_line
from smd.nets.memory import need_of, problem_of_memory
from smd.nets.trying import Try, first_tensor, noise, trying

CLOSE = 1e-3  # sums of probabilities differ from 1 by less
NOISE = 1e-4  # share of the largest logit by which two passes may differ: float noise

RANDOM = (
    "The network is random when it is judged (two passes in eval mode differ): attacks may miss,"
    " and robust accuracy is too good; switch its noise off in eval mode."
)
PROBABILITIES = (
    "The network answers with probabilities (rows sum to 1): attacks need logits, and robust"
    " accuracy is too good without them; take away its last softmax."
)
MIXING = (
    "The network's answer to an image depends on the rest of the batch, also in eval mode: verdicts"
    " depend on which images are judged together."
)
NO_GRADIENT = (
    "The network gives no gradient by its input: attacks that follow it find nothing, and robust"
    " accuracy is too good; trust AutoAttack's Square only."
)
NOT_FINITE = "The network answers random images with nan or inf: its weights may be broken."


def problems_of(
    model: nn.Module,
    shape: tuple[int, ...],
    classes: int,
    batch: int = 0,
    device: torch.device | None = None,
) -> list[str]:
    """Why a network cannot be trained or judged on such images, a sentence each; nothing is run.

    shape: (C, H, W) or (C, D, H, W). batch: images of a training step, whose memory is compared
    with what `device` has, by default where the network is; 0: it is not.
    """
    try:
        last = last_layer(model, shape)
    except Unfit as error:
        size = "x".join(map(str, shape))
        return [f"The network does not fit images of {size}: {error}."]
    if last.classes != classes:
        return [f"The network answers with {last.classes} classes, the images have {classes}."]
    problem = _in_train_mode(model, shape, batch, device or first_tensor(model).device)
    return [problem] if problem else []


def _in_train_mode(
    model: nn.Module, shape: tuple[int, ...], batch: int, device: torch.device
) -> str:
    """On fake tensors; where these do not do, on real ones, as numbers may decide."""
    try:
        need = need_of(model, shape)
        return problem_of_memory(need, batch, device) if batch else ""
    except Exception:
        here = first_tensor(model)
    if here.is_meta:
        return ""
    try:
        with torch.no_grad(), trying(model, here.device, train=True) as tried:
            tried(noise((TRIED, *shape), here), 0)
    except Exception as error:
        return f"The network cannot be trained on images of that size: {last_line(error)}."
    return ""


def cautions_of(model: nn.Module, shape: tuple[int, ...], training: bool = True) -> list[str]:
    """What makes a network's verdicts or margins doubtful, a sentence each.

    A few random images of that shape, (C, H, W) or (C, D, H, W), go through it, in eval mode as it
    is judged; with `training` also one in train mode. Its modes, statistics and the random numbers
    stay.
    """
    x = noise((TRIED, *shape), first_tensor(model))
    with trying(model, x.device, train=False) as tried:
        try:
            cautions = list(dict.fromkeys(_of_answers(tried, x) + _of_gradient(tried, x)))
        except Exception as error:
            return [f"The network cannot be tried on random images: {last_line(error)}."]
    if not training:
        return cautions
    with trying(model, x.device, train=True) as tried:
        return cautions + _of_training(tried, x)


@torch.no_grad()
def _of_answers(tried: Try, x: Tensor) -> list[str]:
    answer = tried(x, 0)
    if not answer.isfinite().all():
        return [NOT_FINITE]
    cautions = []
    if (tried(x, 1) - answer).abs().max() > NOISE * answer.abs().max():
        cautions.append(RANDOM)
    alike = (answer.sum(1) - 1).abs() < CLOSE
    if answer.shape[1] > 1 and alike.all() and answer.min() >= 0:
        cautions.append(PROBABILITIES)
    if mixes(tried, x):
        cautions.append(MIXING)
    return cautions


def _of_gradient(tried: Try, x: Tensor) -> list[str]:
    """Whether the logits change with the pixels, by their gradient."""
    moving = x.clone().requires_grad_()
    with torch.enable_grad():
        answer = tried(moving, 0)
        # differences, as a loss takes them
        total = (answer * noise(tuple(answer.shape), answer.detach(), 1)).sum()
        if not total.requires_grad:
            return [NO_GRADIENT]
        (gradient,) = torch.autograd.grad(total, moving, allow_unused=True)
    if gradient is None or not gradient.any():
        return [NO_GRADIENT]
    return [] if gradient.isfinite().all() else [NOT_FINITE]


@torch.no_grad()
def _of_training(tried: Try, x: Tensor) -> list[str]:
    try:
        tried(x[:1], 0)
    except Exception as error:
        return [
            "The network cannot train on a batch of one image, which the last of an epoch may be:"
            f" {last_line(error)}."
        ]
    return []
