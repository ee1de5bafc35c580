"""From a table of labels to classes, splits, patients and groups: which file becomes which row.

Images may lie in any folders. Every row without a file, file without a row, row that is there twice
and row without a label is counted and said.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

import numpy as np

from smd.data import columns, facts, file_kinds, layout, matching, names, onehot, series
from smd.data.columns import Roles
from smd.data.facts import Facts
from smd.data.file_kinds import split_of
from smd.data.layout import Plan
from smd.data.request import Request
from smd.data.split import TRAIN
from smd.data.table import Table
from smd.errors import UserError

MOST_CLASSES = 1_000
MOST_UNIQUE = 20  # classes, from which on they may be no more than half of the images
LONGEST = 100  # characters of a class's name
NAMED = 3  # files that a message names
WRONG = 0.5  # of the rows and of the files: with fewer together, it is another table
Rows = Mapping[str, int]  # path of an image file -> its row in the table


def plan(paths: Iterable[str], where: str, request: Request, read: Table) -> Plan:
    """The classes and splits of the files in `where` as the table has them; folders end with
    "/". Classes and splits are those of the folders where no column has labels.

    Raises UserError if table and files do not fit: nothing matches, rows contradict each other,
    there is one class alone, a split is none.
    """
    listed = list(paths)
    files = file_kinds.of_first_kind(path for path in listed if not names.of_system(path))
    if not files:
        return layout.plan(listed, where)  # which says what is there instead
    images = series.folders(files) if request.volumes else files
    roles = columns.of_files(read, request.columns, images)
    read = with_labels(read, roles)
    found = matching.Index(images).of(read.columns[roles.path])
    rows, notes = matched(read, roles, images, found, where)
    if roles.label:
        made = labelled(read, roles, rows)
        made = replace(made, files=tuple(files)) if request.volumes else made
    else:
        made = _by_folders(read, roles, rows, listed, where, request.volumes)
    known, said = facts_of(read, roles, [rows[path] for path in made.names])
    hidden = [_telling_names(read, roles, rows)] if roles.patient else []
    notes = [*guesses(roles), *notes, *said, *filter(None, hidden)]
    return replace(made, notes=(*notes, *made.notes), facts=known)


def guesses(roles: Roles) -> list[str]:
    """Which columns were guessed, in a sentence; [] if none was."""
    said = f"Columns guessed: {', '.join(roles.guessed)}; --columns tells others."
    return [said] if roles.guessed else []


def with_labels(read: Table, roles: Roles) -> Table:
    """The table with a column of the labels that one-hot columns tell."""
    if not roles.hot:
        return read
    labels = onehot.cells(read.columns, roles.hot)
    return replace(read, columns={**read.columns, roles.label: labels})


def matched(
    read: Table, roles: Roles, images: Sequence[str], found: Sequence[str], where: str
) -> tuple[dict[str, int], list[str]]:
    """The row of each image that has one with a label, and what is left out, each a sentence.

    found: the image of each row, "" where there is none.
    """
    rows: dict[str, int] = {}
    again, unlabelled = 0, list[int]()
    for row, path in enumerate(found):
        if path in rows:
            again += 1
            _refuse_contradiction(read, roles, path, rows[path], row)
        elif path and roles.label and not read.columns[roles.label][row]:
            unlabelled.append(row)
        elif path:
            rows[path] = row
    there = len(set(filter(None, found)))
    if there < WRONG * read.n and there < WRONG * len(images):
        raise _unlike(read, roles, images, there, where)
    if roles.hot and unlabelled and not roles.single:
        raise onehot.refusal(read.title, read.columns, roles.hot, unlabelled)
    lacks = "single 1 in the columns of the classes" if roles.hot else "label"
    counts = (
        (found.count(""), "row{s} of the table {has} no image: left out."),
        (len(images) - there, "image{s} {has} no row in the table: left out."),
        (again, "row{s} of the table {is} there again: left out."),
        (len(unlabelled), f"row{{s}} of the table {{has}} no {lacks}: left out."),
    )
    return rows, [_counted(n, text) for n, text in counts if n]


def _counted(n: int, text: str) -> str:
    forms = ("", "has", "is") if n == 1 else ("s", "have", "are")
    return f"{n:,} " + text.format(**dict(zip(("s", "has", "is"), forms, strict=True)))


def _refuse_contradiction(read: Table, roles: Roles, path: str, one: int, two: int) -> None:
    for name in filter(None, (roles.label, roles.patient, roles.split)):
        if read.columns[name][one] != read.columns[name][two]:
            raise UserError(
                f"Rows {one + 2:,} and {two + 2:,} of {read.title} are both of"
                f" '{names.visible(path)}' and differ in column '{names.visible(name)}': keep one"
                " row an image."
            )


def _unlike(read: Table, roles: Roles, images: Sequence[str], there: int, where: str) -> UserError:
    cell, path = matching.closest(read.columns[roles.path], images)
    near = f", closest are '{names.end(cell)}' and '{names.end(path)}'" if cell else ""
    return UserError(
        f"Only {there:,} of {read.n:,} rows of {read.title} are of one of the {len(images):,}"
        f" images in {where} by column '{names.visible(roles.path)}'{near}: give the right table,"
        " or say which column has the files with --columns path=NAME."
    )


def labelled(read: Table, roles: Roles, rows: Rows) -> Plan:
    """The plan by the labels, and the splits if there are any, sorted by split, class, path."""
    cells = read.columns[roles.label]
    held = {cells[row] for row in rows.values()}
    # so that one that is too long is seen to be, and takes no time
    titles = {cell: names.visible(cell[: LONGEST + 1]) for cell in held}
    _check_classes(read, roles, set(titles.values()), len(rows))
    classes = sorted(set(titles.values()), key=_in_order)
    label_of = {title: label for label, title in enumerate(classes)}
    order = sorted(
        (split_at(read, roles, row), label_of[titles[cells[row]]], path)
        for path, row in rows.items()
    )
    split, labels, paths = (list(column) for column in zip(*order, strict=True))
    notes = _missing(classes, split, labels) + (() if roles.split else _undivided(rows))
    notes += _without_images(roles, held)
    return Plan(
        tuple(classes), tuple(paths), np.array(labels), np.array(split), notes, in_folders=False
    )


def _in_order(title: str) -> tuple[int, int, str]:
    """Numbers as numbers, before texts."""
    whole = title.isascii() and title.isdigit()
    return (not whole, int(title) if whole else 0, title)


def _check_classes(read: Table, roles: Roles, classes: Set[str], images: int) -> None:
    column = f"Column '{names.visible(roles.label)}' of {read.title}"
    other = "say which has the labels with --columns label=NAME"
    if len(classes) < 2:
        raise UserError(f"{column} has only one label: add images of another, or {other}.")
    if len(classes) > MOST_CLASSES or len(classes) > max(MOST_UNIQUE, images / 2):
        raise UserError(
            f"{column} has {len(classes):,} different labels for {images:,} images, too many for"
            f" classes: {other}."
        )
    if max(map(len, classes)) > LONGEST:
        raise UserError(f"{column} has labels of more than {LONGEST} characters: {other}.")


def split_at(read: Table, roles: Roles, row: int) -> int:
    """The split of a row, TRAIN where the table has none; raises UserError if it is none."""
    if not roles.split:
        return TRAIN
    split = split_of(read.columns[roles.split][row])
    if split is None:
        raise UserError(
            f"Row {row + 2:,} of {read.title} has no split that is known in column"
            f" '{names.visible(roles.split)}': write train, val or test in every row, or 'split='"
            " in --columns to have splits drawn."
        )
    return split


def _undivided(paths: Iterable[str]) -> tuple[str, ...]:
    """That folders which are called like splits are none, where the table has none."""
    folders = {part for path in paths for part in path.split("/")[:-1]}
    called = sorted(part for part in folders if split_of(part) is not None)
    if len({split_of(part) for part in called}) < 2:
        return ()
    return (
        f"Folders called {', '.join(map(names.visible, called[:NAMED]))} are not taken for splits,"
        " as the table has labels but no splits: splits are drawn anew; a column of splits would"
        " keep them.",
    )


def _missing(
    classes: Sequence[str], split: Sequence[int], labels: Sequence[int]
) -> tuple[str, ...]:
    """The classes that a split of the table has no image of, in words."""
    there = set(zip(split, labels, strict=True))
    titles = ("training", "validation", "test")
    gone = [(s, k) for s in sorted(set(split)) for k in range(len(classes)) if (s, k) not in there]
    if not gone:
        return ()
    some = ", ".join(f"'{classes[k]}' among the {titles[s]} images" for s, k in gone[:NAMED])
    more = f" and {len(gone) - NAMED} more" if len(gone) > NAMED else ""
    return (f"The table has no {some}{more}.",)


def _without_images(roles: Roles, labels: set[str]) -> tuple[str, ...]:
    """The one-hot columns that are no classes, as no image has its 1 there, in words."""
    gone = [names.visible(name) for name in roles.hot if name not in labels]
    if not gone:
        return ()
    shown = ", ".join(f"'{name}'" for name in gone[:NAMED])
    more = f" and {len(gone) - NAMED} more" if len(gone) > NAMED else ""
    return (f"No image has a 1 in {shown}{more}: not taken for classes.",)


def _by_folders(
    read: Table, roles: Roles, rows: Rows, listed: Sequence[str], where: str, volumes: bool
) -> Plan:
    """The plan by the class folders, of the files that have a row, or of volumes, the folders."""
    try:
        plan = layout.plan(listed, where)
    except UserError:
        raise columns.no_label(read) from None
    plan = series.folded(plan) if volumes else plan
    if roles.split:
        raise UserError(
            f"{read.title} has splits but no labels: say which column has the labels with"
            " --columns label=NAME, or 'split=' to have the folders' splits."
        )
    return plan.only(np.array([path in rows for path in plan.names]))


def facts_of(read: Table, roles: Roles, rows: Sequence[int]) -> tuple[Facts, list[str]]:
    """Patients, hashed, and groups of the rows, and what is to be said of them."""
    said, kept = [], {}
    cells = read.columns[roles.patient] if roles.patient else []
    patients = [cells[row] for row in rows] if cells else []
    if not any(patients):
        patients = []
    if patients and (unknown := patients.count("")):
        said.append(
            f"{unknown:,} of {len(rows):,} images have no patient in the table: each counts as one"
            " of its own."
        )
    for kind, column in roles.groups[: facts.MOST_GROUPS]:
        name = names.visible(kind)[: facts.LONGEST]
        held = (read.columns[column][row][: facts.LONGEST] for row in rows)
        values = [names.visible(cell)[: facts.LONGEST] for cell in held]
        values, how = _grouped(name, values)
        if why := _no_group(values, patients):
            said.append(f"Column '{names.visible(column)[:60]}' is left out: {why}.")
        elif any(values):
            kept[name] = tuple(values)
            said += [how] if how else []
    return Facts(facts.hashed(patients), kept), said


def _grouped(name: str, values: list[str]) -> tuple[list[str], str]:
    """The values as they are kept, and what was done: ages become decades."""
    ages = {value for value in values if value}
    if name != "age" or len(ages) <= facts.MOST_VALUES or not all(map(_is_age, ages)):
        return values, ""
    decade = lambda value: min(int(float(value)) // 10 * 10, 90)  # noqa: E731
    bands = {value: f"{decade(value)}-{decade(value) + 9}" for value in ages}
    bands |= {value: "90 and more" for value in ages if decade(value) == 90} | {"": ""}
    return [bands[value] for value in values], "Ages are kept in decades."


def _is_age(text: str) -> bool:
    whole, _, rest = text.partition(".")
    return whole.isascii() and whole.isdigit() and len(whole) <= 3 and (not rest or rest.isdigit())


def _no_group(values: Sequence[str], patients: Sequence[str]) -> str:
    """Why a column is no group; "" if it is one."""
    distinct = set(values) - {""}
    if len(distinct) > facts.MOST_VALUES:
        return f"it has {len(distinct):,} different values, a group has up to {facts.MOST_VALUES}"
    pairs = {pair for pair in zip(values, patients, strict=False) if all(pair)}
    if len(distinct) > 2 and len(pairs) == len(distinct) == len({who for _, who in pairs}):
        return "it tells the patients apart one by one"
    return ""


def _telling_names(read: Table, roles: Roles, rows: Rows) -> str:
    """That files are called like their patients, as their names are kept; "" if they are not."""
    cells = read.columns[roles.patient]
    telling = sum(len(cells[row]) > 2 and cells[row] in path for path, row in rows.items())
    if not telling:
        return ""
    return (
        f"The names of {telling:,} files have in them what the table calls the patient: names of"
        " files are kept and shown, rename the files if they should not be."
    )
