"""DICOM files: the values of an image, or of several frames as a volume, in the file's own units.

Values are rescaled by slope and intercept, MONOCHROME1 is turned so that more is brighter, padding
around the scan takes the lowest value of the rest. Files are read from memory, so that references
to other files lead nowhere; a file that is packed as a whole is refused, since it can unpack to any
size.
"""

import io
from dataclasses import replace
from typing import Any

import numpy as np

from smd.data import dicom_geometry, dicom_packed
from smd.data.dicom_geometry import frames, functional
from smd.data.scan import Scan, check_finite, check_size, quiet, readable
from smd.errors import UserError

MAGIC, AT = b"DICM", 128
MAX_FRAMES = 2**14
DEFLATED = b"1.2.840.10008.1.2.1.99"
WHAT = "DICOM"
LOGGER = "pydicom"  # of its package
INVERTED = "images are MONOCHROME1, where more is darker: they were inverted"
PADDED = "images have padding around the scan: it takes the lowest value of the rest"
PACKAGES = "pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"


def read(data: bytes, name: str) -> Scan:
    """The image (C, H, W), or its frames in their order as a volume (C, D, H, W); C is 1 or 3.

    Raises UserError, with the name, if it is none, is broken or too large, or is compressed in a
    way that cannot be read here.
    """
    with quiet(LOGGER), readable(name, WHAT):
        file = _opened(data, name)
        _check(file, name)
        pixels, grid = _pixels(file, name), dicom_geometry.grid(file)
        colour = file.SamplesPerPixel > 1 or file.PhotometricInterpretation == "PALETTE COLOR"
        scan = Scan(_colour(file, pixels, name)) if colour else _gray(file, pixels, name)
        # a header may count other frames than there are
        fits = len(grid.spacing or ()) == scan.values.ndim - 1
        return replace(
            scan,
            notes=(*scan.notes, *grid.notes),
            place=dicom_geometry.place(file),
            spacing=grid.spacing if fits else None,
            along=grid.along if fits and len(grid.along) == scan.values.shape[1] else (),
        )


def sides(data: bytes, name: str) -> tuple[int, int, int]:
    """Frames, height and width, by its header; UserError as above."""
    with quiet(LOGGER), readable(name, WHAT):
        file = _opened(data, name)
        _check(file, name)
        return frames(file), int(file.Rows), int(file.Columns)


def _opened(data: bytes, name: str) -> Any:
    import pydicom

    if data[AT : AT + len(MAGIC)] != MAGIC:
        raise UserError(f"The image '{name}' is no DICOM file: remove or replace it.")
    if DEFLATED in data:
        raise UserError(
            f"The image '{name}' is deflated as a whole, which is not safe to read: save it"
            " uncompressed."
        )
    return pydicom.dcmread(io.BytesIO(data))


def _check(file: Any, name: str) -> None:
    """Raise UserError unless it holds an image of a size that can be read, by its header."""
    known = {"PixelData", "FloatPixelData", "DoubleFloatPixelData"}
    held = next((word for word in known if word in file), "")
    if not held or "Rows" not in file or "Columns" not in file:
        raise UserError(f"The image '{name}' is a DICOM file without an image: remove it.")
    sides = (frames(file), int(file.Rows), int(file.Columns), int(file.SamplesPerPixel))
    check_size(name, sides)
    if sides[0] > MAX_FRAMES:
        raise UserError(f"The image '{name}' claims {sides[0]:,} frames: take some of them.")
    whole = int(np.prod(sides, dtype=np.int64)) * max(1, int(file.BitsAllocated) // 8)
    if len(file[held].value) > 2 * whole + 2**20:  # it would unpack to more than it claims
        raise UserError(f"The image '{name}' holds more than the pixels that it claims: remove it.")


def _pixels(file: Any, name: str) -> np.ndarray:
    """The stored values, (H, W), (H, W, 3), (F, H, W) or (F, H, W, 3)."""
    from pydicom.pixels import get_decoder, pixel_array

    syntax = file.file_meta.TransferSyntaxUID
    way = (
        f"'{syntax.name}'" if syntax.name != syntax else "an unknown way"
    )  # else a stranger's text
    try:
        known = get_decoder(syntax).is_available
    except NotImplementedError:
        raise UserError(
            f"The image '{name}' is compressed in {way}, which cannot be read: save it"
            " uncompressed."
        ) from None
    if not known:
        raise UserError(
            f"The image '{name}' is compressed in {way}: install what reads that, pip install"
            f" {PACKAGES}."
        )
    if syntax.is_encapsulated:
        dicom_packed.check(file, name)
    try:
        return pixel_array(file)
    except Exception:
        if syntax.is_compressed:
            raise UserError(
                f"The image '{name}', compressed in {way}, cannot be read: it is damaged, or of a"
                f" kind that needs pip install {PACKAGES}."
            ) from None
        raise


def _colour(file: Any, pixels: np.ndarray, name: str) -> np.ndarray:
    """(3, H, W) or (3, F, H, W) uint8."""
    from pydicom.pixels import apply_color_lut

    if file.PhotometricInterpretation == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, file)
        pixels = (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
    if pixels.dtype != np.uint8 or pixels.shape[-1] != 3:
        raise UserError(
            f"The image '{name}' has colours of more than 8 bits: convert it to 8 bits first."
        )
    return np.moveaxis(pixels, -1, 0)


def _gray(file: Any, stored: np.ndarray, name: str) -> Scan:
    values, notes = stored, []
    padding = _padding(file, stored)
    if file.PhotometricInterpretation == "MONOCHROME1":
        values = _inverted(file, stored)
        notes.append(INVERTED)
    rescale = [_rescale(file, frame) for frame in range(frames(file))]
    plain = all(each == (1.0, 0.0) for each in rescale) and "ModalityLUTSequence" not in file
    unit = "HU" if _in_hounsfield(file) else ""
    if not (plain and stored.dtype == np.uint8 and not unit):
        values = _rescaled(file, values, rescale)
    if padding.any() and not padding.all():
        values = np.where(padding, values[~padding].min(), values)
        notes.append(PADDED)
    check_finite(values, f"The image '{name}'")
    return Scan(values[None], unit, tuple(notes), _window(file))


def _padding(file: Any, stored: np.ndarray) -> np.ndarray:
    """Which stored values are padding, a bool each."""
    first = file.get("PixelPaddingValue")
    if not isinstance(first, int):
        return np.zeros(stored.shape, bool)
    last = file.get("PixelPaddingRangeLimit")
    low, high = sorted((first, last if isinstance(last, int) else first))
    return (stored >= low) & (stored <= high)


def _inverted(file: Any, stored: np.ndarray) -> np.ndarray:
    """Stored values with the smallest that is possible for the largest, and so on."""
    if stored.dtype.kind == "f":
        return -stored
    bits, signed = int(file.BitsStored), int(file.PixelRepresentation)
    total = -1 if signed else 2**bits - 1
    turned = total - stored.astype(np.int64)
    return turned.astype(np.uint8) if stored.dtype == np.uint8 else turned


def _in_hounsfield(file: Any) -> bool:
    """Whether its rescaled values are in HU: a CT that does not say otherwise."""
    holder = functional(file, 0, "PixelValueTransformation") or file
    rescaled = "RescaleIntercept" in holder and holder.get("RescaleType", "HU") == "HU"
    return file.get("Modality") == "CT" and rescaled


def _rescale(file: Any, frame: int) -> tuple[float, float]:
    """Slope and intercept of a frame."""
    holder = functional(file, frame, "PixelValueTransformation") or file
    slope, intercept = (holder.get(f"Rescale{word}") for word in ("Slope", "Intercept"))
    return 1.0 if slope is None else float(slope), float(intercept or 0)


def _rescaled(file: Any, values: np.ndarray, rescale: list[tuple[float, float]]) -> np.ndarray:
    """In the file's units, float32."""
    from pydicom.pixels import apply_modality_lut

    if "ModalityLUTSequence" in file:
        return np.asarray(apply_modality_lut(values, file), np.float32)
    slopes, intercepts = np.array(rescale, np.float64).T
    if values.ndim == 3:
        slopes, intercepts = slopes[:, None, None], intercepts[:, None, None]
    return (values * slopes + intercepts).astype(np.float32)


def _window(file: Any) -> tuple[float, float] | None:
    """The first window that the file names, as lower and upper bound."""
    holder = functional(file, 0, "FrameVOILUT") or file
    centre, width = (_first(holder.get(f"Window{word}")) for word in ("Center", "Width"))
    if centre is None or width is None or not width > 0:
        return None
    return centre - width / 2, centre + width / 2


def _first(value: Any) -> float | None:
    """The first of one or several numbers."""
    if value is None or value == "":
        return None
    return float(value[0] if hasattr(value, "__len__") else value)
