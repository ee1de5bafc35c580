"""Compressed DICOM files that unpack to more than they claim are refused before that."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smd.data import dicom, dicom_packed
from smd.errors import UserError

pydicom = pytest.importorskip("pydicom")

from dicom_files import made  # noqa: E402

RLE, J2K, BASELINE, JPEG_LS = (f"1.2.840.10008.1.2.{end}" for end in ("5", "4.90", "4.50", "4.80"))
MORE = "unpacks to more than the pixels that it claims, or is damaged"


def packed(frames: list[bytes], syntax: str, side: int = 8) -> bytes:
    from pydicom.encaps import encapsulate

    file = pydicom.dcmread(io.BytesIO(made(np.zeros((len(frames), side, side), np.uint8))))
    file.file_meta.TransferSyntaxUID = syntax
    file.PixelData = encapsulate(frames)
    file["PixelData"].VR, file["PixelData"].is_undefined_length = "OB", True
    out = io.BytesIO()
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()


def rle(*segments: bytes) -> bytes:
    begins = [64 + sum(map(len, segments[:k])) for k in range(len(segments))]
    return struct.pack("<16L", len(segments), *begins, *[0] * (15 - len(segments))) + b"".join(
        segments
    )


def test_rle_that_is_as_long_as_it_claims_is_read():
    frame = rle(b"\xc1\x07\x80")  # 64 times 7
    assert (dicom.read(packed([frame], RLE), "x").values == 7).all()


@pytest.mark.parametrize(
    "frame",
    [
        rle(b"\x81\x00" * 1_000),
        rle(b"\x81\x00" * 1_000, b"\x00\x00"),
        rle(b"\x80" * 5_000),
        rle((b"\x7f" + bytes(128)) * 20),
        b"\x01\x00\x00\x00\x40",
        struct.pack("<16L", 15, *[64] * 15) + b"\x81\x00" * 1_000,
    ],
)
@pytest.mark.parametrize("before", [0, 1])
def test_rle_that_unpacks_to_more_is_refused(frame, before, monkeypatch):
    import pydicom.pixels

    monkeypatch.setattr(pydicom.pixels, "pixel_array", None)  # nothing is unpacked
    frames = [rle(b"\xc1\x07")] * before + [frame]
    with pytest.raises(UserError, match=rf"{MORE}|cannot be read as DICOM"):
        dicom.read(packed(frames, RLE), "x")


def encoded(kind: str, side: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (side, side)).save(out, kind, **({"no_jp2": True} if kind == "JPEG2000" else {}))
    return out.getvalue()


@pytest.mark.parametrize(("kind", "syntax"), [("JPEG2000", J2K), ("JPEG", BASELINE)])
def test_jpeg_that_claims_more_pixels_is_refused(kind, syntax, monkeypatch):
    assert dicom.read(packed([encoded(kind, 8)], syntax), "x").values.shape == (1, 8, 8)
    import pydicom.pixels

    monkeypatch.setattr(pydicom.pixels, "pixel_array", None)
    with pytest.raises(UserError, match=MORE):
        dicom.read(packed([encoded(kind, 80)], syntax), "x")


@pytest.mark.parametrize("syntax", [J2K, BASELINE, JPEG_LS])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_a_frame_of_another_kind_is_refused(kind, syntax):
    with pytest.raises(UserError, match=rf"{MORE}|install what reads that"):
        dicom.read(packed([encoded(kind, 8)], syntax), "x")


def test_samples_of_pydicom_are_as_large_as_they_claim():
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    usual = ("MR_small_RLE", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless", "JPGExtended")
    usual += ("SC_rgb_rle_16bit_2frame", "SC_rgb_jpeg_dcmtk", "SC_rgb_jls_lossy_line", "693_J2KI")
    for name in usual:
        dicom_packed.check(pydicom.dcmread(folder / f"{name}.dcm"), name)
    broken = "JPEG2000-embedded-sequence-delimiter"  # claims 3,722,445,056 columns
    with pytest.raises(UserError, match=MORE):
        dicom_packed.check(pydicom.dcmread(folder / f"{broken}.dcm"), broken)
