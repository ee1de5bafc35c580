"""How much the pages of a .parquet file unpack to, by the header of each page.

The file's footer tells it too, but whoever reads the pages goes by their own headers, which are
small structures in Thrift's compact protocol between the packed values.
"""

from typing import Any

from smd.errors import UserError

DATA, DICTIONARY, DATA_2 = 0, 2, 3  # kinds of pages
# where each stands in the header of such a page, and in that the encoding
INNER = {DATA: (5, 2), DICTIONARY: (7, 2), DATA_2: (8, 4)}
# ways of writing a text by what it shares with the one before: it can be long in a few bytes
SHARING = 7
DEEPEST = 8  # structures within structures
Fields = dict[int, Any]


def check(content: bytes, about: Any, title: str, most: int) -> None:
    """Raise UserError where the pages unpack to more than `most` bytes; about: what pyarrow reads
    from the footer."""
    total = 0
    for group in range(about.num_row_groups):
        for column in range(about.num_columns):
            total += _unpacked(content, about.row_group(group).column(column), title, most - total)


def _unpacked(content: bytes, chunk: Any, title: str, most: int) -> int:
    """Bytes that the pages of a column in a group of rows unpack to."""
    at, seen, total = chunk.data_page_offset, 0, 0
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < at:
        at = chunk.dictionary_page_offset
    end = min(len(content), at + chunk.total_compressed_size)
    while seen < chunk.num_values and 0 <= at < end:
        header, at = _fields(content, at)
        size, packed = int(header[2]), int(header[3])
        if size < 0 or packed < 0:
            raise ValueError("a page of less than nothing")
        place, encoding = INNER.get(header[1], (0, 0))
        inner = header.get(place, {})
        total += size
        if total > most:
            raise UserError(f"{title} is too large: keep one row an image, and few columns.")
        if inner.get(encoding) == SHARING:
            raise UserError(
                f"{title} has texts in DELTA_BYTE_ARRAY, which is not read: save it with another"
                " encoding, as pandas' to_parquet does."
            )
        seen += 0 if header[1] == DICTIONARY else int(inner.get(1, 0))
        at += packed
    return total


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
