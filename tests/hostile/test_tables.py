"""Tables of labels that are odd, or would fill the memory or take for ever: one sentence."""

import io
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from smd.data import matching, parquet, parquet_pages, table
from smd.errors import UserError


def packed(columns, **more) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns) if isinstance(columns, dict) else columns, out, **more)
    return out.getvalue()


def read(content: bytes, name="t.parquet"):
    return dict(table.parsed(name, content).columns)


def test_the_usual_kinds_of_columns_are_texts():
    held = read(
        packed(
            {
                "file": ["a.png", None, " b.png"],
                "n": pa.array([1, None, 3]),
                "f": pa.array([1.0, None, 3.0]),
                "g": pa.array([1.5, float("nan"), 3.0]),
                "b": pa.array([True, None, False]),
                "day": pa.array([0, 1, None], pa.date32()),
                "none": pa.nulls(3),
                "bytes": pa.array([b"a", "é".encode(), None], pa.binary()),
                "fixed": pa.array([b"ab", None, b"cd"], pa.binary(2)),
                "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
                "large": pa.array(["x", "y", None], pa.large_string()),
            }
        )
    )
    assert held == {
        "file": ["a.png", "", "b.png"],
        "n": ["1", "", "3"],
        "f": ["1", "", "3"],
        "g": ["1.5", "", "3.0"],
        "b": ["True", "", "False"],
        "day": ["1970-01-01", "1970-01-02", ""],
        "none": ["", "", ""],
        "bytes": ["a", "é", ""],
        "fixed": ["ab", "", "cd"],
        "kind": ["x", "y", "x"],
        "large": ["x", "y", ""],
    }


@pytest.mark.parametrize("way", [{}, {"use_dictionary": False}, {"data_page_version": "2.0"}])
@pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip", "none"])
def test_all_usual_ways_of_packing_are_read(way, compression):
    names = [f"scans/{k}.png" for k in range(20_000)]
    content = packed(
        {"file": names, "dx": [*"ab"] * 10_000},
        compression=compression,
        row_group_size=7_000,
        data_page_size=2**12,
        **way,
    )
    assert read(content) == {"file": names, "dx": [*"ab"] * 10_000}


def test_the_index_of_a_frame_is_a_column():
    frame = pd.DataFrame({"file": ["a", "b"], "patient": ["p", "q"], "dx": ["x", "y"]})
    for index in ("file", "patient"):
        out = io.BytesIO()
        frame.set_index(index).to_parquet(out)
        assert read(out.getvalue()).keys() == {"file", "patient", "dx"}


@pytest.mark.parametrize("names", [["label", "label"], ["label", "label "]])
@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_two_columns_of_one_name_are_refused(names, name):
    content = packed(pa.table([["a"], ["b"]], names=names))
    content = content if name == "t.parquet" else f"{','.join(names)}\na,b\n".encode()
    with pytest.raises(UserError, match="several columns called 'label'"):
        read(content, name)


@pytest.mark.parametrize("value", [1e30, 2.0**53 + 2, float("inf"), -1e300])
def test_huge_numbers_stay_as_they_are(value):
    assert read(packed({"x": [value, 1.0]}))["x"] == [str(value), "1.0"]


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(UserError, match="column 'x' bytes that are no text in UTF-8"):
        read(packed({"x": pa.array([b"\xff\xfe"], pa.binary())}))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([["a"]]),
        pa.array([{"a": 1}]),
        pa.array([[1, 2]], pa.list_(pa.int8(), 2)),
        pa.array([b"x" * 5000], pa.binary(5000)),
    ],
)
def test_what_is_no_cell_is_refused(column):
    with pytest.raises(UserError, match="column 'x' something else than texts or numbers"):
        read(packed({"x": column}))


def repeated(n, length, **more) -> bytes:
    """A table of n rows that are one and the same long text."""
    once = pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int32()), pa.array(["x" * length]))
    return packed({"file": once}, dictionary_pagesize_limit=10**8, **more)


@pytest.fixture
def small(monkeypatch):
    """Bounds that need no memory to be passed."""
    bounds = parquet.Bounds(rows=20_000, columns=10, cells=50_000, size=10**6)
    monkeypatch.setattr(table, "BOUNDS", bounds)


def test_a_text_in_every_row_is_counted_before_it_is_repeated(small):
    assert len(read(repeated(20, 40_000))["file"]) == 20
    for n in (30, 3_000):
        with pytest.raises(UserError, match="more than 1 MB of texts"):
            read(repeated(n, 40_000))


def test_pages_that_unpack_to_much_are_refused_before_that(small, monkeypatch):
    content = packed({"file": ["x" * 2_000_000]}, use_dictionary=False, compression="zstd")
    assert len(content) < 10_000
    monkeypatch.setattr(pq, "ParquetFile", None)  # nothing is unpacked
    with pytest.raises(UserError, match="too large"):
        read(content)


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_texts_by_what_they_share_are_refused(small, encoding):
    content = packed(
        {"file": ["x" * 1000 + str(k) for k in range(10)]},
        use_dictionary=False,
        column_encoding={"file": encoding},
    )
    with pytest.raises(UserError, match="in the encoding DELTA_BYTE_ARRAY"):
        read(content)


def test_a_dictionary_of_more_texts_than_it_can_have_is_refused(small, monkeypatch):
    whole = packed({"file": [f"{k}" for k in range(100)]})
    claims = whole.replace(b"\x4c\x15\xc8\x01", b"\x4c\x15\xfe\x7f", 1)  # 8,191 of them
    assert claims != whole
    monkeypatch.setattr(pq, "ParquetFile", None)
    with pytest.raises(UserError, match="a page of more values than it can have"):
        read(claims)


def test_pages_without_an_end_are_refused(small, monkeypatch):
    monkeypatch.setattr(parquet_pages, "MOST_PAGES", 3)
    with pytest.raises(UserError, match="too large"):
        read(packed({"file": [f"{k}" for k in range(1_000)]}, row_group_size=100))


@pytest.mark.parametrize(("rows", "columns"), [(20_001, 1), (1, 11), (6_000, 10)])
def test_more_than_a_table_needs_is_refused(small, rows, columns):
    with pytest.raises(UserError, match="too large"):
        read(packed({f"c{k}": np.zeros(rows, np.int8) for k in range(columns)}))


def test_a_parquet_file_with_any_byte_changed_is_read_or_gets_one_sentence(small):
    whole = packed({"file": ["a.png", "b.png"], "n": [1, 2]})
    for at in range(0, len(whole), 23):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        try:
            read(bytes(broken))
        except UserError as error:
            assert "\n" not in str(error)


def test_headers_of_pages_without_an_end_are_no_loop():
    for content in (b"\x15" + b"\x80" * 100, b"\x1c" * 10_000, b"\x19" * 10, b""):
        with pytest.raises((ValueError, IndexError)):
            parquet_pages._fields(content, 0)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_such(end):
    text = end.join(["file,dx", "a.png,x", "b.png,y", ""])
    assert read(text.encode(), "t.csv") == {"file": ["a.png", "b.png"], "dx": ["x", "y"]}


def test_a_delimiter_at_the_end_of_each_row_is_no_cell():
    assert read(b"file,dx\na,x,\nb,y,\n", "t.csv") == {"file": ["a", "b"], "dx": ["x", "y"]}


@pytest.mark.parametrize(
    "text",
    [
        "file,dx\na,x,1\nb,y,2\n",
        "file,dx\na,x\nb,y,2\n",
        "file,dx\na,x,1,2\nb,y,2,3\n",
        'file,dx\n"a,x\nb,y\n',
        "file," + "x" * 140_000 + "\na,b\n",
        '"' + "x" * 140_000 + '",b\na,b\n',
        "x" * 300_000,
    ],
)
def test_what_is_no_table_gets_one_sentence(text, recwarn):
    with pytest.raises(UserError, match=r"cannot be read as a table: its first row") as caught:
        read(text.encode(), "t.csv")
    assert "\n" not in str(caught.value)
    assert not recwarn.list


def test_a_name_of_a_column_may_have_two_lines():
    assert read(b'\n"file\nname",dx\na,x\n', "t.csv") == {"file\nname": ["a"], "dx": ["x"]}


def test_many_columns_are_counted_at_once():
    begun = time.process_time()
    with pytest.raises(UserError, match="it takes up to 500"):
        read((",".join(f"c{k}" for k in range(15_000)) + "\n1\n").encode(), "t.csv")
    assert time.process_time() - begun < 1


def test_many_cells_are_refused_by_their_first_ones(monkeypatch):
    monkeypatch.setattr(table, "MOST_CELLS", 1_000)
    with pytest.raises(UserError, match="has 101 rows and 10 columns, or more"):
        read((",".join("abcdefghij") + "\n" + "1\n" * 5_000).encode(), "t.csv")


@pytest.mark.parametrize("cell", ["x" * 20_000, "ab" * 10_000, "scans/" * 3_000])
def test_the_closest_name_to_a_long_cell_is_found_at_once(cell):
    paths = [f"scans/{k}.png" for k in range(2_000)]
    begun = time.process_time()
    assert matching.closest([cell] * 3, paths)[0] == cell
    assert matching.closest(["a" * 500] * 3, ["a" * 500] * 2_000)[0]
    assert time.process_time() - begun < 5
    assert matching.closest([f"{cell}/7.pgn"], paths)[1].endswith("7.png")
    assert matching.Index([cell, "a"]).of([cell, "a"])[1] == "a"


@pytest.mark.parametrize("label", ["1" * 5_000, "x" * 200_000])
def test_a_label_that_is_too_long_is_refused(tmp_path, label):
    import making_images as making

    from smd.data import load

    folder = making.lay_out(tmp_path / "own", {f"{k}.png": making.picture(k) for k in range(4)})
    place = tmp_path / "t.parquet"
    place.write_bytes(packed({"file": [f"{k}.png" for k in range(4)], "dx": ["a", label] * 2}))
    with pytest.raises(UserError, match="labels of more than 100 characters"):
        load("folder", str(folder), labels=str(place))
