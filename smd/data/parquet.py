"""The columns of a .parquet file as texts, with no more memory than a table of labels needs.

A few bytes can claim a page of gigabytes, or one long text in every row. So the pages are looked at
before they are unpacked, texts are counted before they are repeated, and nothing is believed that
the file says of itself as a whole.
"""

import io
from dataclasses import dataclass, field
from typing import Any

from smd.data import names, parquet_pages
from smd.errors import UserError
from smd.files import foreign

BATCH = 8_192  # rows that are unpacked at once
WIDEST = 4_096  # bytes of a cell of fixed length
EXACT = 2**53  # up to here every whole number has a float64 of its own


@dataclass(frozen=True)
class Bounds:
    """What a table may have."""

    rows: int
    columns: int
    cells: int
    size: int  # bytes of all texts, and of what is unpacked


@dataclass
class _Taken:
    """What has been read so far."""

    cells: list[list[Any]] = field(default_factory=list)  # a list a column
    size: int = 0  # bytes of texts
    rows: int = 0


def columns(content: bytes, title: str, bounds: Bounds) -> list[tuple[str, list[str]]]:
    """(name, cells) of each column; "" where there is nothing. Raises UserError if it is broken,
    too large, or holds what is no cell."""
    with foreign.readable(
        f"{title} cannot be read: it is broken, or no parquet file", "save again"
    ):
        return _columns(content, title, bounds)


def _columns(content: bytes, title: str, bounds: Bounds) -> list[tuple[str, list[str]]]:
    from pyarrow import parquet

    about = parquet.read_metadata(io.BytesIO(content))
    too_large = UserError(f"{title} is too large: keep one row an image, and few columns.")
    rows = max(
        about.num_rows, sum(about.row_group(k).num_rows for k in range(about.num_row_groups))
    )
    if about.num_columns > bounds.columns or rows > bounds.rows:
        raise too_large
    if rows * about.num_columns > bounds.cells:
        raise too_large
    parquet_pages.check(content, about, title, bounds.size, bounds.rows)
    schema = parquet.ParquetFile(io.BytesIO(content)).schema_arrow
    for column in schema:
        _check_kind(column, title)
    texts = [column.name for column in schema if _is_text(column.type)]
    opened = parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts)
    taken = _Taken([[] for _ in schema])
    for batch in opened.iter_batches(batch_size=BATCH, use_threads=False):
        taken.rows += batch.num_rows
        for cells, column, kind in zip(taken.cells, batch.columns, schema, strict=True):
            cells.extend(_cells(column, kind.name, taken, title, bounds))
        if taken.rows > bounds.rows:
            raise too_large
    return [(kind.name, _plain(cells)) for kind, cells in zip(schema, taken.cells, strict=True)]


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or str(kind) in ("string_view", "binary_view")
    )


def _check_kind(column: Any, title: str) -> None:
    """Raise UserError unless a cell of the column is one text or number of a length that is
    known."""
    from pyarrow import types

    kind = column.type
    inner = kind.value_type if types.is_dictionary(kind) else kind
    if _is_text(kind) or types.is_null(kind):
        return
    fixed = types.is_primitive(inner) or types.is_decimal(inner)
    narrow = types.is_fixed_size_binary(inner) and inner.byte_width <= WIDEST
    if not (fixed or narrow):
        raise UserError(
            f"{title} has in column '{names.visible(column.name[:60])}' something else than texts"
            " or numbers: save it without that column."
        )


def _cells(column: Any, name: str, taken: _Taken, title: str, bounds: Bounds) -> list[Any]:
    """The texts or values of some rows, None where there is nothing."""
    from pyarrow import types

    if not types.is_dictionary(column.type):
        values = column.to_pylist()
        taken.size += sum(len(value) for value in values if isinstance(value, str | bytes))
        _check_size(taken, title, bounds)
        return [_decoded(value, name, title) for value in values]
    places = column.indices
    used = places.unique().drop_null()
    # in the bounds: each is there once, in pages that were looked at
    held = dict(zip(used.to_pylist(), column.dictionary.take(used).to_pylist(), strict=True))
    listed = places.to_pylist()
    lengths = {at: len(text) for at, text in held.items() if isinstance(text, str | bytes)}
    taken.size += sum(lengths.get(at, 0) for at in listed)
    _check_size(taken, title, bounds)
    known = {at: _decoded(text, name, title) for at, text in held.items()}
    return [known.get(at) for at in listed]


def _check_size(taken: _Taken, title: str, bounds: Bounds) -> None:
    if taken.size > bounds.size:
        raise UserError(
            f"{title} has more than {bounds.size // 10**6} MB of texts: keep one row an image, and"
            " few columns."
        )


def _decoded(value: Any, name: str, title: str) -> Any:
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        raise UserError(
            f"{title} has in column '{names.visible(name[:60])}' bytes that are no text in UTF-8:"
            " save it without that column, or as text."
        ) from None


def _plain(values: list[Any]) -> list[str]:
    """As texts; whole numbers that a gap has made floats are whole again."""
    floats = [value for value in values if isinstance(value, float) and value == value]
    whole = all(value.is_integer() and abs(value) <= EXACT for value in floats)
    texts = {value: _text(value, whole) for value in set(values)}  # each is there once
    return [texts[value] for value in values]


def _text(value: Any, whole: bool) -> str:
    if value is None or value != value:  # NaN, NaT
        return ""
    return str(int(value) if whole and isinstance(value, float) else value).strip()
