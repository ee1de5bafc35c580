"""CSV, Markdown, JSON and Parquet."""

import io
import json
import math

import duckdb
import numpy as np
import pandas as pd
import pytest

from smd import export


def test_csv_comes_back_as_it_was():
    table = pd.DataFrame(
        {"a": [1, -2], "b": [0.1, -0.5], "c": ['x,"y"', "two\nlines"], "d": [True, False]}
    )
    text = export.to_csv(table)
    assert text.splitlines()[:2] == ["a,b,c,d", '1,0.1,"x,""y""",True']
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text)), table)


@pytest.mark.parametrize("evil", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_csv_runs_no_formula_of_a_class_name(evil):
    table = pd.DataFrame({evil: [evil]})
    read = pd.read_csv(io.StringIO(export.to_csv(table)), keep_default_na=False)
    assert read.columns[0][0] == "'"
    assert read.iloc[0, 0][0] == "'"


@pytest.mark.parametrize("number", ["-1", "-0.5", "+3", "-1e-3"])
def test_csv_leaves_negative_numbers_alone(number):
    table = pd.DataFrame({"text": [number], "number": [float(number)]})
    assert export.to_csv(table) == f"text,number\n{number},{float(number)}\n"


def test_csv_writes_float32_without_made_up_digits():
    assert export.to_csv(pd.DataFrame({"margin": np.float32([0.1])})) == "margin\n0.1\n"


def test_markdown_escapes_what_would_end_a_cell():
    table = pd.DataFrame({"a|b": ["x|y\nz", "back\\slash"], "n": [1, 2]})
    assert export.to_markdown(table).splitlines() == [
        "| a\\|b | n |",
        "| --- | --- |",
        "| x\\|y z | 1 |",
        "| back\\\\slash | 2 |",
    ]


def test_markdown_takes_a_class_name_for_no_html_and_no_image():
    text = export.to_markdown(pd.DataFrame({"class": ["<script>", "![x](http://y)"]}))
    assert "<" not in text
    assert "![" not in text


def test_markdown_writes_a_column_with_the_same_decimals():
    table = pd.DataFrame(
        {"a": [83.1, 7.0, math.nan], "b": [0.125, 1.0, 2.0], "c": [1 / 3, 0.0, 0.5]}
    )
    assert export.to_markdown(table).splitlines()[2:] == [
        "| 83.10 | 0.125 | 0.333333 |",
        "| 7.00 | 1.000 | 0.000000 |",
        "|  | 2.000 | 0.500000 |",
    ]


def test_json_is_json_also_for_nan():
    table = pd.DataFrame(
        {"a": [1.5, math.nan], "n": [1, 2], "text": ["8/255", 'é"'], "ok": [True, False]}
    )
    assert json.loads(export.to_json(table)) == [
        {"a": 1.5, "n": 1, "text": "8/255", "ok": True},
        {"a": None, "n": 2, "text": 'é"', "ok": False},
    ]
    assert "8/255" in export.to_json(table)
    assert json.loads(export.to_json(table[:0])) == []


def test_markdown_prints_what_is_best_in_bold_and_no_empty_cell():
    table = pd.DataFrame({"run": ["a", "b"], "0": [90.0, math.nan]})
    bold = pd.DataFrame({"run": [False, False], "0": [True, True]})
    assert export.to_markdown(table, bold).splitlines()[2:] == ["| a | **90.00** |", "| b |  |"]


def test_a_mask_of_another_shape_is_refused():
    table = pd.DataFrame({"run": ["a"], "0": [90.0]})
    for bold in (pd.DataFrame({"0": [True]}), pd.DataFrame({"run": [False] * 2, "0": [True] * 2})):
        with pytest.raises(ValueError, match="zip"):
            export.to_markdown(table, bold)


def test_parquet_comes_back_equal_in_pandas_and_duckdb(tmp_path):
    table = pd.DataFrame(
        {
            "run": ["a_b", "é <"],
            "n": [1, 2],
            "8/255": [12.5, math.nan],
            "margin": np.float32([0.1, 0.2]),
            "ok": [True, False],
        }
    )
    data = export.to_parquet(table[::-1])
    expected = table[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(data)), expected)
    (tmp_path / "table.parquet").write_bytes(data)
    found = duckdb.read_parquet(str(tmp_path / "table.parquet")).df()
    pd.testing.assert_frame_equal(found.astype({"run": "str"}), expected)


HOLES = pd.DataFrame(
    {
        "text": ["x", None],
        "number": [1.5, math.nan],
        "whole": pd.array([1, pd.NA], "Int64"),
        "moment": [pd.Timestamp("2020-01-01"), pd.NaT],
        "anything": [True, None],
        "list": [["a", "b"], []],
    }
)


@pytest.mark.parametrize(
    "write", [export.to_csv, export.to_markdown, export.to_latex, export.to_json, export.to_text]
)
def test_no_file_and_no_terminal_shows_a_missing_value_as_a_word(write):
    text = write(HOLES)
    for word in ("None", "nan", "NaN", "NaT", "<NA>"):
        assert word not in text
    assert "x" in text


def test_a_list_is_written_with_commas():
    assert "| a, b |" in export.to_markdown(HOLES[["list"]])
    assert '"a, b"' in export.to_csv(HOLES[["list"]])


def test_a_terminal_shows_a_dash_where_there_is_no_value():
    assert export.to_text(HOLES[["text", "number", "whole"]]).splitlines()[-1].split() == [
        "–",
        "–",
        "–",
    ]


def test_below_a_markdown_table_stands_what_bold_means():
    assert export.to_markdown(pd.DataFrame({"a": [1]}), note="Bold: best.").splitlines()[-2:] == [
        "",
        "Bold: best.",
    ]
