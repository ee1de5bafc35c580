"""DICOM files made in memory, with a patient whose name must be found nowhere else."""

import io

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset

NAME, BORN = "Planted^Patient", "19010203"
GENERAL = "1.2.840.10008.5.1.4.1.1.7"
PLAIN = "1.2.840.10008.1.2.1"


def made(values: np.ndarray, **tags) -> bytes:
    """A DICOM file of gray values (H, W) or (F, H, W), int16, uint16 or uint8."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = PLAIN, GENERAL
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    file = Dataset()
    file.file_meta, file.SOPClassUID, file.SOPInstanceUID = meta, GENERAL, "1.2.3"
    file.PatientName, file.PatientBirthDate, file.PatientID = NAME, BORN, NAME
    file.Rows, file.Columns = values.shape[-2:]
    if values.ndim == 3:
        file.NumberOfFrames = len(values)
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated = file.BitsStored = 8 * values.itemsize
    file.HighBit, file.PixelRepresentation = file.BitsStored - 1, int(values.dtype.kind == "i")
    file.add_new("PixelData", "OB" if values.itemsize == 1 else "OW", values.tobytes())
    for tag, value in tags.items():
        setattr(file, tag, value)
    out = io.BytesIO()
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()


def placed(z: float, value: int, series: str = "1.2.3.4", **tags) -> bytes:
    """A slice of one value at a height in mm."""
    where = {
        "SeriesInstanceUID": series,
        "ImagePositionPatient": [0, 0, z],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    }
    return made(np.full((8, 8), value, np.int16), **(where | tags))


def sequence(**tags) -> list[Dataset]:
    """A sequence of one item that holds these."""
    item = Dataset()
    for tag, value in tags.items():
        setattr(item, tag, value)
    return [item]
