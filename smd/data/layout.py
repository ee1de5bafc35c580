"""From file names to classes and splits: class folders, or train/, val/ and test/ with class folders."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from smd.data.split import TEST, TRAIN, VAL
from smd.errors import UserError

SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".webp",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pnm",
    ".pfm",
    ".jfif",
    ".jpe",
    ".mpo",
    ".jp2",
    ".j2k",
    ".j2c",
    ".jpc",
    ".jpf",
    ".jpx",
    ".apng",
    ".avif",
    ".avifs",
    ".dib",
    ".ico",
    ".cur",
    ".pcx",
    ".qoi",
    ".tga",
    ".icb",
    ".vda",
    ".vst",
    ".sgi",
    ".rgb",
    ".rgba",
    ".bw",
    ".ras",
    ".psd",
    ".dds",
    ".xbm",
)  # of smd.data.decode.FORMATS
ARRAY = ".npy"  # a file with the array of one image or volume
SPLITS = {"train": TRAIN, "val": VAL, "valid": VAL, "validation": VAL, "test": TEST}

Parts = tuple[str, ...]  # of a path; the last one of a folder is ""


@dataclass(frozen=True, eq=False)
class Plan:
    """Which file becomes which row, sorted by split, class and file name."""

    classes: tuple[str, ...]
    names: tuple[str, ...]  # row -> path in the source
    labels: np.ndarray  # (N,) int64
    split: np.ndarray  # (N,) int64, 0 train, 1 val, 2 test


def is_image(path: str) -> bool:
    """Whether a path is that of an image by its ending, and not hidden."""
    return is_picture(path) or (is_array(path) and not _hidden(path))


def is_picture(path: str) -> bool:
    """Whether it is an image in one of the formats that browsers and scanners write."""
    return path.lower().endswith(SUFFIXES) and not _hidden(path)


def is_array(path: str) -> bool:
    """Whether it is an image or a volume as an array, by its ending."""
    return path.lower().endswith(ARRAY)


def plan(paths: Iterable[str], where: str) -> Plan:
    """Find the classes and splits of the files in `where`; folders end with "/".

    Arrays count as images only where there are no pictures: beside these they may be anything.
    Raises UserError if there are no images, no class folders or only one, an empty one, or other
    classes in one split than in the next.
    """
    seen: list[Parts] = [tuple(path.split("/")) for path in paths if not _hidden(path)]
    images = sorted({parts for parts in seen if is_picture(parts[-1])})
    images = images or sorted({parts for parts in seen if is_array(parts[-1])})
    if not images:
        kinds = ", ".join((*SUFFIXES, ARRAY))
        raise UserError(f"There are no images in {where}: it needs class folders with {kinds} files.")
    top = images[0][:1] if _has_top(images) else ()
    depth = len(top) + _has_splits(images, len(top), where)  # where the class stands in a path
    for parts in images:
        if len(parts) != depth + 2:
            raise UserError(f"'{'/'.join(parts)}' in {where} does not lie in a class folder: move it into one.")
    _check_folders(seen, images, depth, where)
    classes = sorted({parts[depth] for parts in images})
    if len(classes) == 1:
        raise UserError(f"There is only one class in {where}, '{classes[0]}': add a folder of another one.")
    return _ordered(images, classes, depth)


def _hidden(path: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))


def _has_top(images: list[Parts]) -> bool:
    """Whether everything lies in one folder that is neither a split nor a class."""
    tops = {parts[0].lower() for parts in images}
    return len(tops) == 1 and tops.isdisjoint(SPLITS) and all(len(parts) > 2 for parts in images)


def _has_splits(images: list[Parts], at: int, where: str) -> bool:
    """Whether the folders at that depth are splits; class folders may bear such a name if not all do."""
    folders = {parts[at].lower() for parts in images if len(parts) > at + 1}
    if not folders or not folders <= SPLITS.keys():
        if "train" in folders:
            stray = min(folders - SPLITS.keys())
            raise UserError(f"'{stray}' in {where} stands beside 'train': use {', '.join(SPLITS)} or classes only.")
        return False
    if "train" not in folders:
        raise UserError(f"There is no 'train' folder beside '{min(folders)}' in {where}: add one.")
    return True


def _check_folders(seen: list[Parts], images: list[Parts], depth: int, where: str) -> None:
    """Every class folder has images, and every split has every class."""
    splits = {parts[:depth] for parts in images}
    folders = {parts[: depth + 1] for parts in seen if len(parts) > depth + 1 and parts[:depth] in splits}
    filled = {parts[: depth + 1] for parts in images}
    if folders != filled:
        raise UserError(f"'{'/'.join(min(folders - filled))}' in {where} holds no images: fill or remove it.")
    for folder in sorted(splits):
        missing = {parts[depth] for parts in images} - {parts[depth] for parts in filled if parts[:depth] == folder}
        if missing:
            raise UserError(f"'{'/'.join(folder)}' in {where} has no folder '{min(missing)}': add it, with images.")


def _ordered(images: list[Parts], classes: list[str], depth: int) -> Plan:
    label_of = {name: label for label, name in enumerate(classes)}
    rows = sorted(
        (
            SPLITS.get(parts[depth - 1].lower(), TRAIN) if depth else TRAIN,
            label_of[parts[depth]],
            "/".join(parts),
        )
        for parts in images
    )
    split, labels, names = zip(*rows, strict=True)
    return Plan(tuple(classes), names, np.array(labels), np.array(split))
