"""Volumes from folders of DICOM slices, where they are asked for.

Each folder with DICOM files is one volume. They are slices of one series, and are sorted by where
they lie along the normal of their plane, whatever they are called. Overviews beside them, which the
header calls localizers, are left out, and so is a slice that is there twice with the same values.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from smd.data import axes, file_kinds, names, spacing
from smd.data.archive import Member
from smd.data.layout import Plan
from smd.data.scan import Scan, check_size
from smd.errors import UserError

SAME = 1e-5  # mm; slices nearer than this lie at one place
GATHERED = 2 * 10**9  # bytes of slices that wait for the rest of their folders
GAPS = "volumes have slices that are not evenly spaced"
MISSING = "slices are missing"  # counted one by one
OVERVIEWS = "volumes had localizers beside their slices: these are left out"
AGAIN = "volumes had slices twice, at the same place with the same values: one is used"

Files = list[tuple[str, bytes]]  # paths and contents
Item = tuple[str, Callable[[], Files]]  # the name of a row, and what its files are read with


def folded(plan: Plan) -> Plan:
    """The plan with one row for every folder of slices, named by its path; raises UserError if
    there are others than DICOM files."""
    folders(plan.names)
    row_of = {folder_of(path): row for row, path in enumerate(plan.names)}
    rows, known = list(row_of.values()), tuple(row_of)
    labels, split = plan.labels[rows], plan.split[rows]
    return replace(plan, names=known, labels=labels, split=split, files=plan.names)


def folders(paths: Sequence[str]) -> list[str]:
    """The folders that DICOM files lie in; raises UserError if there are other files."""
    for path in paths:
        if not file_kinds.is_dicom(path):
            raise UserError(
                f"'{names.visible(path)}' is no DICOM file: --volumes (on the Train page: 'Folders"
                " of slices are volumes') is for folders of these alone."
            )
    return list(dict.fromkeys(map(folder_of, paths)))


def files(plan: Plan) -> frozenset[str]:
    """All files that the rows of a plan are made of."""
    if not plan.files:
        return frozenset(plan.names)
    known = frozenset(plan.names)
    return frozenset(path for path in plan.files if folder_of(path) in known)


def folder_of(path: str) -> str:
    """The folder that a file lies in."""
    return path.rpartition("/")[0]


def single(members: Iterator[Member], row_of: Mapping[str, int]) -> Iterator[Item]:
    """The files that have a row each; each is to be read before the next is asked for."""
    for member in members:
        if member.path in row_of:
            yield member.path, partial(_one, member)


def _one(member: Member) -> Files:
    return [(member.path, member.read())]


def gathered(members: Iterator[Member], wanted: frozenset[str]) -> Iterator[Item]:
    """The folders of slices, each when the last of its files has come. wanted: all their files.

    Raises UserError if too many wait for others.
    """
    left, waiting, size = Counter(map(folder_of, wanted)), dict[str, list[Member]](), 0
    for member in members:
        if member.path not in wanted:
            continue
        folder = folder_of(member.path)
        waiting.setdefault(folder, []).append(_held(member))
        size, left[folder] = size + member.size, left[folder] - 1
        if size > GATHERED:
            raise UserError(
                "The slices of a volume lie far apart in the archive: unpack it into a folder, and"
                " give that."
            )
        if not left[folder]:
            done = waiting.pop(folder)
            size -= sum(each.size for each in done)
            yield folder, partial(_all, done)


def _held(member: Member) -> Member:
    """The member with its content, or with what is wrong with it, in memory."""
    try:
        content = member.read()
    except UserError as error:
        return replace(member, size=0, read=partial(_fail, error))
    return Member(member.path, len(content), lambda: content)


def _fail(error: UserError) -> bytes:
    raise error


def _all(members: list[Member]) -> Files:
    return [(member.path, member.read()) for member in members]


def stacked(slices: list[Scan], name: str) -> Scan:
    """The slices of one folder as a volume (C, D, H, W), sorted along the normal of their plane.

    A single file is taken as it is if it holds a volume itself. Raises UserError, with the folder's
    name, if they are not the slices of one volume.
    """
    if len(slices) == 1 and slices[0].values.ndim == 4:
        return slices[0]
    of_series = [each for each in slices if not (each.place and each.place.localizer)] or slices
    _check(of_series, name)
    placed = [(each.place.along, each) for each in of_series if each.place]
    ordered, along = _once(sorted(placed, key=lambda each: each[0]), name)
    first, steps = ordered[0], np.diff(along)
    done = ((OVERVIEWS, len(of_series) < len(slices)), (AGAIN, len(ordered) < len(of_series)))
    step = float(np.mean(steps)) if spacing.even(steps) else spacing.usual(steps)
    notes = dict.fromkeys(note for each in ordered for note in each.notes)
    flat = first.spacing if all(each.spacing == first.spacing for each in ordered) else None
    return Scan(
        np.stack([each.values for each in ordered], axis=1),
        first.unit if all(each.unit == first.unit for each in ordered) else "",
        (*notes, *(text for text, happened in done if happened)),
        first.window if all(each.window == first.window for each in ordered) else None,
        spacing=spacing.known((step, *flat)) if flat else None,
        along=() if spacing.even(steps) else tuple(along),
    )


def _check(slices: list[Scan], name: str) -> None:
    """Raise UserError unless these are slices of one volume."""
    first, why = slices[0], ""
    places = [each.place for each in slices if each.place]
    shapes = list(dict.fromkeys(each.values.shape for each in slices))
    series = len({place.series for place in places})
    if len(shapes) > 1:
        one, other = map(axes.sides, shapes[:2])
        why = f"holds slices of different sizes, such as {one} and {other}"
    elif len(places) < len(slices):
        why = "holds slices that do not say where they lie"
    elif series > 1:
        why = f"holds slices of several series ({series}, by SeriesInstanceUID)"
    elif any(np.dot(place.normal, places[0].normal) < spacing.PARALLEL for place in places):
        why = "holds slices that are not parallel"
    elif len(slices) < 2 or first.values.ndim != 3:
        why = "holds no slices of a volume"
    if why:
        raise UserError(
            f"The folder '{name}' {why}: keep the slices of one series in each folder, or train on"
            " single images."
        )
    check_size(name, (len(slices), *first.values.shape))


def _once(placed: list[tuple[float, Scan]], name: str) -> tuple[list[Scan], list[float]]:
    """The slices in the order of their places, and these, mm and ascending; of such as are there
    twice, one. Raises UserError where two are at one place with different values."""
    kept: list[tuple[float, Scan]] = []
    for along, each in placed:
        if not kept or along - kept[-1][0] > SAME:
            kept.append((along, each))
        elif not np.array_equal(each.values, kept[-1][1].values):
            raise UserError(
                f"The folder '{name}' holds two slices at the same place with different values:"
                " keep one series."
            )
    if len(kept) < 2:
        raise UserError(
            f"The folder '{name}' holds no slices of a volume, only copies of one: add the others."
        )
    return [each for _, each in kept], [along for along, _ in kept]
