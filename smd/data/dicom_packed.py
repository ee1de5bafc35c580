"""What the compressed frames of a DICOM file unpack to, by their own headers.

Decoders go by these and not by the file's: a few bytes there can claim gigabytes.
"""

import re
import struct
from typing import Any

from smd.data.dicom_geometry import frames
from smd.errors import UserError

RLE = "1.2.840.10008.1.2.5"
HEAD = 64  # bytes of the header of a frame in RLE
SPARE = 1024  # bytes of filling at the end of a segment in RLE
MOST_PARTS = 4  # colours of a pixel
SIZ = re.compile(rb"\xff\x4f\xff\x51(.{38})", re.DOTALL)  # where an image in JPEG 2000 begins
# kinds of headers of images in JPEG and JPEG-LS; others among them are tables
SIZES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
SCAN, ALONE = 0xDA, {0x01, *range(0xD0, 0xD9)}  # the values begin; marks without a length


def check(file: Any, name: str) -> None:
    """Raise UserError where a frame unpacks to more than the file claims, or is of another kind
    than any that DICOM has."""
    from pydicom.encaps import generate_frames

    offsets = file.get("ExtendedOffsetTable"), file.get("ExtendedOffsetTableLengths")
    packed = generate_frames(
        file.PixelData,
        number_of_frames=frames(file),
        extended_offsets=offsets if all(offsets) else None,
    )
    pixels = int(file.Rows) * int(file.Columns)
    segments = int(file.SamplesPerPixel) * int(file.BitsAllocated) // 8
    in_rle = file.file_meta.TransferSyntaxUID == RLE
    for frame in packed:
        if not (_rle_fits(frame, pixels, segments) if in_rle else _codes_fit(frame, pixels)):
            raise UserError(
                f"The image '{name}' unpacks to more than the pixels that it claims, or is damaged:"
                " remove or replace it."
            )


def _rle_fits(frame: bytes, pixels: int, wanted: int) -> bool:
    """Whether there are so many segments in a frame in RLE, and each unpacks to no more bytes than
    there are pixels."""
    count = struct.unpack_from("<L", frame)[0]
    if count != wanted:
        return False
    begins = struct.unpack_from(f"<{min(count, 15)}L", frame, 4)
    ends = (*begins[1:], len(frame))
    segments = (frame[begin:end] for begin, end in zip(begins, ends, strict=True))
    return all(_unpacked(segment, pixels + SPARE) <= pixels + SPARE for segment in segments)


def _unpacked(segment: bytes, most: int) -> int:
    """Bytes that a segment unpacks to, at most a few more than `most`: a byte n, and then n + 1
    bytes as they are, or one that is there 257 - n times."""
    at = total = 0
    while at < len(segment) and total <= most:
        n = segment[at]
        if n < 128:
            total += n + 1
            at += n + 2
        elif n > 128:
            total += 257 - n
            at += 2
        else:  # nothing, which is counted so that it has an end
            total += 1
            at += 1
    return total


def _codes_fit(frame: bytes, pixels: int) -> bool:
    """Whether a frame in one of the kinds of JPEG has no more pixels than that."""
    jpeg = frame[:2] == b"\xff\xd8"
    sizes = _jpeg_sizes(frame) if jpeg else [_siz(found[1]) for found in SIZ.finditer(frame)]
    return bool(sizes) and all(
        0 < height * width <= pixels and parts <= MOST_PARTS for height, width, parts in sizes
    )


def _siz(fields: bytes) -> tuple[int, int, int]:
    """Height, width and colours of an image in JPEG 2000."""
    right, bottom, left, top = struct.unpack_from(">4L", fields, 4)
    return max(0, bottom - top), max(0, right - left), struct.unpack_from(">H", fields, 36)[0]


def _jpeg_sizes(frame: bytes) -> list[tuple[int, int, int]]:
    """Heights, widths and colours that a JPEG names before its values."""
    sizes, at = [], 2
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        kind = frame[at + 1]
        if kind == SCAN:
            break
        if kind == 0xFF or kind in ALONE:  # a filling, or a mark
            at += 1 if kind == 0xFF else 2
            continue
        if kind in SIZES:
            height, width, parts = struct.unpack_from(">2HB", frame, at + 5)
            sizes.append((height, width, parts))
        at += 2 + int(struct.unpack_from(">H", frame, at + 2)[0])
    return sizes
