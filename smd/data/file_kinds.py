"""What a file or folder in a set of images is, by its name: an image, an array, a split."""

import re
from collections.abc import Iterable

from smd.data import names
from smd.data.split import TEST, TRAIN, VAL

_KNOWN = """
.png .jpg .jpeg .bmp .gif .tif .tiff .webp .ppm .pgm .pbm .pnm .pfm .jfif .jpe .mpo .jp2
.j2k .j2c .jpc .jpf .jpx .apng .avif .avifs .dib .ico .cur .pcx .qoi .tga .icb .vda .vst
.sgi .rgb .rgba .bw .ras .psd .dds .xbm"""
SUFFIXES = tuple(_KNOWN.split())  # of smd.data.decode.FORMATS
DICOM = (".dcm", ".dicom", ".ima")
NIFTI = (".nii", ".nii.gz")
# how scanners and archives name DICOM files without an ending: IM0001, 1.2.840.113619.2
NAMELESS = re.compile(r"[a-z]{0,5}[-_]?\d+([-_]\d+)*|([a-z]{2,4}\.)?\d+(\.\d+){4,}", re.I | re.A)
ARRAY = ".npy"  # a file with the array of one image or volume
KINDS = ".png, .jpg, .tif, .webp and other images, .dcm, .nii or .npy"
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
    array = is_array(path) and not names.of_system(path)
    return is_picture(path) or is_scan(path) or array or is_nameless(path)


def is_picture(path: str) -> bool:
    """Whether it is an image in one of the formats that browsers and scanners write."""
    return path.lower().endswith(SUFFIXES) and not names.of_system(path)


def is_scan(path: str) -> bool:
    """Whether it is a DICOM or NIfTI file by its ending."""
    return path.lower().endswith((*DICOM, *NIFTI)) and not names.of_system(path)


def is_nameless(path: str) -> bool:
    """Whether it is called as DICOM files without an ending are; what is in it tells whether it is
    one."""
    return NAMELESS.fullmatch(path.rsplit("/", 1)[-1]) is not None and not names.of_system(path)


def is_dicom(path: str) -> bool:
    """Whether it is to be read as DICOM."""
    return path.lower().endswith(DICOM) or is_nameless(path)


def is_array(path: str) -> bool:
    """Whether it is an image or a volume as an array, by its ending."""
    return path.lower().endswith(ARRAY)


def of_first_kind(paths: Iterable[str]) -> list[str]:
    """Those that are images: pictures; where there are none scans; else arrays; else files without
    an ending that may be DICOM. Beside pictures the others may be anything."""
    listed = list(paths)
    for fits in (is_picture, is_scan, is_array, is_nameless):
        if images := [path for path in listed if fits(path)]:
            return images
    return []


def shown(parts: Parts) -> str:
    """A path as messages write it."""
    return names.visible("/".join(parts))
