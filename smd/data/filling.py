"""The pixels of all images of a plan, a row each, as they come from a folder or an archive."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from smd.data import axes, cache, deep, names, reading, series, sources
from smd.data.deep import Asked
from smd.data.intensity import Bounds
from smd.data.layout import Plan
from smd.data.request import Request
from smd.data.scan import Deep
from smd.data.spacing import Sizes, Unfit
from smd.data.split import TRAIN
from smd.data.validation import Problems
from smd.errors import UserError

REPORTS = 100  # times that an import tells how far it is
SILENCE = 1.0  # seconds after which it tells anyway
CUT = "to which resampled images are cut or filled up around their centre"

Take = Callable[[str, series.Files], np.ndarray]  # a row's name and files -> its image
Allocate = Callable[[Path, tuple[int, ...]], np.memmap]


@dataclass(frozen=True, eq=False)
class Work:
    """What is to be read, and where to."""

    source: Path
    plan: Plan
    files: frozenset[str]  # all that the rows of the plan are made of
    request: Request
    folder: Path  # of the cache


@dataclass(frozen=True, eq=False)
class Rows:
    """What was read."""

    plan: Plan  # without what was left out
    pixels: np.memmap  # (N, C, H, W) or (N, C, D, H, W) uint8
    broken: list[str]  # paths of images that were left out because they cannot be read
    told: Mapping[str, int]  # how many images something was done to, by the words of its note
    sizes: Sizes  # of their pixels
    intensity: Bounds | None = None  # as in smd.data.images
    mapping: tuple[str, ...] = ()  # what that means, in a sentence


def read(source: Path, plan: Plan, request: Request, folder: Path) -> Rows:
    """All images of the plan, in the cache's folder; raises UserError if they cannot be used."""
    work, why = Work(source, plan, series.files(plan), request, folder), ""
    if not request.intensity:
        try:
            return _shallow(work)
        except Deep as error:
            why = str(error)
    return _deep(work, why)


def _shallow(work: Work) -> Rows:
    """Images of 8 bits, as they are; raises Deep where one is not."""
    told, sizes = Counter[str](), Sizes(work.request.spacing)
    take = partial(reading.pixels, request=work.request, told=told, sizes=sizes)
    pixels, broken = _filled(work, take, cache.allocate)
    if not broken:
        return Rows(work.plan, pixels, broken, told, sizes)
    kept = _kept(work.plan, broken)
    return Rows(work.plan.only(kept), cache.shrunk(work.folder, pixels, kept), broken, told, sizes)


def _deep(work: Work, why: str) -> Rows:
    """Images of more bits, mapped; why: which one is, where that follows from the files."""
    told, asked = Counter[str](), Asked(work.request.intensity)
    sizes = Sizes(work.request.spacing)
    take = partial(reading.values, request=work.request, told=told, sizes=sizes, asked=asked)
    values, broken = _filled(work, take, deep.allocate, why)
    kept = _kept(work.plan, broken)
    plan = work.plan.only(kept)
    training = work.plan.split == TRAIN
    pixels, bounds, note = deep.mapped(work.folder, values, kept, training, asked)
    if broken:
        pixels = cache.shrunk(work.folder, pixels, kept)
    return Rows(plan, pixels, broken, told, sizes, bounds, (note,))


def _kept(plan: Plan, broken: list[str]) -> np.ndarray:
    return ~np.isin(np.array(plan.names, dtype=object), broken)


MIXED = (
    "Images of 8 bits and deeper ones are mixed: {error}, {why}. Keep one kind, or map all alike"
    " with --intensity range (on the Train page: 'Intensities')."
)


def _filled(
    work: Work, take: Take, allocate: Allocate, why: str = ""
) -> tuple[np.memmap, list[str]]:
    """All images, and the names of rows that were left out because they cannot be read: these are
    zero."""
    row_of = {name: row for row, name in enumerate(work.plan.names)}
    first, filled, problems, broken = "", None, Problems(), []
    for path, files in _reported(work, row_of):
        name = names.visible(path)
        try:
            image = take(name, files())
        except reading.Shallow as error:
            problems.differs("depth", MIXED.format(error=error, why=why))
            continue
        except Unfit as error:
            problems.differs("spacing", str(error))
            continue
        except Deep:
            raise
        except UserError as error:
            problems.broken.append(str(error))
            broken.append(path)
            continue
        if filled is None:
            _check_square(name, image, work.request)
            first, filled = name, allocate(work.folder, (len(row_of), *image.shape))
        if odd := _unlike(first, filled.shape[1:], name, image.shape, work.request):
            problems.differs(*odd)
        else:
            filled[row_of[path]] = image
    problems.check(len(row_of), work.request.skip_broken)
    return _some(filled, broken, work.source), broken


def _some(filled: np.memmap | None, broken: list[str], source: Path) -> np.memmap:
    """The images, of which there must be some."""
    shown = names.visible(str(source))
    if filled is None and broken:
        raise UserError(f"None of the {len(broken):,} images in {shown} can be read.")
    if filled is None:
        raise UserError(f"{shown} changed while it was read: try again.")
    return filled


def _reported(work: Work, row_of: Mapping[str, int]) -> Iterator[series.Item]:
    """The rows in the order in which they come; says now and then how far it is."""
    every, told_at = -(-len(row_of) // REPORTS), 0.0
    members = sources.members(work.source)
    items = (
        series.gathered(members, work.files)
        if work.request.volumes
        else series.single(members, row_of)
    )
    for done, item in enumerate(items):
        if done % every == 0 or time.monotonic() > told_at + SILENCE:
            told_at = time.monotonic()
            work.request.report(f"Reading {names.visible(work.source.name)}", done / len(row_of))
        yield item


def _check_square(name: str, image: np.ndarray, request: Request) -> None:
    if image.ndim == 3 and image.shape[1] != image.shape[2]:
        how = CUT if request.spacing else "to resize all"
        raise UserError(
            f"The image '{name}' is {axes.sides(image.shape)}, but networks take square ones: "
            f"set an image size, such as 32, {how}."
        )


def _unlike(
    first: str, shape: tuple[int, ...], name: str, shape_read: tuple[int, ...], request: Request
) -> tuple[str, str] | None:
    """How two shapes (C, H, W) or (C, D, H, W) differ, in a word and a sentence; None if they do
    not."""
    if shape_read == shape:
        return None
    if len(shape_read) != len(shape):
        return (
            "dims",
            f"Images and volumes are mixed: '{first}' is {axes.sides(shape)}, '{name}' is"
            f" {axes.sides(shape_read)}. Keep one kind.",
        )
    if shape_read[0] != shape[0]:
        gray, colour = (first, name) if shape[0] == 1 else (name, first)
        return (
            "channels",
            f"Gray and colour images are mixed: '{gray}' is gray, '{colour}' is not. Convert"
            " all of them to one kind with --channels rgb or gray (on the Train page:"
            " 'Colours').",
        )
    how = f"Set an image size, such as 32, {CUT if request.spacing else 'to resize all'}"
    if not request.spacing and len(shape) == 4 and shape_read[1] != shape[1]:
        how = (
            "Give all volumes the same depth, or an image size, such as 32: volumes of DICOM and"
            " NIfTI files become cubes of it"
        )
    return (
        "sizes",
        f"The images differ in size: '{first}' is {axes.sides(shape)}, '{name}' is"
        f" {axes.sides(shape_read)}. {how}.",
    )
