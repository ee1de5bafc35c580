"""What a file or folder in a set of images is, by its name: an image, an array, a split."""

import re

from smd.data import names
from smd.data.split import TEST, TRAIN, VAL

_KNOWN = """
.png .jpg .jpeg .bmp .gif .tif .tiff .webp .ppm .pgm .pbm .pnm .pfm .jfif .jpe .mpo .jp2
.j2k .j2c .jpc .jpf .jpx .apng .avif .avifs .dib .ico .cur .pcx .qoi .tga .icb .vda .vst
.sgi .rgb .rgba .bw .ras .psd .dds .xbm"""
SUFFIXES = tuple(_KNOWN.split())  # of smd.data.decode.FORMATS
ARRAY = ".npy"  # a file with the array of one image or volume
KINDS = ".png, .jpg, .tif, .webp and other images, or .npy"
SPLITS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VAL,
    "valid": VAL,
    "validation": VAL,
    "test": TEST,
    "testing": TEST,
}
SPLIT_NAMES = "train, val and test"

Parts = tuple[str, ...]  # of a path; the last one of a folder is ""


def split_of(folder: str) -> int | None:
    """Which split a folder's name means: Training, test_set, valid ...; None if it means none."""
    plain = re.sub(r"[ _-]?(set|images|data)$", "", folder.lower().strip())
    return SPLITS.get(plain)


def is_image(path: str) -> bool:
    """Whether a path is that of an image by its ending, and not hidden."""
    return is_picture(path) or (is_array(path) and not names.of_system(path))


def is_picture(path: str) -> bool:
    """Whether it is an image in one of the formats that browsers and scanners write."""
    return path.lower().endswith(SUFFIXES) and not names.of_system(path)


def is_array(path: str) -> bool:
    """Whether it is an image or a volume as an array, by its ending."""
    return path.lower().endswith(ARRAY)


def shown(parts: Parts) -> str:
    """A path as messages write it."""
    return names.visible("/".join(parts))
