"""Which row of a table is of which image file: by its path, or the end of it, with or without the
file's type."""

import difflib
import heapq
import unicodedata
from collections.abc import Iterator, Sequence

from smd.data.file_kinds import is_image

ENDS = (0, 3, 2, 1)  # parts of a path that are compared, from its end; 0: all of them
LONGEST = 4_096  # characters of a path
COMPARED = 2_000  # names that the closest one is looked for among
ALIKE = 5  # of these, by a bound of their likeness, are compared in full
TOLD = 100  # characters of the end of a name that are compared, as this takes the time of a power


def _path(text: str) -> str:
    """As both sides write it: with "/", in Unicode's usual form, without "./" or "/" around it; ""
    where it is too long for a path."""
    if len(text) > LONGEST:
        return ""
    plain = unicodedata.normalize("NFC", text.strip()).replace("\\", "/")
    return plain.removeprefix("./").strip("/")


def _stem(path: str) -> str:
    """A path without the type of its file; "scan.nii.gz" has one type."""
    inner = path[:-3] if path.lower().endswith(".gz") else path
    stem, dot, last = inner.rpartition(".")
    return stem if dot and "/" not in last else inner


def _end(path: str, parts: int) -> str:
    return "/".join(path.split("/")[-parts:]) if parts else path


class Index:
    """The image files by all that a row may call them."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths
        self._plain = [_path(path) for path in paths]
        self._known: dict[tuple[int, bool], dict[str, int]] = {}

    def _places(self, parts: int, stemmed: bool) -> dict[str, int]:
        """Key -> which path; -1 where several have it: such a row would be of any of them."""
        if (parts, stemmed) not in self._known:
            found: dict[str, int] = {}
            for place, path in enumerate(self._plain):
                key = _end(_stem(path) if stemmed else path, parts)
                found[key] = -1 if key in found else place
            self._known[parts, stemmed] = found
        return self._known[parts, stemmed]

    def of(self, cells: Sequence[str]) -> list[str]:
        """The path of each cell, "" where there is none: in that way of comparing which finds most,
        the strictest of equals."""
        plain = [_path(cell) for cell in cells]
        best, most, wanted = [-1] * len(cells), 0, sum(map(bool, plain))
        for tried in self._ways(plain):
            if (found := sum(place >= 0 for place in tried)) > most:
                best, most = tried, found
            if most == wanted:
                break
        return [self.paths[place] if place >= 0 else "" for place in best]

    def hits(self, cells: Sequence[str]) -> int:
        """How many files the cells are of."""
        return len(set(self.of(cells)) - {""})

    def _ways(self, cells: Sequence[str]) -> Iterator[list[int]]:
        for stemmed in (False, True):
            for parts in ENDS:
                known = self._places(parts, stemmed)
                # a cell without a type may have dots of its own
                for without in (False, True) if stemmed else (False,):
                    keys = (_end(_stem(c) if without and is_image(c) else c, parts) for c in cells)
                    yield [known.get(key, -1) if key else -1 for key in keys]


def closest(cells: Sequence[str], paths: Sequence[str]) -> tuple[str, str]:
    """A cell and the path that is most like it by their ends, of the first ones; ("", "") where
    there are none."""
    best, pair = -1.0, ("", "")
    for cell in list(filter(None, cells))[:3]:
        matcher = difflib.SequenceMatcher(None, "", cell[-TOLD:])
        bounds = list[tuple[float, str]]()
        for path in paths[:COMPARED]:
            matcher.set_seq1(path[-TOLD:])
            bounds.append((matcher.quick_ratio(), path))
        for _, path in heapq.nlargest(ALIKE, bounds):
            matcher.set_seq1(path[-TOLD:])
            if matcher.ratio() > best:
                best, pair = matcher.ratio(), (cell, path)
    return pair
