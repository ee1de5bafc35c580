"""The sizes of own images, read from the files' headers alone, and what size they had best be
trained at."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from PIL import Image

from smd import registry
from smd.data import arrays, file_kinds, scans, sources
from smd.data.archive import Member, OutOfTime
from smd.data.decode import opened
from smd.errors import UserError

from .. import actions

SMALLEST, LARGEST = 8, registry.LARGEST  # pixels a side that images may have as they are
MUCH = 64  # pixels a side beyond which training takes long, as the page says
MIXED = 32  # pixels a side, where the images differ in size
PATIENCE = 3.0  # seconds; a page waits no longer for a suggestion
# seconds until there must be an image at all: archives of a million other files answer soon
FIRST = 0.5


@dataclass(frozen=True)
class Survey:
    """What the headers say."""

    # (width, height) in pixels -> images of that size, the most frequent first
    sizes: Mapping[tuple[int, int], int]
    whole: bool  # whether every image was looked at

    @property
    def images(self) -> int:
        """How many were looked at."""
        return sum(self.sizes.values())


def survey(path: str) -> Survey:
    """The sizes of the images in a folder or an archive; raises UserError if there is none or it is
    broken."""
    source = actions.source(path)
    if sources.holds_arrays(source):
        return Survey({}, True)  # there are no files of single images
    return _survey(str(source), source.stat().st_mtime_ns)


@st.cache_data(max_entries=16, ttl=60, show_spinner="Looking at the sizes of the images")
def _survey(source: str, stamp: int) -> Survey:
    sizes: Counter[tuple[int, int]] = Counter()
    until = time.monotonic() + PATIENCE
    try:
        sized = _kind(Path(source))
        if sized is None:
            return Survey({}, True)
        for member in sources.members(Path(source), until):
            if time.monotonic() > until:
                return Survey(dict(sizes.most_common()), False)
            if sized(member.path):
                _count(member, sizes)
    except OutOfTime:
        return Survey(dict(sizes.most_common()), False)
    return Survey(dict(sizes.most_common()), True)


def _count(member: Member, sizes: Counter[tuple[int, int]]) -> None:
    """Add the size of one image; what is broken is named by the import."""
    with suppress(UserError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        if scans.known(member.path):
            _, height, width = scans.sides(member.path, member.read(), member.path)
            sizes[width, height] += 1
            return
        with opened(member.read()) as image:
            sizes[image.size] += 1


def _kind(source: Path) -> Callable[[str], bool] | None:
    """Which files are the images whose headers say how large they are: pictures before others."""
    for fits in (file_kinds.is_picture, scans.known):
        members = sources.members(source, time.monotonic() + FIRST)
        if any(fits(member.path) for member in members):
            return fits
    return None


def suggested(path: str) -> int:
    """The side in pixels that the images at that path had best be resized to; 0: as they are.

    Raises UserError if there are none, or if they are broken.
    """
    source = actions.source(path)
    return _of_arrays(source) if sources.holds_arrays(source) else suited(survey(path))


def _of_arrays(source: Path) -> int:
    try:
        shape = arrays.shape(source)
    except UserError:  # images that are not square; if it is something else, the import says so
        return MIXED
    if len(shape) == 3:
        return suited(Survey({(shape[2], shape[1]): 1}, True))
    net = registry.NETWORKS["volume-cnn"]
    return MUCH if registry.shape_problem(net, shape) else 0


def suited(survey: Survey) -> int:
    """The side in pixels that these images had best be resized to; 0: as they are.

    Alike and square within 8..512 pixels they stay as they are, others of more than 64 get their
    shorter side, 512 at most, and where sizes differ 32.
    """
    if len(survey.sizes) != 1:
        return MIXED if survey.sizes else 0
    ((width, height),) = survey.sizes
    if min(width, height) > MUCH and (width != height or width > LARGEST):
        return min(width, height, LARGEST)
    if width != height or width < SMALLEST:
        return MIXED
    # the rest, unseen, may differ: resizing is safe and leaves these alone
    return 0 if survey.whole else width
