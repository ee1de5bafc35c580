"""A table of labels for a file of arrays: a row is one image, by its place or in their order.

Places count from 0 over all images of the file, those to train on first, then those for validation
and testing. Images keep their order; such as have no row or no label are left out.
"""

from dataclasses import dataclass

import numpy as np

from smd.data import columns, table, tabled
from smd.data.columns import Roles
from smd.data.facts import Facts
from smd.data.table import Table, shown
from smd.errors import UserError


@dataclass(frozen=True, eq=False)
class Assigned:
    """What the table says of the N images of a file."""

    kept: np.ndarray  # (N,) bool: the images that are not left out
    split: np.ndarray  # (N,) int64, 0 train, 1 val, 2 test
    # (N,) int64, 0 where an image is left out, and their names; None where the file's labels count
    labels: np.ndarray | None
    classes: tuple[str, ...]
    facts: Facts  # of the kept images, in their order
    notes: tuple[str, ...]


def assigned(labels: str, asked: str, split: np.ndarray, where: str, labelled: bool) -> Assigned:
    """labels: the table's path; asked: its columns, as --columns takes them; split: (N,), as the
    file has them; labelled: it has labels, too.

    Raises UserError if table and file do not fit: another number of rows, places that are none, no
    labels at all, or splits that are not the file's.
    """
    read, n = table.read(labels), len(split)
    roles = columns.of_arrays(read, asked)
    if not roles.label and not labelled:
        raise columns.no_label(read)
    read = tabled.with_labels(read, roles)
    images = [str(place) for place in range(n)]
    rows, notes = tabled.matched(read, roles, images, _places(read, roles, n, where), where)
    kept = np.array([name in rows for name in images])
    values, classes, said = _labels(read, roles, rows, n)
    if roles.label and labelled:
        notes.insert(0, "The labels are those of the table; those of the file are not used.")
    ordered = [rows[name] for name in images if name in rows]
    known, told = tabled.facts_of(read, roles, ordered)
    notes = [*tabled.guesses(roles), *notes, *told, *said]
    return Assigned(
        kept, _splits(read, roles, rows, split, where), values, classes, known, tuple(notes)
    )


def _places(read: Table, roles: Roles, n: int, where: str) -> list[str]:
    """The place of each row's image, "" where the row has none."""
    if not roles.path:
        if read.n != n:
            raise UserError(
                f"{read.title} has {read.n:,} rows, and {where} {n:,} images: give each image a row"
                " in their order, or a column with their places from 0 on and --columns index=NAME."
            )
        return [str(row) for row in range(n)]
    cells = read.columns[roles.path]
    for row, cell in enumerate(cells):
        if cell and not (columns.is_whole(cell) and int(cell) < n):
            raise UserError(
                f"Row {row + 2:,} of {read.title} has no place of an image in column"
                f" '{shown(roles.path)}': write whole numbers from 0 to {n - 1:,}, as there are"
                f" {n:,} images in {where}, or 'index=' in --columns to go by their order."
            )
    return [str(int(cell)) if cell else "" for cell in cells]


def _labels(
    read: Table, roles: Roles, rows: tabled.Rows, n: int
) -> tuple[np.ndarray | None, tuple[str, ...], tuple[str, ...]]:
    """The label of each image, the classes, and what is to be said of them; None, (), () where the
    table has no labels."""
    if not roles.label:
        return None, (), ()
    plan = tabled.labelled(read, roles, rows)
    labels = np.zeros(n, np.int64)
    labels[[int(name) for name in plan.names]] = plan.labels
    return labels, plan.classes, plan.notes


def _splits(
    read: Table, roles: Roles, rows: tabled.Rows, split: np.ndarray, where: str
) -> np.ndarray:
    """The split of each image: the table's, or the file's where the table has none."""
    found = split.astype(np.int64)
    for name, row in rows.items() if roles.split else ():
        found[int(name)] = tabled.split_at(read, roles, row)
    kept = [int(name) for name in rows]
    if len(set(split.tolist())) > 1 and (found != split)[kept].any():
        raise UserError(
            f"{where} has training, validation or test images of its own, and {read.title} has"
            " others: write 'split=' in --columns to have those of the file."
        )
    return found
