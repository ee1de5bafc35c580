"""Which images a set consists of, whatever they are called and wherever they lie.

The hash is over pixels, labels, splits and classes, in the order of the rows: what a network is
trained on.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import numpy as np

from smd import paths
from smd.data import cache
from smd.data.images import Images
from smd.files import durable

FILE = "content"  # in the folder of a cache: the hash, as it is costly to find
CHUNK = 2**24  # bytes


def of(images: Images) -> str:
    """The hash of a set, 32 hexadecimal digits; kept beside the imported pixels, so that it is
    found once."""
    file = paths.cache_root() / images.key / FILE
    kept = _kept(file)
    if kept:
        return kept
    digest = hashed(images)
    with suppress(OSError):  # a cache that is not ours to write
        durable.write(file, digest)
    return digest


def hashed(images: Images) -> str:
    """The hash of a set, found anew."""
    digest = hashlib.blake2b(
        json.dumps([list(images.classes), list(images.pixels.shape)]).encode(), digest_size=16
    )
    digest.update(np.ascontiguousarray(images.labels, "<i8").data)
    digest.update(np.ascontiguousarray(images.split, np.uint8).data)
    rows = max(1, CHUNK // max(1, images.pixels[:1].nbytes))
    for begin in range(0, len(images.pixels), rows):
        digest.update(np.ascontiguousarray(images.pixels[begin : begin + rows]).data)
    return digest.hexdigest()


def find(key: str, content: str) -> Images | None:
    """The imported set of that key, or else any one with that content; None if there is none.

    Both are read from stores, which may come from elsewhere.
    """
    imported = cache.cached(key)
    if imported is not None or not isinstance(content, str) or not content:
        return imported
    for file in sorted(paths.cache_root().glob(f"*/{FILE}")):
        if _kept(file) == content and (images := cache.cached(file.parent.name)) is not None:
            return images
    return None


def _kept(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
