"""The file name of each image, kept beside the imported pixels: one path of the source a row."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from smd import durable, paths

FILE = "names"  # in the folder of a cache: paths in UTF-8, a zero byte after each


def shown(path: str) -> str:
    """The path as text that has one line, ends up nowhere else and can be stored: what is no such sign is escaped."""
    return "".join(map(_shown, path))


def _shown(sign: str) -> str:
    if "\udc80" <= sign <= "\udcff":  # how Python carries a byte that is no UTF-8
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return sign if sign.isprintable() or unicodedata.category(sign) == "Zs" else ascii(sign)[1:-1]


def write(folder: Path, names: Iterable[str]) -> None:
    """Keep the paths, in the order of the rows, in the folder of a cache. Raises OSError."""
    durable.write(folder / FILE, b"".join(shown(name).encode() + b"\0" for name in names))


def read(key: str, n: int) -> tuple[str, ...]:
    """The path of each of the n rows of the set that is cached under a key; () where none were kept."""
    try:
        content = (paths.cache_root() / key / FILE).read_bytes().decode()
    except (OSError, ValueError):
        return ()
    found = content.split("\0")[:-1]
    return tuple(found) if len(found) == n else ()
