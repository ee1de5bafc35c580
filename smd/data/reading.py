"""What the import takes of one row's file: its pixels, or its values where a set has more than 8
bits."""

import io
from collections.abc import MutableMapping
from functools import partial
from typing import NoReturn

import numpy as np

from smd.data import (
    axes,
    decode,
    deep,
    file_kinds,
    names,
    npy,
    resampling,
    scans,
    series,
    spacing,
)
from smd.data.deep import Asked
from smd.data.request import Request
from smd.data.scan import Deep, Scan, check_finite
from smd.data.spacing import Sizes, Unfit
from smd.errors import UserError

Told = MutableMapping[str, int]  # how often something was done, by the words of its note
CONVERTED = {
    "rgb": "images were converted from gray to RGB as asked for",
    "gray": "images were converted from RGB to gray as asked for",
}


class Shallow(UserError):
    """An image has 8 bits where others have more."""


def pixels(
    name: str, files: series.Files, request: Request, told: Told, sizes: Sizes
) -> np.ndarray:
    """An image (C, H, W) or volume (C, D, H, W) uint8, in the size and channels asked for; `sizes`
    is told of that of its pixels.

    Raises UserError if it cannot be read, and Deep if it has more than 8 bits.
    """
    path, data = files[0]
    if request.volumes or scans.known(path):
        scan = _scan(name, files, request.volumes, told)
        if scan.values.dtype != np.uint8:
            raise Deep(f"'{name}' has more than 8 bits")
        small = _sized(scan, name, request.image_size, told, sizes)
        return _converted(np.rint(small).astype(np.uint8), request.channels, told)
    _check_scan(name, sizes)
    if not file_kinds.is_array(path):
        shown = decode.decode(data, name, request.image_size, told)
        return _converted(shown, request.channels, told)
    title = _title(name)
    image = axes.to_bytes(_array(data, title), title)[0]
    return _converted(decode.resized(image, request.image_size), request.channels, told)


def values(
    name: str, files: series.Files, request: Request, told: Told, sizes: Sizes, asked: Asked
) -> np.ndarray:
    """The same as float32 in units of the file; `asked` is told of them.

    Raises UserError if it cannot be read, and Shallow if it has 8 bits and no mapping was chosen.
    """
    path, data = files[0]
    of_scanner = request.volumes or scans.known(path)
    if of_scanner:
        scan = _scan(name, files, request.volumes, told)
    elif file_kinds.is_array(path):
        title = _title(name)
        scan = Scan(_array(data, title)[0])
        check_finite(scan.values, title)
    else:
        scan = Scan(decode.values(data, name, told))
    if scan.values.dtype == np.uint8 and not request.intensity:
        raise Shallow(f"'{name}' has 8 bits")
    asked.told(scan.unit, scan.window)
    if of_scanner:
        small = _sized(scan, name, request.image_size, told, sizes)
    else:
        _check_scan(name, sizes)
        small = deep.resized(scan.values, request.image_size)
    return _converted(small, request.channels, told)


def sides(path: str, data: bytes, request: Request) -> tuple[int, ...]:
    """(H, W) of the image in a file, (D, H, W) of the volume, as it is resized or resampled; of a
    picture (0, 0) where its header is broken, which the import says.

    Raises UserError where another file cannot be read, or cannot be resampled.
    """
    name, image_size = names.visible(path), request.image_size
    if file_kinds.is_array(path):
        found = _array(data, _title(name)).shape[2:]
        return (*found[:-2], image_size, image_size) if image_size else found
    if not scans.known(path):
        return (image_size, image_size) if image_size else _sides_of_picture(data)
    depth, *flat = scans.sides(path, data, name)
    found = (depth, *flat) if depth > 1 else tuple(flat)
    if image_size:
        return (image_size,) * len(found)
    return (
        _resampled_sides(found, scans.read(path, data, name), name, request.spacing)
        if request.spacing
        else found
    )


def _resampled_sides(stored: tuple[int, ...], scan: Scan, name: str, asked: str) -> tuple[int, ...]:
    """As many samples as the scan gets; as stored where it does not say its size, which the import
    refuses."""
    if scan.spacing is None:
        return stored
    wanted = Sizes(asked).wanted(len(scan.spacing), name)
    return resampling.counted(stored[-len(wanted) :], scan.spacing, wanted)


def _sides_of_picture(data: bytes) -> tuple[int, int]:
    try:
        with decode.opened(data) as image:
            return image.height, image.width
    except Exception:  # a broken file makes Pillow raise nearly anything
        return 0, 0


def _sized(scan: Scan, name: str, side: int, told: Told, sizes: Sizes) -> np.ndarray:
    """The values in the size asked for, float32: squeezed to `side`, or, where they are resampled
    to a size of pixels in mm, cut and filled up to it."""
    has, values = scan.spacing, scan.values
    sizes.told(has)
    if not sizes.asked:
        return deep.resized(values, side, cube=True)
    if has is None:
        _refuse_unknown(name)
    wanted = sizes.wanted(len(has), name)
    if scan.along:
        values, between = resampling.evenly(values, scan.along, name)
        has = (between, *has[1:])
    values, done = resampling.resampled(values, has, wanted, name, side)
    for note in done:
        told[note] = told.get(note, 0) + 1
    return values


def _check_scan(name: str, sizes: Sizes) -> None:
    """Raise Unfit where a file that is none of a scanner is to be resampled."""
    if sizes.asked:
        raise Unfit(
            f"'{name}' is no DICOM or NIfTI file, so nothing tells how large its pixels are: leave"
            " --spacing out (on the Train page: 'Spacing')."
        )


def _refuse_unknown(name: str) -> NoReturn:
    raise Unfit(
        f"'{name}' does not say how large its pixels are, or how far apart its slices lie, so it"
        " cannot be resampled: remove it, or leave --spacing out (on the Train page: 'Spacing')."
    )


def _scan(name: str, files: series.Files, volumes: bool, told: Told) -> Scan:
    read = [scans.read(path, data, names.visible(path)) for path, data in files]
    scan = series.stacked(read, name) if volumes else read[0]
    if scan.along:
        told[series.MISSING] = told.get(series.MISSING, 0) + spacing.missing(np.diff(scan.along))
    for note in (*scan.notes, *([series.GAPS] if scan.along else [])):
        told[note] = told.get(note, 0) + 1
    return scan


def _converted(image: np.ndarray, channels: str, told: Told) -> np.ndarray:
    """The image (C, ...) in the channels asked for."""
    converted = decode.in_channels(image[None], channels)[0]
    if len(converted) != len(image):
        told[CONVERTED[channels]] = told.get(CONVERTED[channels], 0) + 1
    return converted


def _title(name: str) -> str:
    return f"The array '{name}'"


def _array(data: bytes, title: str) -> np.ndarray:
    """One image (1, C, H, W) or volume (1, C, D, H, W) from an .npy file, its axes as in
    smd.data.axes without N."""
    stored = npy.described(title, len(data), partial(io.BytesIO, data))
    axes.check_kind(stored.dtype, title)
    if not all(stored.shape):
        raise UserError(f"{title} is empty: remove it.")
    return axes.channels_first(npy.whole(stored)[None], title)
