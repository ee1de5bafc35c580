"""What the axes of an array of images mean, and what its values are worth.

NumPy arrays say neither.

| shape | read as |
| --- | --- |
| (N, H, W) | gray images |
| (N, H, W, 3), (N, H, W, 1) | colour and gray images |
| (N, 3, H, W), (N, 1, H, W) | colour and gray images |
| (N, D, H, W), any other | gray volumes |
| (N, 3, D, H, W), (N, 1, D, H, W) | volumes of three channels and of one |

A volume of one or three slices is therefore stored with its channel axis. Bytes are taken as they
are, floats in [0, 1] times 255; all other numbers are mapped as smd.config.intensities says.
"""

import numpy as np

from smd.data.scan import Deep, check_finite
from smd.errors import UserError

CHANNELS = (1, 3)


def shape_of(shape: tuple[int, ...], title: str) -> tuple[int, ...]:
    """(C, H, W) of an image or (C, D, H, W) of a volume in an array of that shape.

    Raises UserError with the array's title if it is one of neither.
    """
    if _channels_last(shape):
        return (shape[3], *shape[1:3])
    if len(shape) in (4, 5) and shape[1] in CHANNELS:
        return shape[1:]
    if len(shape) in (3, 4):
        return (1, *shape[1:])
    raise UserError(
        f"{title} has the shape ({', '.join(map(str, shape))}): images are (N, H, W) or (N, H, W,"
        " 3), volumes (N, D, H, W) or (N, C, D, H, W) with 1 or 3 channels."
    )


def channels_first(values: np.ndarray, title: str) -> np.ndarray:
    """The array of images as (N, C, H, W), or of volumes as (N, C, D, H, W); UserError as above."""
    shape = shape_of(values.shape, title)
    return (
        values.transpose(0, 3, 1, 2)
        if _channels_last(values.shape)
        else values.reshape(len(values), *shape)
    )


def _channels_last(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[3] in CHANNELS


def check_kind(dtype: np.dtype, title: str) -> None:
    """Raise UserError unless values of that kind can be pixels."""
    if dtype.kind not in "uif":
        raise UserError(f"{title} holds {dtype} values: save them as integers or floats.")


def to_bytes(values: np.ndarray, title: str) -> np.ndarray:
    """uint8 as it is, floats in [0, 1] times 255; raises Deep for other numbers, and UserError
    where one is not finite, with the title."""
    if values.dtype == np.uint8:
        return values
    check_finite(values, title)
    if values.dtype.kind != "f" or values.min() < 0 or values.max() > 1:
        raise Deep(f"{title} holds {values.dtype} values that are no floats in [0, 1]")
    return np.rint(values.astype(np.float64) * 255).astype(np.uint8)


def sides(shape: tuple[int, ...]) -> str:
    """How large that is, in words: (C, H, W) as "32x32 pixels", (C, D, H, W) as "16x32x32
    voxels"."""
    if len(shape) == 3:
        return f"{shape[2]}x{shape[1]} pixels"
    return f"{shape[1]}x{shape[2]}x{shape[3]} voxels"
