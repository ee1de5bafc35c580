"""ONNX operators with weights, normalisations and changes of size."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from smd.weights.limits import Unfit
from smd.weights.onnx_pooling import margins, reach
from smd.weights.onnx_shapes import padded
from smd.weights.onnx_values import ints

Attributes = Mapping[str, Any]
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}


def conv(given: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A convolution over one to three axes."""
    window = reach(given, list(weight.shape[2:]))
    around = margins(given, x, window)
    same = all(begin == end for begin, end in around)
    if not same:
        x = padded(x, [(0, 0), (0, 0), *around], "constant")
    return CONVOLUTIONS[x.dim() - 2](
        x,
        weight,
        bias,
        window.strides,
        [begin if same else 0 for begin, _ in around],
        window.dilations,
        given.get("group", 1),
    )


def conv_transpose(
    given: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """A transposed convolution whose padding is the same on both sides."""
    window = reach(given, list(weight.shape[2:]))
    pads = list(given.get("pads", [0] * 2 * len(window.kernel)))
    half = len(pads) // 2
    special = given.get("auto_pad", "NOTSET") != "NOTSET" or "output_shape" in given
    if pads[:half] != pads[half:] or special:
        raise Unfit("its ConvTranspose pads unevenly, which is not known")
    extra = list(given.get("output_padding", [0] * half))
    groups = given.get("group", 1)
    return TRANSPOSED[x.dim() - 2](
        x, weight, bias, window.strides, pads[:half], extra, groups, window.dilations
    )


def gemm(given: Attributes, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    """alpha A B + beta C."""
    a = a.t() if given.get("transA", 0) else a
    b = b if given.get("transB", 0) else b.t()
    alpha, beta = given.get("alpha", 1.0), given.get("beta", 1.0)
    if alpha == beta == 1.0 and (c is None or c.dim() <= 1):
        return F.linear(a, b, c if c is None or c.dim() else c.expand(len(b)))
    product = alpha * F.linear(a, b)
    return product if c is None else product + beta * c


def matmul(given: Attributes, a: Tensor, b: Tensor) -> Tensor:
    """The product of matrices."""
    return torch.matmul(a, b)


def einsum(given: Attributes, *tensors: Tensor) -> Tensor:
    """A sum of products by its equation."""
    return torch.einsum(given["equation"], *tensors)


def batch_norm(
    given: Attributes, x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, var: Tensor
) -> Tensor:
    """With stored statistics; raises Unfit in train mode."""
    if given.get("training_mode", 0) or not given.get("spatial", 1):
        raise Unfit("its BatchNormalization is in train mode: export it after model.eval()")
    return F.batch_norm(x, mean, var, scale, shift, False, 0.0, given.get("epsilon", 1e-5))


def instance_norm(given: Attributes, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Each channel of each image by its own mean and deviation."""
    return F.instance_norm(x, weight=scale, bias=shift, eps=given.get("epsilon", 1e-5))


def layer_norm(given: Attributes, x: Tensor, scale: Tensor, shift: Tensor | None = None) -> Tensor:
    """Over all axes from `axis` on."""
    axis = given.get("axis", -1) % x.dim()
    sizes = list(x.shape[axis:])
    shift = None if shift is None else shift.expand(sizes)
    return F.layer_norm(x, sizes, scale.expand(sizes), shift, given.get("epsilon", 1e-5))


def group_norm(given: Attributes, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Groups of channels; scales are of groups in version 18 to 20, of channels since."""
    groups = given["num_groups"]
    if len(scale) != x.shape[1]:
        scale, shift = (each.repeat_interleave(x.shape[1] // groups) for each in (scale, shift))
    return F.group_norm(x, groups, scale, shift, given.get("epsilon", 1e-5))


def local_response(given: Attributes, x: Tensor) -> Tensor:
    """Divided by the sum of squares of neighbouring channels."""
    alpha, beta, bias = given.get("alpha", 1e-4), given.get("beta", 0.75), given.get("bias", 1.0)
    return F.local_response_norm(x, given["size"], alpha, beta, bias)


def resize(
    given: Attributes,
    x: Tensor,
    region: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
) -> Tensor:
    """Maps in another size, in the ways that torch has too; raises Unfit for others."""
    if given["version"] < 11:  # (x, scales), as Upsample
        return upsample(given, x, region)
    aligned = given.get("coordinate_transformation_mode", "half_pixel")
    others = given.get("antialias", 0) or "axes" in given or "keep_aspect_ratio_policy" in given
    mode = _mode(x, given, aligned)
    if not mode or others:
        raise Unfit(f"its Resize works in a way ({aligned[:30]}) that is not known")
    return _resized(x, mode, aligned == "align_corners", scales, sizes)


def upsample(given: Attributes, x: Tensor, scales: Tensor | None = None) -> Tensor:
    """Maps that are larger, in versions 7 to 10."""
    numbers = scales if scales is not None else torch.tensor(given["scales"])
    if given.get("mode", "nearest") != "nearest":
        raise Unfit("its Upsample interpolates, in a way that torch does not have")
    return _resized(x, "nearest", False, numbers, None)


def _mode(x: Tensor, given: Attributes, aligned: str) -> str:
    """torch's name of the way; "" if it has none."""
    mode, halves = given.get("mode", "nearest"), ("half_pixel", "pytorch_half_pixel")
    if mode == "nearest":
        floor = given.get("nearest_mode", "round_prefer_floor") == "floor"
        return "nearest" if floor and aligned == "asymmetric" else ""
    if aligned not in (*halves, "align_corners"):
        return ""
    if mode == "linear":
        return LINEAR.get(x.dim(), "")
    cubic = given.get("cubic_coeff_a", -0.75) == -0.75 and not given.get("exclude_outside", 0)
    return "bicubic" if mode == "cubic" and cubic and x.dim() == 4 else ""


def _resized(
    x: Tensor, mode: str, aligned: bool, scales: Tensor | None, sizes: Tensor | None
) -> Tensor:
    corners = aligned if mode != "nearest" else None
    if sizes is not None and sizes.numel():
        wanted = ints(sizes)
        if wanted[:2] != list(x.shape[:2]):
            raise Unfit("its Resize changes the number of channels")
        return F.interpolate(x, size=wanted[2:], mode=mode, align_corners=corners)
    factors = [] if scales is None else [float(value) for value in scales.tolist()]
    if factors[:2] != [1.0, 1.0]:
        raise Unfit("its Resize changes the number of channels")
    return F.interpolate(x, scale_factor=factors[2:], mode=mode, align_corners=corners)


OPERATIONS: dict[str, Any] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Gemm": gemm,
    "MatMul": matmul,
    "Einsum": einsum,
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "LayerNormalization": layer_norm,
    "GroupNormalization": group_norm,
    "LRN": local_response,
    "Resize": resize,
    "Upsample": upsample,
}
