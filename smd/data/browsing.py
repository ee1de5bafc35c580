"""What lies in one folder, for whoever looks for images there: folders, archives and arrays."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from smd.data import archive, names
from smd.data.sources import ARRAYS
from smd.errors import UserError

MOST = 500  # entries that are shown of one folder
SEEN = 20_000  # entries that are looked at: a folder of a million files answers as fast


@dataclass(frozen=True)
class Listing:
    """The folders and the files in one folder that images may be in, by name."""

    folders: tuple[str, ...]
    files: tuple[str, ...]  # archives and arrays
    more: bool  # not all of them


def listing(root: Path, below: str) -> Listing:
    """What lies in the folder `below` of root, "" for root itself; hidden names are left out.

    Nothing outside root is listed, nor where a link leads out of it. Raises UserError where there
    is no such folder or it cannot be read.
    """
    place = _inside(root, below)
    if not below and not root.exists():  # nobody has put data there yet
        return Listing((), (), False)
    folders: list[str] = []
    files: list[str] = []
    seen = 0
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                seen += 1
                if seen > SEEN:
                    break
                _sort(entry, root, folders, files)
    except OSError as error:
        raise UserError(
            f"{names.visible(str(place))} cannot be listed ({error.strerror}): choose another"
            " folder."
        ) from None
    more = seen > SEEN or len(folders) > MOST or len(files) > MOST
    return Listing(tuple(sorted(folders)[:MOST]), tuple(sorted(files)[:MOST]), more)


def _inside(root: Path, below: str) -> Path:
    try:
        top, place = root.resolve(), (root / below).resolve()
    except (OSError, ValueError, RuntimeError):  # a NUL, a circle of links
        top, place = root, Path("/")
    if not place.is_relative_to(top):
        raise UserError(f"'{names.visible(below)}' lies outside {root}: choose a folder in it.")
    return place


def _sort(entry: "os.DirEntry[str]", root: Path, folders: list[str], files: list[str]) -> None:
    """Put the entry where it belongs, if it is one that can be chosen."""
    if entry.name.startswith(".") or not entry.name.isprintable():
        return
    try:
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root.resolve()):
            return
        mode = entry.stat().st_mode
    except (OSError, RuntimeError):
        return
    if stat.S_ISDIR(mode):
        folders.append(entry.name)
    elif stat.S_ISREG(mode) and entry.name.lower().endswith((*archive.SUFFIXES, *ARRAYS)):
        files.append(entry.name)
