"""The files that come with pydicom and nibabel: what can be read is read whole, and of all others
one sentence says why not."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from smd.data import dicom, nifti
from smd.errors import UserError

pydicom = pytest.importorskip("pydicom")
nibabel = pytest.importorskip("nibabel")

WHY = (  # a part of the sentence, for each kind of file that is refused
    *("without an image", "is no DICOM file", "deflated as a whole", "pip install pylibjpeg"),
    *("cannot be read as DICOM", "colours of more than 8 bits", "several volumes"),
    *("not finite or huge", "unpacks to more than the pixels that it claims"),
)
LARGE = 2**20  # bytes; the test would take too long


def samples() -> list[tuple[Path, object]]:
    """Files that are in the packages themselves, with what reads them."""
    found = [(file, dicom) for file in _in(pydicom, "data/test_files", "*.dcm")]
    return found + [(file, nifti) for file in _in(nibabel, "tests/data", "*.nii*")]


def _in(package, folder: str, pattern: str) -> list[Path]:
    files = sorted((Path(package.__file__).parent / folder).glob(pattern))
    return [file for file in files if file.stat().st_size < LARGE]


def test_every_sample_is_read_or_refused_in_a_sentence():
    read, refused = Counter(), Counter()
    for file, reader in samples():
        try:
            scan = reader.read(file.read_bytes(), "odd")
        except UserError as error:
            refused[next(why for why in WHY if why in str(error))] += 1
            continue
        assert scan.values.ndim in (3, 4), file.name
        assert len(scan.values) in (1, 3), file.name
        assert np.isfinite(scan.values).all(), file.name
        assert scan.spacing is None or len(scan.spacing) == scan.values.ndim - 1, file.name
        sides = reader.sides(file.read_bytes(), "odd")
        assert sides[-2:] == scan.values.shape[-2:], file.name
        read[reader.__name__] += 1
    assert read["smd.data.dicom"] >= 30
    assert read["smd.data.nifti"] >= 3
    assert set(refused) == set(WHY)
