"""The file name of each image, kept beside the imported pixels: one path of the source a row."""

from collections.abc import Iterable
from pathlib import Path

from smd import paths
from smd.data import names
from smd.files import durable

FILE = "names"  # in the folder of a cache: paths in UTF-8, a zero byte after each


def write(folder: Path, listed: Iterable[str]) -> None:
    """Keep the paths, in the order of the rows, in the folder of a cache. Raises OSError."""
    durable.write(folder / FILE, b"".join(names.visible(path).encode() + b"\0" for path in listed))


def read(key: str, n: int) -> tuple[str, ...]:
    """The path of each of the n rows of the set that is cached under a key; () where none were
    kept."""
    try:
        content = (paths.cache_root() / key / FILE).read_bytes().decode()
    except (OSError, ValueError):
        return ()
    listed = content.split("\0")[:-1]
    return tuple(listed) if len(listed) == n else ()
