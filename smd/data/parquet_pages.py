"""How much the pages of a .parquet file unpack to, by the header of each page.

The file's footer tells it too, but whoever reads the pages goes by their own headers, which are
small structures in Thrift's compact protocol between the packed values.
"""

from collections.abc import Iterator
from typing import Any

from smd.errors import UserError

DATA, DICTIONARY, DATA_2 = 0, 2, 3  # kinds of pages
# where each stands in the header of such a page, and in that the encoding
INNER = {DATA: (5, 2), DICTIONARY: (7, 2), DATA_2: (8, 4)}
# ways of writing texts by what they share with those before (7), or by runs of lengths (6): a few
# bytes can be many or long ones
DELTAS = (6, 7)
MOST_PAGES = 200_000  # pages without values can be in the same place for every column
DEEPEST = 8  # structures within structures
Fields = dict[int, Any]


def check(content: bytes, about: Any, title: str, most: int, rows: int) -> None:
    """Raise UserError where the pages unpack to more than `most` bytes or `rows` rows; about: what
    pyarrow reads from the footer."""
    total = pages = 0
    for group in range(about.num_row_groups):
        for column in range(about.num_columns):
            for header in _headers(content, about.row_group(group).column(column)):
                pages, total = pages + 1, total + _unpacked(header, title, rows)
                if total > most or pages > MOST_PAGES:
                    raise UserError(f"{title} is too large: keep one row an image, few columns.")


def _headers(content: bytes, chunk: Any) -> Iterator[Fields]:
    """Those of the pages of a column in a group of rows, as Arrow comes to them."""
    at, seen = chunk.data_page_offset, 0
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < at:
        at = chunk.dictionary_page_offset
    end = min(len(content), at + chunk.total_compressed_size)
    while seen < chunk.num_values and 0 <= at < end:
        header, at = _fields(content, at)
        if header[3] < 0:
            raise ValueError("a page of less than nothing")
        yield header
        seen += 0 if header[1] == DICTIONARY else _inner(header).get(1, 0)
        at += header[3]


def _inner(header: Fields) -> Fields:
    """What is said of the values in the page."""
    inner = header.get(INNER.get(header[1], (0, 0))[0], Fields())
    return inner if isinstance(inner, dict) else Fields()


def _unpacked(header: Fields, title: str, rows: int) -> int:
    """Bytes that a page unpacks to."""
    size, inner = int(header[2]), _inner(header)
    most = size if header[1] == DICTIONARY else rows  # a text in a dictionary has a length at least
    if size < 0 or not 0 <= inner.get(1, 0) <= most:
        raise ValueError("a page of more values than it can have")
    if header[1] in INNER and inner.get(INNER[header[1]][1]) in DELTAS:
        raise UserError(
            f"{title} has texts in the encoding DELTA_BYTE_ARRAY or DELTA_LENGTH_BYTE_ARRAY, which"
            " is not read: save it with another one, as pandas' to_parquet does."
        )
    return size


def _fields(content: bytes, at: int, depth: int = 0) -> tuple[Fields, int]:
    """The fields of a structure by their numbers, and where it ends."""
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    fields, number = Fields(), 0
    while kind := content[at]:
        at += 1
        if step := kind >> 4:
            number += step
        else:
            number, at = _integer(content, at)
        fields[number], at = _value(content, at, kind & 15, depth)
    return fields, at + 1


def _value(content: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (1, 2):  # true, false: in the kind itself
        return kind == 1, at
    if kind == 3:
        return content[at], at + 1
    if kind in (4, 5, 6):
        return _integer(content, at)
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = _varint(content, at)
        return None, at + length
    if kind == 12:
        return _fields(content, at, depth + 1)
    raise ValueError("no header of a page")  # lists and maps: there are none in one


def _integer(content: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(content, at)
    return value >> 1 ^ -(value & 1), at


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = content[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
    raise ValueError("a number without an end")
