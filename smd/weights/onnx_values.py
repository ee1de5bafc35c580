"""ONNX operators that compute number by number, or along axes."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from smd.weights.limits import Unfit

Attributes = Mapping[str, Any]
# the format's numbers of kinds of numbers
DTYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
}


def ints(tensor: Tensor | None) -> list[int]:
    """A list of sizes or axes; [] for none."""
    return [] if tensor is None else [int(value) for value in tensor.flatten().tolist()]


def together(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors where the images are: what was computed of sizes alone is on the CPU."""
    device = next((t.device for t in tensors if t.device.type != "cpu"), tensors[0].device)
    return tuple(t if t.device == device else t.to(device) for t in tensors)


def identity(given: Attributes, x: Tensor, *others: Tensor) -> Tensor:
    """The same; of Dropout too, which in eval mode is it."""
    return x


def dropout(given: Attributes, x: Tensor, ratio: Any = None, training: Any = None) -> Tensor:
    """The same; raises Unfit in train mode."""
    if training is not None and bool(training):
        raise Unfit("its Dropout is in train mode: export it after model.eval()")
    return x


def of_one(compute: Callable[[Tensor], Tensor]) -> Any:
    """An operator of one tensor without attributes."""
    return lambda given, x: compute(x)


def of_two(compute: Callable[[Tensor, Tensor], Tensor]) -> Any:
    """An operator of two tensors that are broadcast."""
    return lambda given, a, b: compute(*together(a, b))


def of_many(compute: Callable[[Tensor, Tensor], Tensor]) -> Any:
    """An operator of any number of tensors that are broadcast."""
    return lambda given, *tensors: reduce(compute, together(*tensors))


def divide(a: Tensor, b: Tensor) -> Tensor:
    """a / b; whole numbers are cut off towards zero."""
    whole = not a.is_floating_point()
    return torch.div(a, b, rounding_mode="trunc") if whole else a / b


def remainder(given: Attributes, a: Tensor, b: Tensor) -> Tensor:
    """What remains of a / b, with the sign of b, or of a where `fmod` is set."""
    a, b = together(a, b)
    return torch.fmod(a, b) if given.get("fmod", 0) else torch.remainder(a, b)


def mean_of(given: Attributes, *tensors: Tensor) -> Tensor:
    """The mean of several tensors, number by number."""
    return reduce(torch.add, together(*tensors)) / len(tensors)


def clip(given: Attributes, x: Tensor, low: Any = None, high: Any = None) -> Tensor:
    """Between two bounds, attributes before version 11."""
    low = given.get("min") if low is None else low.to(x.device)
    high = given.get("max") if high is None else high.to(x.device)
    return x if low is None and high is None else torch.clamp(x, low, high)


def power(given: Attributes, a: Tensor, b: Tensor) -> Tensor:
    """a to the power of b, in the kind of a."""
    base, exponent = together(a, b)
    return torch.pow(base, exponent).to(a.dtype)


def where(given: Attributes, chosen: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """a where chosen, b elsewhere."""
    chosen, a, b = together(chosen, a, b)
    return torch.where(chosen, a, b)


def cast(given: Attributes, x: Tensor) -> Tensor:
    """In another kind of numbers."""
    if given["to"] not in DTYPES:
        raise Unfit("its Cast makes numbers of a kind that is not known")
    return x.to(DTYPES[given["to"]])


def softmax(given: Attributes, x: Tensor) -> Tensor:
    """Along an axis; before version 13, over all axes from that one on."""
    return _along(torch.softmax, given, x)


def log_softmax(given: Attributes, x: Tensor) -> Tensor:
    """As softmax."""
    return _along(torch.log_softmax, given, x)


def _along(compute: Callable[[Tensor, int], Tensor], given: Attributes, x: Tensor) -> Tensor:
    if given["version"] >= 13:
        return compute(x, given.get("axis", -1))
    axis = given.get("axis", 1) % x.dim()
    return compute(x.flatten(axis), -1).view(x.shape)


def hard_sigmoid(given: Attributes, x: Tensor) -> Tensor:
    """max(0, min(1, alpha x + beta))."""
    return (given.get("alpha", 0.2) * x + given.get("beta", 0.5)).clamp(0, 1)


def gelu(given: Attributes, x: Tensor) -> Tensor:
    """Exactly, or by tanh."""
    return F.gelu(x, approximate=given.get("approximate", "none"))


def prelu(given: Attributes, x: Tensor, slope: Tensor) -> Tensor:
    """Broadcast slopes of the negative part."""
    return torch.where(x < 0, slope * x, x)


def swish(given: Attributes, x: Tensor) -> Tensor:
    """x sigmoid(alpha x)."""
    return x * torch.sigmoid(given.get("alpha", 1.0) * x)


def leaky_relu(given: Attributes, x: Tensor) -> Tensor:
    """alpha x where x is negative."""
    return F.leaky_relu(x, given.get("alpha", 0.01))


def elu(given: Attributes, x: Tensor) -> Tensor:
    """alpha (exp(x) - 1) where x is negative."""
    return F.elu(x, given.get("alpha", 1.0))


def reduced(compute: Callable[[Tensor, list[int], bool], Tensor]) -> Any:
    """An operator along axes: an attribute at first, an input in later versions."""

    def operation(given: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
        over = ints(axes) if axes is not None else list(given.get("axes", []))
        if not over and given.get("noop_with_empty_axes", 0):
            return x
        return compute(x, over or list(range(x.dim())), bool(given.get("keepdims", 1)))

    return operation


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted((axis % x.dim() for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


OPERATIONS: dict[str, Any] = {
    "Identity": identity,
    "Dropout": dropout,
    "Abs": of_one(torch.abs),
    "Ceil": of_one(torch.ceil),
    "Cos": of_one(torch.cos),
    "Erf": of_one(torch.erf),
    "Exp": of_one(torch.exp),
    "Floor": of_one(torch.floor),
    "HardSwish": of_one(F.hardswish),
    "Log": of_one(torch.log),
    "Mish": of_one(F.mish),
    "Neg": of_one(torch.neg),
    "Not": of_one(torch.logical_not),
    "Reciprocal": of_one(torch.reciprocal),
    "Relu": of_one(torch.relu),
    "Sigmoid": of_one(torch.sigmoid),
    "Sign": of_one(torch.sign),
    "Sin": of_one(torch.sin),
    "Softplus": of_one(F.softplus),
    "Softsign": of_one(F.softsign),
    "Sqrt": of_one(torch.sqrt),
    "Tanh": of_one(torch.tanh),
    "Add": of_two(torch.add),
    "And": of_two(torch.logical_and),
    "Div": of_two(divide),
    "Equal": of_two(torch.eq),
    "Greater": of_two(torch.gt),
    "GreaterOrEqual": of_two(torch.ge),
    "Less": of_two(torch.lt),
    "LessOrEqual": of_two(torch.le),
    "Mod": remainder,
    "Mul": of_two(torch.mul),
    "Or": of_two(torch.logical_or),
    "Sub": of_two(torch.sub),
    "Max": of_many(torch.maximum),
    "Min": of_many(torch.minimum),
    "Sum": of_many(torch.add),
    "Mean": mean_of,
    "Pow": power,
    "Where": where,
    "Clip": clip,
    "Cast": cast,
    "Elu": elu,
    "Gelu": gelu,
    "HardSigmoid": hard_sigmoid,
    "LeakyRelu": leaky_relu,
    "LogSoftmax": log_softmax,
    "PRelu": prelu,
    "Selu": of_one(F.selu),
    "Softmax": softmax,
    "Swish": swish,
    "ReduceL1": reduced(lambda x, axes, keep: x.abs().sum(axes, keep)),
    "ReduceL2": reduced(lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keep)),
    "ReduceLogSumExp": reduced(torch.logsumexp),
    "ReduceMax": reduced(torch.amax),
    "ReduceMean": reduced(torch.mean),
    "ReduceMin": reduced(torch.amin),
    "ReduceProd": reduced(_product),
    "ReduceSum": reduced(torch.sum),
    "ReduceSumSquare": reduced(lambda x, axes, keep: x.square().sum(axes, keep)),
}
