"""A table of labels, read: a row is an image file, or one image of an array.

Cells are texts of anybody's: none but names of classes, of groups and of files is ever shown.
"""

import csv
import io
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from smd import paths
from smd.data import names
from smd.errors import UserError

TEXTS = (".csv", ".tsv")
ENDINGS = (*TEXTS, ".parquet")
SMALL = 20 * 10**6  # bytes
MOST_BYTES = 200 * 10**6  # of the file, and of what a .parquet says that it unpacks to
MOST_ROWS = 2_000_000
MOST_COLUMNS = 500


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
    frame = _parquet(content, title) if kind == ".parquet" else _text(content, kind, title)
    if not len(frame) or len(frame) > MOST_ROWS or len(frame.columns) > MOST_COLUMNS:
        raise UserError(
            f"{title} has {len(frame):,} rows and {len(frame.columns):,} columns: it takes 1 to"
            f" {MOST_ROWS:,} rows, of up to {MOST_COLUMNS} columns."
        )
    cells = {str(name).strip(): _cells(frame[name]) for name in frame.columns}
    return Table(title, cells, len(frame))


def _cells(column: Any) -> list[str]:
    """The texts of a column; whole numbers that a gap has made floats are whole again."""
    if column.dtype.kind == "f" and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    missing = column.isna().tolist()
    cells = zip(column.tolist(), missing, strict=True)
    return ["" if none else str(cell).strip() for cell, none in cells]


def _text(content: bytes, kind: str, title: str) -> pd.DataFrame:
    try:
        text = content[: MOST_BYTES + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{title} is not in UTF-8: save it again as CSV UTF-8.") from None
    head = text.split("\n", 1)[0]
    by = "\t" if kind == ".tsv" else max(",;\t", key=head.count)
    header = [name.strip() for name in next(csv.reader([head], delimiter=by), [])]
    if again := [name for name in header if header.count(name) > 1]:
        raise UserError(
            f"{title} has several columns called '{shown(again[0])}': give each a name of its own."
        )
    try:
        return pd.read_csv(
            io.StringIO(text), sep=by, dtype=str, keep_default_na=False, index_col=False
        )
    except (ValueError, csv.Error):  # pandas' own errors are such
        raise UserError(
            f"{title} cannot be read as a table: its first row names the columns, and every other"
            " row has a cell for each."
        ) from None


def _parquet(content: bytes, title: str) -> pd.DataFrame:
    import pyarrow
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(io.BytesIO(content))
        about = opened.metadata
        size = sum(about.row_group(k).total_byte_size for k in range(about.num_row_groups))
        if about.num_rows > MOST_ROWS or about.num_columns > MOST_COLUMNS or size > MOST_BYTES:
            raise UserError(f"{title} is too large: keep one row an image, and few columns.")
        return opened.read().to_pandas()
    except (pyarrow.ArrowException, OSError, ValueError, KeyError):
        raise UserError(f"{title} cannot be read: it is broken, or no parquet file.") from None


def shown(name: str) -> str:
    """The name of a column, as messages write it."""
    return names.visible(name)[:60]
