"""Tables as text: CSV, Markdown, JSON."""

import json
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\n")  # a spreadsheet runs a cell that begins so


def to_csv(table: pd.DataFrame) -> str:
    """Comma-separated values with a header; texts that a spreadsheet would run get a leading quote."""
    guarded = table.set_axis([_guarded(name) for name in table.columns], axis="columns")
    texts = [name for name in guarded.columns if guarded[name].dtype.kind not in "biuf"]
    guarded = guarded.assign(**{name: guarded[name].map(_guarded) for name in texts})
    return str(guarded.to_csv(index=False, lineterminator="\n"))


def _guarded(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r\n", "\n").replace("\r", "\n")  # a bare return would end the row
    try:
        float(text)  # a negative number is no formula
    except ValueError:
        return "'" + text if text.startswith(FORMULA) else text
    return text


def to_markdown(table: pd.DataFrame, bold: pd.DataFrame | None = None) -> str:
    """A GitHub table; a column of floats has as many decimals as it needs, two to six.

    bold: booleans of the table's shape, what to print in bold (export.best).
    """
    columns = marked([_texts(table.iloc[:, k]) for k in range(table.shape[1])], bold, ("**", "**"))
    rows = [[markdown_cell(name) for name in table.columns], ["---"] * len(columns), *zip(*columns, strict=True)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def marked(columns: list[list[str]], bold: pd.DataFrame | None, around: tuple[str, str]) -> list[list[str]]:
    """The texts, column by column, with marks around those that are bold; an empty text gets none."""
    if bold is None:
        return columns
    return [_mark(texts, flags, around) for texts, (_, flags) in zip(columns, bold.items(), strict=True)]


def _mark(texts: list[str], flags: Sequence[bool], around: tuple[str, str]) -> list[str]:
    before, after = around
    return [f"{before}{text}{after}" if flag and text else text for text, flag in zip(texts, flags, strict=True)]


def _texts(column: pd.Series) -> list[str]:
    if column.dtype.kind != "f":
        return ["" if pd.isna(value) else markdown_cell(value) for value in column]
    ends = [f"{value:.6f}".rstrip("0").partition(".")[2] for value in column]
    decimals = max([2, *map(len, ends)])
    return ["" if math.isnan(value) else f"{value:.{decimals}f}" for value in column]


def markdown_cell(value: object) -> str:
    """A text that neither ends its cell nor its row and is not taken for a link or for HTML."""
    text = " ".join(str(value).splitlines()).replace("\\", "\\\\")
    return text.replace("|", "\\|").replace("[", "\\[").replace("<", "&lt;")


def to_json(table: pd.DataFrame) -> str:
    """A list of objects, one a row; nan and infinity become null."""
    rows = [{name: _plain(v) for name, v in row.items()} for row in table.to_dict("records")]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
