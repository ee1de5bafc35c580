"""The operators of ONNX that a network may use, each as a function of torch.

Each takes the operator's attributes, with `version` of the operators and number of `outputs`, then
its inputs, None for one that is left out. Shapes and axes are tensors of whole numbers on the CPU.
"""

from collections.abc import Callable
from typing import Any

from smd.weights import onnx_layers as layers
from smd.weights import onnx_pooling as pooling
from smd.weights import onnx_shapes as shapes
from smd.weights import onnx_values as values

Operation = Callable[..., Any]

OPERATIONS: dict[str, Operation] = {
    **values.OPERATIONS,
    **shapes.OPERATIONS,
    **layers.OPERATIONS,
    **pooling.OPERATIONS,
    "Constant": values.identity,  # read with the weights
}
