"""From file names to classes and splits.

Class folders, or train/, val/ and test/ with class folders.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from smd.data import names, roles
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


@dataclass(frozen=True, eq=False)
class Plan:
    """Which file becomes which row, sorted by split, class and file name."""

    classes: tuple[str, ...]  # as they can be shown
    names: tuple[str, ...]  # row -> path in the source
    labels: np.ndarray  # (N,) int64
    split: np.ndarray  # (N,) int64, 0 train, 1 val, 2 test
    notes: tuple[str, ...] = ()  # what is left out, each a sentence

    def only(self, kept: np.ndarray) -> "Plan":
        """The plan of those rows alone, (N,) bool; raises UserError if a split has none of a class
        any more."""
        for split, label in sorted(
            set(zip(self.split.tolist(), self.labels.tolist(), strict=True))
        ):
            here = (self.split == split) & (self.labels == label)
            if not kept[here].any():
                folder = self.names[int(here.argmax())].rsplit("/", 1)[0]
                raise UserError(
                    f"None of the images in '{names.visible(folder)}' can be read, so class"
                    f" '{self.classes[label]}' would be without any there: replace them, or remove"
                    " the class."
                )
        paths = tuple(name for name, keep in zip(self.names, kept, strict=True) if keep)
        return replace(self, names=paths, labels=self.labels[kept], split=self.split[kept])


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


def plan(paths: Iterable[str], where: str) -> Plan:
    """Find the classes and splits of the files in `where`; folders end with "/".

    What lies in folders below a class belongs to the class. Arrays count as images only where there
    are no pictures: beside these they may be anything. Raises UserError if there are no images, no
    class folders or only one, an empty split or class, or other classes in one split than in the
    next.
    """
    listed = set(paths)
    seen: list[Parts] = sorted(
        tuple(path.split("/")) for path in listed if not names.of_system(path)
    )
    images = [parts for parts in seen if is_picture(parts[-1])]
    images = images or [parts for parts in seen if is_array(parts[-1])]
    if not images:
        held = names.types(path for path in listed if not path.endswith("/")) or "nothing"
        raise UserError(
            f"There are no images in {where}, it holds {held}: it needs class folders with {KINDS}"
            " files."
        )
    top = _top(images)
    _check_arrays(images, where)
    _check_splits(seen, images, top, where)
    splits = _has_splits(images, top, where)
    depth = top + splits  # where the class stands in a path
    around = _around(images, depth) if splits else {}
    path_of = {_inside(parts, depth, around): "/".join(parts) for parts in images}
    images, seen = sorted(path_of), sorted({_inside(parts, depth, around) for parts in seen})
    for parts in images:
        _check_depth(parts, depth, where)
    _check_folders(seen, images, depth, where)
    classes = sorted({names.visible(parts[depth]) for parts in images})
    if len(classes) == 1:
        raise UserError(
            f"There is only one class in {where}, '{classes[0]}': add a folder of another one."
        )
    found = _ordered(images, classes, depth, splits, _left_out(listed, path_of.values()))
    return replace(found, names=tuple(path_of[tuple(path.split("/"))] for path in found.names))


def _around(images: list[Parts], at: int) -> dict[Parts, str]:
    """The one folder around all classes of a split, by that of the split:
    training_set/training_set/cat.

    It is none if other splits have their classes in themselves, unless it is called like the split.
    """
    found: dict[Parts, str] = {}
    splits = {parts[:at] for parts in images}
    for split in splits:
        inside = [parts for parts in images if parts[:at] == split]
        if len({parts[at] for parts in inside}) == 1 and all(
            len(parts) > at + 2 for parts in inside
        ):
            found[split] = inside[0][at]
    if len(found) == len(splits):
        return found
    return {split: name for split, name in found.items() if split_of(name) == split_of(split[-1])}


def _inside(parts: Parts, at: int, around: dict[Parts, str]) -> Parts:
    """The path without the folder around a split's classes."""
    name = around.get(parts[:at])
    return (
        parts[:at] + parts[at + 1 :]
        if name and len(parts) > at + 1 and parts[at] == name
        else parts
    )


def _check_arrays(images: list[Parts], where: str) -> None:
    """Arrays of many images with their labels in another file are read from one .npz only."""
    loose = [
        parts[-1]
        for parts in images
        if is_array(parts[-1]) and roles.has_role(parts[-1][: -len(ARRAY)])
    ]
    if loose and len(loose) == len(images) and len({parts[:-1] for parts in images}) == 1:
        pairs = ", ".join(f"{name[: -len(ARRAY)]}=..." for name in sorted(set(loose))[:4])
        raise UserError(
            f"{where} holds arrays with their labels in other files, such as"
            f" '{names.visible(loose[0])}': save them in one file, numpy.savez('own.npz',"
            f" {names.visible(pairs)}), and give the path of that."
        )


def _left_out(listed: set[str], images: Iterable[str]) -> tuple[str, ...]:
    """How many files are no images or are hidden, in words."""
    files = {path for path in listed if not path.endswith("/")} - set(images)
    hidden = {path for path in files if names.of_system(path)}
    return tuple(
        f"{len(found):,} {one if len(found) == 1 else many}: {names.types(found)}."
        for found, one, many in (
            (
                files - hidden,
                "file is left out, it is no image",
                "files are left out, they are no images",
            ),
            (hidden, "hidden or system file is left out", "hidden or system files are left out"),
        )
        if found
    )


def _top(images: list[Parts]) -> int:
    """How many folders, each in the one before, are around everything and are neither a split nor a
    class."""
    depth = 0
    while len({parts[depth] for parts in images}) == 1:
        if split_of(images[0][depth]) is not None or any(
            len(parts) <= depth + 2 for parts in images
        ):
            break
        depth += 1
    return depth


def _check_splits(seen: list[Parts], images: list[Parts], top: int, where: str) -> None:
    """A split that holds no images is never taken for one that is not there: another one would be
    drawn instead."""
    for depth in range(top + 1):
        filled = {parts[: depth + 1] for parts in images}
        for parts in seen:
            if (
                len(parts) > depth + 1
                and split_of(parts[depth]) is not None
                and parts[: depth + 1] not in filled
            ):
                raise _empty(parts[: depth + 1], seen, where)


def _empty(folder: Parts, seen: list[Parts], where: str) -> UserError:
    files = ["/".join(parts) for parts in seen if parts[: len(folder)] == folder and parts[-1]]
    but = f" but {names.types(files)}" if files else ""
    return UserError(f"'{_shown(folder)}' in {where} holds no images{but}: fill or remove it.")


def _has_splits(images: list[Parts], at: int, where: str) -> bool:
    """Whether the folders at that depth are splits; class folders may bear such a name if not all
    do."""
    folders = {parts[at]: split_of(parts[at]) for parts in images if len(parts) > at + 1}
    stray = sorted(name for name, split in folders.items() if split is None)
    train = [name for name, split in folders.items() if split == TRAIN]
    if stray or not folders:
        if train:
            raise UserError(
                f"'{names.visible(stray[0])}' in {where} stands beside '{names.visible(train[0])}':"
                f" use {SPLIT_NAMES}, or classes, only."
            )
        return False
    if not train:
        raise UserError(
            f"There is no 'train' folder beside '{names.visible(min(folders))}' in {where}: add"
            " one."
        )
    return True


def _check_depth(parts: Parts, depth: int, where: str) -> None:
    if len(parts) < depth + 2:
        raise UserError(
            f"'{_shown(parts)}' in {where} does not lie in a class folder: move it into one."
        )
    below = parts[depth + 1 : -1]
    if below and split_of(below[0]) is not None:
        raise UserError(
            f"'{_shown(parts[: depth + 2])}' in {where} is a split within a class: "
            f"lay out {SPLIT_NAMES} first, with the classes in each."
        )


def _check_folders(seen: list[Parts], images: list[Parts], depth: int, where: str) -> None:
    """Every class folder has images, and every split has every class."""
    splits = {parts[:depth] for parts in images}
    folders = {
        parts[: depth + 1] for parts in seen if len(parts) > depth + 1 and parts[:depth] in splits
    }
    filled = {parts[: depth + 1] for parts in images}
    if folders - filled:
        raise _empty(min(folders - filled), seen, where)
    classes = {names.visible(parts[depth]) for parts in images}
    for folder in sorted(splits):
        missing = classes - {
            names.visible(parts[depth]) for parts in filled if parts[:depth] == folder
        }
        if missing:
            raise UserError(
                f"'{_shown(folder)}' in {where} has no folder '{min(missing)}': add it, with"
                " images."
            )


def _shown(parts: Parts) -> str:
    return names.visible("/".join(parts))


def _ordered(
    images: list[Parts], classes: list[str], depth: int, splits: bool, notes: tuple[str, ...]
) -> Plan:
    label_of = {name: label for label, name in enumerate(classes)}
    rows = sorted(
        (
            (split_of(parts[depth - 1]) if splits else None) or TRAIN,
            label_of[names.visible(parts[depth])],
            "/".join(parts),
        )
        for parts in images
    )
    split, labels, paths = zip(*rows, strict=True)
    return Plan(tuple(classes), paths, np.array(labels), np.array(split), notes)
