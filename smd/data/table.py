"""A table of labels, read: a row is an image file, or one image of an array.

Cells are texts of anybody's: none but names of classes, of groups and of files is ever shown.
"""

import csv
import io
import stat
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from smd import paths
from smd.data import names, parquet
from smd.errors import UserError

TEXTS = (".csv", ".tsv")
ENDINGS = (*TEXTS, ".parquet")
SMALL = 20 * 10**6  # bytes
MOST_BYTES = 200 * 10**6  # of the file, and of what a .parquet unpacks to
MOST_ROWS = 2_000_000
MOST_COLUMNS = 500
MOST_CELLS = 20_000_000
LONGEST = 2**17  # characters of the row that names the columns
BOUNDS = parquet.Bounds(MOST_ROWS, MOST_COLUMNS, MOST_CELLS, MOST_BYTES)


@dataclass(frozen=True, eq=False)
class Table:
    """The cells of a table as texts, without blanks around them; "" where there is nothing."""

    title: str  # as messages call it
    columns: Mapping[str, list[str]]  # name -> (n,)
    n: int


def find(path: str) -> Path:
    """The table at that path; raises UserError if there is none, or it is too large."""
    try:
        file = paths.given(path)
        about = file.stat()
    except (OSError, UserError):
        raise UserError(f"There is no file {names.visible(path)}: check the path.") from None
    shown = names.visible(str(file))
    if not file.name.lower().endswith(ENDINGS):
        raise UserError(f"{shown} is no table: save it as one of {', '.join(ENDINGS)}.")
    if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
        raise UserError(
            f"{shown} is no file of up to {MOST_BYTES // 10**6} MB: keep one row an image in it."
        )
    return file


def stamp(path: str) -> str:
    """What changes when the table does. Raises UserError as `find`."""
    about = find(path).stat()
    return f"{about.st_size} {about.st_mtime_ns}"


def is_small_text(path: str) -> bool:
    """Whether a page may read it by itself. Raises UserError as `find`."""
    file = find(path)
    return file.suffix.lower() in TEXTS and file.stat().st_size <= SMALL


def read(path: str) -> Table:
    """The table at that path; raises UserError if it cannot be read, or has too many rows."""
    file = find(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(
            f"'{names.visible(file.name)}' cannot be read: {error.strerror or 'it is broken'}."
        ) from None
    return parsed(file.name, content)


def parsed(name: str, content: bytes) -> Table:
    """The table in the content of a file of that name; UserError as `read`."""
    title, kind = f"'{names.visible(name)}'", Path(name.lower()).suffix
    found = (
        parquet.columns(content, title, BOUNDS)
        if kind == ".parquet"
        else _text(content, kind, title)
    )
    _check_header([name for name, _ in found], title)
    rows = len(found[0][1]) if found else 0
    if not rows or rows > MOST_ROWS or rows * len(found) > MOST_CELLS:
        raise UserError(
            f"{title} has {rows:,} rows and {len(found):,} columns, or more: it takes 1 to"
            f" {MOST_ROWS:,} rows, of up to {MOST_COLUMNS} columns, and {MOST_CELLS:,} cells."
        )
    return Table(title, {name.strip(): cells for name, cells in found}, rows)


def _check_header(header: list[str], title: str) -> None:
    """Raise UserError where there are too many columns, or two have one name."""
    if len(header) > MOST_COLUMNS:
        raise UserError(
            f"{title} has {len(header):,} columns: it takes up to {MOST_COLUMNS}, keep those that"
            " tell of the images."
        )
    counts = Counter(name.strip() for name in header)
    if again := [name for name, count in counts.items() if count > 1]:
        raise UserError(
            f"{title} has several columns called '{shown(again[0])}': give each a name of its own."
        )


def _text(content: bytes, kind: str, title: str) -> list[tuple[str, list[str]]]:
    try:
        text = content[: MOST_BYTES + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{title} is not in UTF-8: save it again as CSV UTF-8.") from None
    stream = io.StringIO(text, newline=None)  # all line ends become the usual one
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of cells that are lost
            return _delimited(stream, kind, title)
    except (ValueError, csv.Error, pd.errors.ParserWarning):  # pandas' own errors are the first
        raise UserError(
            f"{title} cannot be read as a table: its first row names the columns, and every other"
            " row has a cell for each."
        ) from None


def _delimited(stream: io.StringIO, kind: str, title: str) -> list[tuple[str, list[str]]]:
    """(name, cells) of each column of a text; raises ValueError, csv.Error or a warning of pandas
    where it is no table."""
    begin = io.StringIO(stream.read(LONGEST))
    head = begin.getvalue().lstrip("\n").split("\n", 1)[0]
    by = "\t" if kind == ".tsv" else max(",;\t", key=head.count)
    header = next(filter(None, csv.reader(begin, delimiter=by)), [])
    if begin.tell() == LONGEST:
        raise ValueError("a first row without an end")
    stream.seek(begin.tell())
    _check_header(header, title)
    if not header:
        return []
    most = min(MOST_ROWS, MOST_CELLS // len(header)) + 1  # so that more are seen to be too many
    frame = pd.read_csv(
        stream,
        sep=by,
        header=None,
        names=range(len(header) + 1),
        index_col=False,
        nrows=most,
        dtype=str,
        keep_default_na=False,
    )
    cells = [frame[place].fillna("").str.strip().tolist() for place in frame.columns]
    if any(cells.pop()):  # a delimiter at the end of each row is usual, a cell behind it is not
        raise ValueError("more cells than columns")
    return list(zip(header, cells, strict=True))


def shown(name: str) -> str:
    """The name of a column, as messages write it."""
    return names.visible(name)[:60]
