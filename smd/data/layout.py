"""From file names to classes and splits: class folders, or train/, val/ and test/ with such."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from smd.data import layout_checks as checks
from smd.data import names
from smd.data.facts import Facts
from smd.data.file_kinds import KINDS, Parts, of_first_kind, split_of
from smd.data.split import TRAIN
from smd.errors import UserError


@dataclass(frozen=True, eq=False)
class Plan:
    """Which file becomes which row, sorted by split, class and file name."""

    classes: tuple[str, ...]  # as they can be shown
    names: tuple[str, ...]  # row -> path in the source
    labels: np.ndarray  # (N,) int64
    split: np.ndarray  # (N,) int64, 0 train, 1 val, 2 test
    notes: tuple[str, ...] = ()  # what is left out, each a sentence
    facts: Facts = field(default_factory=Facts)  # what a table says of the rows
    in_folders: bool = True  # a class is a folder; else a table tells it
    # all files that rows are made of, where a row is a folder of them; () where a row is a file
    files: tuple[str, ...] = ()

    def only(self, kept: np.ndarray) -> "Plan":
        """The plan of those rows alone, (N,) bool; raises UserError if a split has none of a class
        any more."""
        for split, label in sorted(
            set(zip(self.split.tolist(), self.labels.tolist(), strict=True))
        ):
            here = (self.split == split) & (self.labels == label)
            if not kept[here].any():
                folder = self.names[int(here.argmax())].rsplit("/", 1)[0]
                where = f"in '{names.visible(folder)}'" if self.in_folders else "of a split"
                raise UserError(
                    f"None of the images {where} can be read, so class"
                    f" '{self.classes[label]}' would be without any there: replace them, or remove"
                    " the class."
                )
        paths = tuple(name for name, keep in zip(self.names, kept, strict=True) if keep)
        facts = self.facts.at(np.flatnonzero(kept).tolist())
        labels, split = self.labels[kept], self.split[kept]
        return replace(self, names=paths, labels=labels, split=split, facts=facts)


def plan(paths: Iterable[str], where: str) -> Plan:
    """Find the classes and splits of the files in `where`; folders end with "/".

    What lies in folders below a class belongs to the class. DICOM and NIfTI files count as images
    only where there are no pictures, arrays only where there are none of these: beside them they
    may be anything. Raises UserError if there are no images, no
    class folders or only one, an empty split or class, or other classes in one split than in the
    next.
    """
    listed = set(paths)
    seen = sorted(tuple(path.split("/")) for path in listed if not names.of_system(path))
    images = _images(seen, listed, where)
    top = _top(images)
    checks.check_arrays(images, where)
    checks.check_splits(seen, images, top, where)
    splits = checks.has_splits(images, top, where)
    depth = top + splits  # where the class stands in a path
    around = _around(images, depth) if splits else {}
    path_of = {_inside(parts, depth, around): "/".join(parts) for parts in images}
    images, seen = sorted(path_of), sorted({_inside(parts, depth, around) for parts in seen})
    for parts in images:
        checks.check_depth(parts, depth, where)
    checks.check_folders(seen, images, depth, where)
    classes = checks.classes(images, depth, where)
    rows = _ordered(images, classes, depth, splits, _left_out(listed, path_of.values()))
    return replace(rows, names=tuple(path_of[tuple(path.split("/"))] for path in rows.names))


def _images(seen: list[Parts], listed: set[str], where: str) -> list[Parts]:
    """The files that are images: those of the first kind of which there are any."""
    images = set(of_first_kind(parts[-1] for parts in seen))
    if images:
        return [parts for parts in seen if parts[-1] in images]
    held = names.types(path for path in listed if not path.endswith("/")) or "nothing"
    raise UserError(
        f"There are no images in {where}, it holds {held}: it needs class folders with {KINDS}"
        " files."
    )


LEFT_OUT = (  # what a note says of one and of several files
    ("file is left out, it is no image", "files are left out, they are no images"),
    ("hidden or system file is left out", "hidden or system files are left out"),
)


def _left_out(listed: set[str], images: Iterable[str]) -> tuple[str, ...]:
    """How many files are no images or are hidden, in words."""
    files = {path for path in listed if not path.endswith("/")} - set(images)
    hidden = {path for path in files if names.of_system(path)}
    return tuple(
        f"{len(some):,} {one if len(some) == 1 else many}: {names.types(some)}."
        for some, (one, many) in zip((files - hidden, hidden), LEFT_OUT, strict=True)
        if some
    )


def _ordered(
    images: list[Parts], classes: list[str], depth: int, splits: bool, notes: tuple[str, ...]
) -> Plan:
    """The rows of the images, sorted by split, class and path."""
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


def _around(images: list[Parts], at: int) -> dict[Parts, str]:
    """The one folder around all classes of a split, as in training_set/training_set/cat, by split.

    It is none if other splits have their classes in themselves, unless it is called like the split.
    """
    places: dict[Parts, str] = {}
    splits = {parts[:at] for parts in images}
    for split in splits:
        inside = [parts for parts in images if parts[:at] == split]
        if len({parts[at] for parts in inside}) == 1 and all(
            len(parts) > at + 2 for parts in inside
        ):
            places[split] = inside[0][at]
    if len(places) == len(splits):
        return places
    return {split: name for split, name in places.items() if split_of(name) == split_of(split[-1])}


def _inside(parts: Parts, at: int, around: dict[Parts, str]) -> Parts:
    """The path without the folder around a split's classes."""
    name = around.get(parts[:at])
    return (
        parts[:at] + parts[at + 1 :]
        if name and len(parts) > at + 1 and parts[at] == name
        else parts
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
