"""A training on DICOM files: its store knows the intensities, and nobody's name."""

import duckdb
import numpy as np
import pytest

from smd.config.schema import TrainConfig
from smd.runs import folders
from smd.store import reader
from smd.tasks.train import train_run

pytest.importorskip("pydicom")
NAME = "Planted^Patient"


def slice_of(seed: int) -> bytes:
    """A CT image of 8x8 pixels with a name in its header."""
    import io

    from pydicom.dataset import Dataset, FileMetaDataset

    file, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPClassUID = meta.MediaStorageSOPInstanceUID = "1.2.3"
    file.file_meta, file.SOPClassUID, file.SOPInstanceUID = meta, "1.2.3", "1.2.3"
    file.PatientName = file.PatientID = file.StudyDescription = NAME
    file.Modality, file.RescaleSlope, file.RescaleIntercept = "CT", 1, -1024
    file.Rows = file.Columns = 8
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated = file.BitsStored = 16
    file.HighBit, file.PixelRepresentation = 15, 1
    values = np.random.default_rng(seed).integers(0, 2000, (8, 8), dtype=np.int16)
    file.add_new("PixelData", "OW", values.tobytes())
    out = io.BytesIO()
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()


def everything(store) -> str:
    """All tables of a store, as text."""
    with duckdb.connect(str(store), read_only=True) as opened:
        tables = [name for (name,) in opened.execute("SHOW TABLES").fetchall()]
        return " ".join(str(opened.execute(f'FROM "{name}"').fetchall()) for name in tables)


@pytest.mark.slow
def test_a_run_on_scans_knows_their_units_and_no_patient(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    for i in range(40):
        file = tmp_path / "own" / "ab"[i % 2] / f"{i}.dcm"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(slice_of(i))
    asked = {
        "defense": "std",
        "epochs": 1,
        "n_margins": 0,
        "n_test": 4,
        "intensity": "window:-160..240",
    }
    run = folders.create(TrainConfig("folder", str(tmp_path / "own"), **asked))
    train_run(run, tmp_path / "log.txt")
    about = reader.meta(run.store)
    assert about["intensity"] == {"low": -160.0, "high": 240.0, "unit": "HU"}
    assert about["image_notes"][0] in (tmp_path / "log.txt").read_text()
    assert "-160 to 240 HU" in about["image_notes"][0]
    stored = everything(run.store)
    assert "a/0.dcm" in stored
    assert "Planted" not in stored
    kept = [tmp_path / "log.txt", *run.folder.rglob("*"), *(tmp_path / "cache").rglob("*")]
    assert not [file for file in kept if file.is_file() and b"Planted" in file.read_bytes()]
