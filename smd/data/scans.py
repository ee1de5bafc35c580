"""Files of scanners, by their names: DICOM and NIfTI."""

from smd.data import dicom, file_kinds, nifti
from smd.data.scan import Scan


def known(path: str) -> bool:
    """Whether a file is one of these by its name."""
    return file_kinds.is_scan(path) or file_kinds.is_nameless(path)


def read(path: str, data: bytes, name: str) -> Scan:
    """The image or volume in a file at that path; raises UserError, with the name, if it cannot be
    read."""
    return dicom.read(data, name) if file_kinds.is_dicom(path) else nifti.read(data, name)


def sides(path: str, data: bytes, name: str) -> tuple[int, int, int]:
    """Slices or frames, height and width, by the header; UserError as above."""
    kind = dicom if file_kinds.is_dicom(path) else nifti
    return kind.sides(data, name)
