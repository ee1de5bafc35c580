"""The user's own images: a folder or an archive of class folders, or a file of arrays."""

import hashlib
import math
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from smd.data import (
    array_files,
    arrays,
    cache,
    columns,
    decode,
    dicom,
    dicom_geometry,
    file_kinds,
    filling,
    layout,
    names,
    packed_table,
    reading,
    resampling,
    series,
    sources,
    table,
    tabled,
)
from smd.data.archive import Member
from smd.data.images import Images
from smd.data.request import Request
from smd.data.table import Table
from smd.errors import UserError

PATIENCE = 0.4  # seconds after which a page looks for no pictures among scans any more
LONGEST = 1.0  # seconds that a page waits for the first image
DECODING = 2  # raised when the same files give other pixels
LISTED = 10  # files that a note names
NOTES = (
    *(*decode.NOTES, dicom.INVERTED, dicom.PADDED, dicom_geometry.DETECTOR, series.OVERVIEWS),
    *(series.AGAIN, resampling.CUT, resampling.FILLED, *reading.CONVERTED.values()),
)


def load(request: Request) -> Images:
    """The images at request.path, sorted by split, class and file name, or as a file of arrays has
    them.

    Raises UserError if there are none, if they cannot be read, or if they differ in size or
    channels.
    """
    source = sources.find(request.path)
    if request.volumes and sources.holds_arrays(source):
        raise UserError(f"{source} is a file of arrays: --volumes is for folders of DICOM slices.")
    if request.spacing and sources.holds_arrays(source):
        raise UserError(
            f"{source} is a file of arrays, which tells no size of pixels: leave --spacing out (on"
            " the Train page: 'Spacing')."
        )
    importer = arrays.read if sources.holds_arrays(source) else read
    return cache.fetch("folder", fingerprint(source, request), partial(importer, source, request))


def sides(request: Request, hurried: bool = False) -> tuple[int, ...]:
    """(H, W) of the images at request.path, (D, H, W) of volumes, by the first of them, and as they
    are resized or resampled; (0, 0) where none is found.

    Of volumes that are made of folders of slices D is not known and 1. Only headers are read, and
    the first image where it is resampled. hurried: somebody waits for a page, so the search for
    pictures among scans ends after PATIENCE, and all of it after LONGEST seconds. UserError as
    above.
    """
    source = sources.find(request.path)
    if sources.holds_arrays(source):
        return arrays.shape(source, request.image_size)[1:]
    found = _found_sides(source, request, time.monotonic() if hurried else math.inf)
    return (1, *found) if request.volumes and len(found) == 2 else found


def _found_sides(source: Path, request: Request, began: float) -> tuple[int, ...]:
    """began: by time.monotonic(), of a search in a hurry; infinite otherwise."""
    found: tuple[int, ...] = (0, 0)
    for member in sources.members(source, began + LONGEST):
        if file_kinds.is_picture(member.path):
            return reading.sides(member.path, member.read(), request)
        if found == (0, 0) and file_kinds.is_image(member.path):
            found = _sides(member, request)
        if found != (0, 0) and time.monotonic() > began + PATIENCE:
            break
    return found


def _sides(member: Member, request: Request) -> tuple[int, ...]:
    """A file without an ending is none of the images if it cannot be read."""
    try:
        return reading.sides(member.path, member.read(), request)
    except UserError:
        if file_kinds.is_nameless(member.path):
            return 0, 0
        raise


def found(request: Request, until: float) -> Images | None:
    """The same images if they are imported already; raises UserError if the path is wrong.

    until: when to stop listing by time.monotonic(); raises smd.data.archive.OutOfTime then.
    """
    return cache.cached(
        cache.key_of("folder", fingerprint(sources.find(request.path), request, until))
    )


def guessed(request: Request, until: float) -> str:
    """Which columns of the table of labels seem to be what, as `columns` takes it; "" of a large
    table or one that is no text, which the import looks into. Raises UserError; until: as in
    `found`."""
    if not table.is_small_text(request.labels):
        return ""
    source, read = sources.find(request.path), table.read(request.labels)
    if sources.holds_arrays(source):
        return columns.of_arrays(read, "").words()
    paths = [member.path for member in sources.members(source, until)]
    images = file_kinds.of_first_kind(paths)
    if request.volumes:
        images = series.folders(images)
    return columns.of_files(read, "", images).words()


def fingerprint(source: Path, request: Request, until: float = math.inf) -> cache.Fingerprint:
    """What changes when the images of a folder or archive, or what is asked of them, do; until: as
    in `found`."""
    of_arrays = sources.holds_arrays(source)
    files = array_files.files(source, bool(request.labels)) if of_arrays else [source]
    more: dict[str, str | int] = {} if of_arrays else {"decoding": DECODING}
    if not of_arrays and not source.is_dir():
        more["packed_table"] = 1  # earlier versions did not look for one
    if source.is_dir():
        listed = [member.path for member in sources.members(source, until)]
        files = [source / path for path in listed if file_kinds.is_image(path)]
        # an empty test/ is one
        others = "\n".join(sorted(path for path in listed if not file_kinds.is_image(path)))
        more["others"] = hashlib.blake2b(
            others.encode(errors="surrogateescape"), digest_size=16
        ).hexdigest()
    return {
        **sources.stamp(files, source, until),
        "image_size": request.image_size,
        **request.choices,
        **({"table": table.stamp(request.labels)} if request.labels else {}),
        **more,
    }


def read(source: Path, request: Request, folder: Path) -> cache.Imported:
    """Import a folder or archive of class folders into the cache's folder, one image at a time."""
    request.report(f"Listing {names.visible(source.name)}", 0.0)
    read = filling.read(source, _plan(source, request), request, folder)
    total = len(read.plan.names) + len(read.broken)
    notes = [f"{read.told[text]:,} of {total:,} {text}." for text in NOTES if read.told[text]]
    if read.broken:
        notes.insert(0, _left_out(read.broken, total))
    return cache.Imported(
        read.plan.classes,
        read.pixels,
        read.plan.labels,
        read.plan.split,
        (*read.plan.notes, *read.sizes.notes, *read.mapping, *notes),
        read.plan.names,
        read.plan.facts,
        read.intensity,
        read.sizes.kept,
        (*_gaps(read, total), *read.sizes.cautions),
    )


def _plan(source: Path, request: Request) -> layout.Plan:
    """Which file becomes which row, by the folders or by the table of labels."""
    members, where = sources.members(source), names.visible(str(source))
    if request.labels:
        paths = [member.path for member in members]
        return tabled.plan(paths, where, request, table.read(request.labels))
    if source.is_dir():
        paths, packed = [member.path for member in members], None
    else:
        paths, packed = packed_table.listed(members, source)
    if packed is not None:
        return _by_packed(paths, where, request, packed)
    if request.columns:
        raise UserError(f"{where} has no table of labels at its top: leave --columns out.")
    plan = layout.plan(paths, where)
    return series.folded(plan) if request.volumes else plan


def _by_packed(paths: list[str], where: str, request: Request, packed: Table) -> layout.Plan:
    try:
        plan = tabled.plan(paths, where, request, packed)
    except UserError as error:
        raise packed_table.unfit(error, packed.title) from None
    said = f"Labels and what else is known of the images: {packed.title} in the archive."
    return replace(plan, notes=(said, *plan.notes))


def _gaps(read: filling.Rows, total: int) -> list[str]:
    """How many volumes lack slices, by the gaps between them, and how many these are."""
    if not read.told[series.GAPS]:
        return []
    gone = read.told[series.MISSING]
    lacks = f": {gone:,} slice{'s' * (gone != 1)} seem{'s' * (gone == 1)} to be missing"
    filled = "; between their neighbours values are interpolated" if read.sizes.asked else ""
    return [
        f"{read.told[series.GAPS]:,} of {total:,} {series.GAPS}{lacks if gone else ''}{filled}."
    ]


def _left_out(broken: list[str], total: int) -> str:
    shown = ", ".join(f"'{names.visible(path)}'" for path in sorted(broken)[:LISTED])
    more = f" and {len(broken) - LISTED:,} more" if len(broken) > LISTED else ""
    be, what = ("is", "it") if len(broken) == 1 else ("are", "they")
    return (
        f"{len(broken):,} of {total:,} images {be} left out as asked for, for {what} cannot be"
        f" read: {shown}{more}."
    )
