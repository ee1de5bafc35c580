"""One-hot labels in a table: a column of 0 and 1 for each class, and one 1 a row.

Told as label=MEL+NV+BCC, or found as columns side by side that hold nothing else. An empty cell is
a 0. Rows with no 1, several, or another cell among them have no class; rows=single leaves them out.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from smd.data import names
from smd.errors import UserError

JOINT = "+"  # between names of columns
ONES, ZEROS = ("1", "1.0", "true"), ("0", "0.0", "false", "")
SURE = 0.9  # of the rows have one 1 where columns are taken for one-hot labels unasked
NO_CLASSES = ("male", "female", "m", "f")  # columns of 0 and 1 that tell the sex
SHOWN = 60  # characters of a column's name

Columns = Mapping[str, Sequence[str]]  # name -> the cells, (n,)


def parts(label: str, columns: Columns) -> tuple[str, ...]:
    """The columns that "A+B+C" names, (label,) where it names one; a name may have "+" in it.

    () if one of them is not there.
    """
    if label in columns:
        return (label,)
    words, found, begin = label.split(JOINT), list[str](), 0
    while begin < len(words):
        ends = range(len(words), begin, -1)  # the longest name counts
        joined = {end: JOINT.join(words[begin:end]).strip() for end in ends}
        end = next((end for end, name in joined.items() if name in columns), 0)
        if not end:
            return ()
        found.append(joined[end])
        begin = end
    return tuple(found)


def guessed(columns: Columns, free: Sequence[str]) -> tuple[str, ...]:
    """The most columns side by side, of those that are `free`, that seem to be one-hot labels; ()
    if none do."""
    able = {name for name in free if _may_be_class(name, columns[name])}
    blocks = [tuple(block) for able_, block in groupby(columns, able.__contains__) if able_]
    fitting = [
        block
        for block in blocks
        if len(block) > 1 and np.mean(_ones(columns, block).sum(0) == 1) >= SURE
    ]
    return max(fitting, key=len, default=())


def _may_be_class(name: str, cells: Sequence[str]) -> bool:
    held = {cell.lower() for cell in set(cells)}
    return (
        held <= {*ONES, *ZEROS}
        and not held.isdisjoint(ONES)
        and name.lower() not in NO_CLASSES
        and "," not in name  # what is guessed is written as --columns takes it
    )


def cells(columns: Columns, hot: Sequence[str]) -> list[str]:
    """The label of each row: the column of its 1, "" where it has not one 1 among zeros."""
    ones = _ones(columns, hot)
    single = (ones.sum(0) == 1) & ~_others(columns, hot).any(0)
    which = ones.argmax(0)
    return [hot[place] if one else "" for place, one in zip(which, single, strict=True)]


def refusal(title: str, columns: Columns, hot: Sequence[str], rows: Sequence[int]) -> UserError:
    """That these rows, of which there are some, have no class, and what to do."""
    row, label = rows[0], JOINT.join(hot)
    ones, others = int(_ones(columns, hot)[:, row].sum()), _others(columns, hot)[:, row]
    what = f"has {ones or 'no'} 1{'s' * (ones > 1)} in the columns {_shown(label)}"
    if others.any():
        column = hot[int(others.argmax())]
        what = f"has something else than 0 and 1 in column '{_shown(column)}'"
    more = f", and {len(rows) - 1:,} more have no single 1 either" if len(rows) > 1 else ""
    return UserError(
        f"Row {row + 2:,} of {title} {what}{more}: an image has one class. Mend such rows, name"
        " other columns with --columns label=A+B, or leave such rows out with rows=single in"
        " --columns."
    )


def _ones(columns: Columns, hot: Sequence[str]) -> np.ndarray:
    """(columns, rows) bool."""
    return np.array([[cell.lower() in ONES for cell in columns[name]] for name in hot])


def _others(columns: Columns, hot: Sequence[str]) -> np.ndarray:
    """Which cells are neither 0 nor 1, (columns, rows) bool."""
    known = {*ONES, *ZEROS}
    return np.array([[cell.lower() not in known for cell in columns[name]] for name in hot])


def _shown(name: str) -> str:
    plain = names.visible(name)
    return plain if len(plain) <= SHOWN else f"{plain[:SHOWN]}..."
