"""NIfTI files, .nii and .nii.gz: one volume, turned as viewers of slices show it.

The axes become the nearest of the body's: slices from the feet to the head, rows from front to
back, columns from the patient's right to the left, as in axial DICOM images. Values are scaled as
the header says, and the size of voxels is read; nothing else of the header is taken.
"""

import gzip
import io
import math
from typing import Any

import numpy as np

from smd.data import spacing
from smd.data.scan import MAX_VOXELS, Scan, check_finite, check_size, quiet, readable
from smd.data.spacing import Spacing
from smd.errors import UserError

WHAT = "NIfTI"
LOGGER = "nibabel.global"  # of its package
PACKED = b"\x1f\x8b"  # what gzip writes first
HEAD = 540  # bytes of the longer of the two headers
GAP = 2**20  # bytes between header and values that are read
UNITS = {"meter": 1000.0, "mm": 1.0, "micron": 0.001}  # in mm


def read(data: bytes, name: str) -> Scan:
    """The volume (1, D, H, W), or (1, H, W) of a single slice; raises UserError, with the name, if
    it is none, is broken, too large, or holds several volumes."""
    with quiet(LOGGER), readable(name, WHAT):
        kind, header = _header(data, name)
        stored = _sides(header, name)
        size = int(header["vox_offset"]) + math.prod(stored) * header.get_data_dtype().itemsize
        image = kind.from_bytes(_unpacked(data, size))
        values = _turned(image, stored)
        check_finite(values, f"The image '{name}'")
        voxel = _spacing(image)
        if values.shape[1] == 1:
            return Scan(values[:, 0], spacing=voxel[1:] if voxel else None)
        return Scan(values, spacing=voxel)


def sides(data: bytes, name: str) -> tuple[int, int, int]:
    """Slices, height and width as they are shown, by its header; UserError as above."""
    from nibabel.orientations import io_orientation

    with quiet(LOGGER), readable(name, WHAT):
        header = _header(data, name)[1]
        stored = _sides(header, name)
        axes = io_orientation(header.get_best_affine())[:, 0].astype(int).tolist()
        depth, height, width = (stored[axes.index(axis)] for axis in (2, 1, 0))
        return depth, height, width


def _header(data: bytes, name: str) -> tuple[Any, Any]:
    """The class of its image in nibabel, and its header."""
    import nibabel

    head = _unpacked(data, HEAD)
    for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image):
        if kind.header_class.may_contain_header(head):
            header = kind.header_class.from_fileobj(io.BytesIO(head))
            if not 0 <= float(header["vox_offset"]) <= HEAD + GAP:
                raise UserError(f"The image '{name}' has a header that is too long: replace it.")
            return kind, header
    raise UserError(f"The image '{name}' is no NIfTI file: remove or replace it.")


def _sides(header: Any, name: str) -> tuple[int, int, int]:
    """The sides of its one volume as they are stored; raises UserError if it is none that can be
    read."""
    shape = tuple(map(int, header.get_data_shape()))
    check_size(name, shape or (0,))
    if math.prod(shape[3:]) != 1 or header.get_data_dtype().kind not in "uif":
        raise UserError(
            f"The image '{name}' holds several volumes, or values that are no plain numbers: save"
            " one volume of numbers."
        )
    x, y, z = (*shape, 1, 1)[:3]
    return x, y, z


def _spacing(image: Any) -> Spacing | None:
    """The sides of a voxel (D, H, W) in mm, as its axes are turned; None where they are none.

    A header that tells no unit means mm, as everywhere.
    """
    from nibabel.affines import voxel_sizes
    from nibabel.orientations import io_orientation

    unit = UNITS.get(image.header.get_xyzt_units()[0], 1.0)
    sides = (voxel_sizes(image.affine) * unit).tolist()
    axes = io_orientation(image.affine)[:, 0].astype(int).tolist()
    return spacing.known(sides[axes.index(axis)] for axis in (2, 1, 0))


def _unpacked(data: bytes, size: int) -> bytes:
    """The first `size` bytes, unpacked if they are packed: never more than that."""
    if not data.startswith(PACKED):
        return data[:size]
    with gzip.open(io.BytesIO(data)) as stream:
        return stream.read(min(size, 16 * MAX_VOXELS))


def _turned(image: Any, sides: tuple[int, int, int]) -> np.ndarray:
    """(1, D, H, W) in the order that stands above; uint8 as it is, other values as float32."""
    from nibabel.orientations import apply_orientation, io_orientation

    stored = np.asanyarray(image.dataobj).reshape(sides)
    values = apply_orientation(stored, io_orientation(image.affine))
    shown = values.transpose(2, 1, 0)[None, :, ::-1, ::-1]
    return shown if shown.dtype == np.uint8 else shown.astype(np.float32)
