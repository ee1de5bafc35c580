"""Which columns of a table of labels are what.

Columns are told by the user, or guessed by their names and by what is in them; what was guessed is
said.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from smd.config import parsing
from smd.data import file_kinds, matching, onehot
from smd.data.table import Table, shown
from smd.errors import UserError

LISTED = 12  # columns that a message names
SAMPLE = 500  # rows that tell which column has the files' names
# what a column is often called, in small letters and digits alone; the first one wins
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "path": (
        *("path", "file", "filename", "filepath", "imagepath", "imgpath", "imagefile", "image"),
        *("imageid", "imagename", "imageindex", "img", "imgname", "imgid", "idimage", "slice"),
    ),
    "label": (
        *("label", "labels", "class", "classname", "diagnosis", "dx", "target", "category"),
        *("finding", "findinglabels", "groundtruth", "y"),
    ),
    "patient": (
        *("patient", "patientid", "pid", "patientnr", "patientno", "patientname", "subject"),
        *("subjectid", "participant", "participantid", "caseid", "case", "mrn", "person"),
    ),
    "site": ("site", "hospital", "center", "centre", "institution", "clinic", "siteid"),
    "split": ("split", "set", "subset", "partition", "fold", "part", "datasetsplit"),
}
# a column of an image's place in an array; the last one is what pandas writes without a name
INDEX = ("index", "idx", "imageindex", "arrayindex", "rowindex", "rownumber", "row", "unnamed0")
BY = {"path": "image files", "index": "arrays"}  # the role that tells the image of a row
GROUPS: Mapping[str, tuple[str, ...]] = {  # what is said of the patient, without that word
    "sex": ("sex", "gender"),
    "age": ("agegroup", "ageband", "age"),
    "scanner": ("scanner", "device", "manufacturer", "vendor", "machine", "camera"),
}


@dataclass(frozen=True)
class Roles:
    """Which columns are what, by name; "" where none is."""

    path: str  # of the files' names; of arrays that of the images' places, "" for their order
    label: str = ""  # of one-hot columns their names with "+" between
    patient: str = ""
    split: str = ""
    groups: tuple[tuple[str, str], ...] = ()  # (kind, column): the site is one of them
    guessed: tuple[str, ...] = ()  # "label=dx": those that nobody has told
    hot: tuple[str, ...] = ()  # the one-hot columns, if labels are such
    single: bool = False  # of these, rows without a single 1 are left out
    by: str = "path"  # what tells the image of a row; of arrays "index"

    def words(self) -> str:
        """As the option --columns takes them."""
        pairs = [(self.by, self.path)]
        pairs += [(role, getattr(self, role)) for role in ("label", "patient", "split")]
        pairs += [("site" if kind == "site" else "group", name) for kind, name in self.groups]
        pairs += [("rows", parsing.SINGLE)] if self.single else []
        return ",".join(f"{role}={name}" for role, name in pairs if name)


def of_files(table: Table, columns: str, paths: Sequence[str]) -> Roles:
    """Which columns are what: those that `columns` tells (smd.config.parsing.columns), the others
    guessed. paths: of the image files, or folders of slices. Raises UserError for a column that
    there is not, or if none has the files' names."""
    return _roles(table, columns, "path", lambda free: _of_files(table, free, paths))


def of_arrays(table: Table, columns: str) -> Roles:
    """The same, where a row is one image of an array."""
    return _roles(table, columns, "index", lambda free: _of_places(table, free))


def _roles(table: Table, columns: str, by: str, find: Callable[[Sequence[str]], str]) -> Roles:
    """by: the role that tells the image of a row; find: its column among those that are left."""
    told = parsing.columns(columns)
    if other := next((role for role, _ in told if role in BY and role != by), ""):
        raise UserError(
            f"'{other}=' in --columns is for {BY[other]}: for {BY[by]} write {by}=NAME."
        )
    known = {role: name for role, name in told if role != "group"}
    hot = onehot.parts(known["label"], table.columns) if known.get("label") else ()
    _check_named(table, told, hot)
    named = {name for _, name in told} | set(hot)
    free = [name for name in table.columns if name not in named]
    path = known.get(by) or (find(free) if by == "path" or by not in known else "")
    free = [name for name in free if name != path]
    guessed, called = {by: path} if path else {}, _by_names(table, free)
    if "label" not in known | called:
        left = [name for name in free if name not in called.values()]
        hot = onehot.guessed(table.columns, left)
        guessed |= {"label": onehot.JOINT.join(hot)} if hot else {}
    guessed |= called
    found = {role: known.get(role, guessed.get(role, "")) for role in SYNONYMS}
    listed = [name for role, name in told if role == "group"]
    alone = (role for role in guessed if role not in known and not (role in GROUPS and listed))
    return Roles(
        *(path, found["label"], found["patient"], found["split"]),
        groups=_groups(found["site"], listed, guessed),
        guessed=tuple(f"{role}={shown(guessed[role])}" for role in alone),
        hot=hot if len(hot) > 1 else (),
        single=known.get("rows") == parsing.SINGLE,
        by=by,
    )


def _check_named(table: Table, told: Sequence[tuple[str, str]], hot: Sequence[str]) -> None:
    """Raise UserError where a column is told that there is not. hot: those of the label."""
    for role, name in told:
        there = name in table.columns or role == "rows" or (role == "label" and hot)
        if name and not there:
            raise UserError(f"{table.title} has no column '{shown(name)}': {_choices(table)}.")


def _groups(
    site: str, listed: Sequence[str], guessed: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """(kind, column) of the site and of the groups that are listed, or else guessed; once each."""
    groups = [("site", site)] if site else []
    groups += [(_kind(name), name) for name in listed if name]
    if not listed:
        groups += [(kind, guessed[kind]) for kind in GROUPS if kind in guessed]
    return tuple(dict.fromkeys(groups))


def _kind(column: str) -> str:
    """What a group is called: sex, age, scanner, or as the column is."""
    kinds = (kind for kind, words in GROUPS.items() if _plain(column) in words)
    return next(kinds, shown(column))


def _plain(name: str) -> str:
    """A column's name in small letters and digits alone, "patient_age" as "age"."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    about = {word for words in GROUPS.values() for word in words}
    inside = plain.removeprefix("patient")
    return inside if inside in about else plain


def _by_names(table: Table, free: Sequence[str]) -> dict[str, str]:
    """The columns that are called as such columns are, by role."""
    called: dict[str, str] = {}
    for name in reversed(free):  # of two that are called alike the first one counts
        called[_plain(name)] = name
    found = {}
    for role, words in [*SYNONYMS.items(), *GROUPS.items()]:
        fitting = [called[word] for word in words if word in called]
        if role == "split":  # a number of a fold is none
            fitting = [name for name in fitting if _are_splits(table.columns[name])]
        if fitting and role != "path":
            found[role] = fitting[0]
    return found


def _are_splits(cells: Sequence[str]) -> bool:
    return all(file_kinds.split_of(cell) is not None for cell in set(cells))


def _of_files(table: Table, free: Sequence[str], paths: Sequence[str]) -> str:
    """The column that has the files' names, by what is in it, then by what it is called."""
    index = matching.Index(paths)
    hits = {name: index.hits(table.columns[name][:SAMPLE]) for name in free}
    called = {_plain(name): name for name in reversed(free)}
    usual = [called[word] for word in SYNONYMS["path"] if word in called]
    order = [*usual, *(name for name in free if name not in usual)]
    best = max(order, key=lambda name: hits[name], default="")
    if best and hits[best]:
        return best
    if usual:
        return usual[0]
    raise UserError(
        f"No column of {table.title} has names of the images: {_choices(table)}, and say which has"
        " them with --columns path=NAME."
    )


def _of_places(table: Table, free: Sequence[str]) -> str:
    """The column that is called like a place in an array, and has whole numbers; "" if none is."""
    called = {_plain(name): name for name in reversed(free)}
    usual = (called[word] for word in INDEX if word in called)
    whole = (name for name in usual if all(map(is_whole, filter(None, table.columns[name]))))
    return next(whole, "")


def is_whole(cell: str) -> bool:
    """Whether a cell is a whole number that a place in an array can be."""
    return cell.isascii() and cell.isdigit() and len(cell) < 10


def _choices(table: Table) -> str:
    listed = ", ".join(f"'{shown(name)}'" for name in list(table.columns)[:LISTED])
    more = f" and {len(table.columns) - LISTED} more" if len(table.columns) > LISTED else ""
    return f"its columns are {listed}{more}"


def no_label(table: Table) -> UserError:
    """That no column is known to have the labels."""
    return UserError(
        f"No column of {table.title} is called like a label, and the images have none of their own:"
        f" {_choices(table)}, say which it is with --columns label=NAME, or label=A+B+C"
        " where each class has a column of 0 and 1."
    )
