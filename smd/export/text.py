"""Tables as text: CSV, Markdown, JSON."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from smd.export import empty
from smd.export.headings import heading
from smd.frames import records
from smd.terminal.visible import visible

# a spreadsheet runs a cell that begins so
FORMULA = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")

# where ; or a tab ends a cell, as in German
LATER = re.compile(f"([;\\t]\\s*)(?=[{re.escape(''.join(FORMULA))}])")


def to_csv(table: pd.DataFrame) -> str:
    """Comma-separated values with a header; texts that a spreadsheet would run get a leading quote.

    A cell without a value is empty.
    """
    guarded = table.set_axis([_guarded(name) for name in table.columns], axis="columns")
    texts = [name for name in guarded.columns if guarded[name].dtype.kind not in "biuf"]
    guarded = guarded.assign(**{name: guarded[name].map(_guarded) for name in texts})
    return str(guarded.to_csv(index=False, lineterminator="\n"))


def _guarded(cell: Any) -> Any:
    if isinstance(cell, (list, tuple)):
        cell = empty.text(cell)
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r\n", "\n").replace("\r", "\n")  # a bare return would end the row
    try:
        float(text)  # a negative number is no formula
    except ValueError:
        text = LATER.sub(r"\1'", text)
        return "'" + text if text.startswith(FORMULA) else text
    return text


def to_markdown(table: pd.DataFrame, bold: pd.DataFrame | None = None, note: str = "") -> str:
    """A GitHub table; a column of floats has as many decimals as it needs, two to six.

    bold: booleans of the table's shape, what to print in bold (export.best). note: what stands
    below the table.
    """
    columns = marked([_texts(table.iloc[:, k]) for k in range(table.shape[1])], bold, ("**", "**"))
    rows = [
        [markdown_cell(heading(name)) for name in table.columns],
        ["---"] * len(columns),
        *zip(*columns, strict=True),
    ]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, *(["", note] if note else [])])


def marked(
    columns: list[list[str]], bold: pd.DataFrame | None, around: tuple[str, str]
) -> list[list[str]]:
    """The texts, column by column, with marks around those that are bold; an empty text gets
    none."""
    if bold is None:
        return columns
    return [
        _mark(texts, flags, around) for texts, (_, flags) in zip(columns, bold.items(), strict=True)
    ]


def _mark(texts: list[str], flags: Iterable[bool], around: tuple[str, str]) -> list[str]:
    before, after = around
    return [
        f"{before}{text}{after}" if flag and text else text
        for text, flag in zip(texts, flags, strict=True)
    ]


def _texts(column: "pd.Series[Any]") -> list[str]:
    if column.dtype.kind != "f":
        return [markdown_cell(empty.text(value)) for value in column]
    ends = [f"{value:.6f}".rstrip("0").partition(".")[2] for value in column]
    decimals = max([2, *map(len, ends)])
    return ["" if math.isnan(value) else f"{value:.{decimals}f}" for value in column]


def markdown_cell(value: object) -> str:
    """A text that neither ends its cell nor its row and is not taken for a link or for HTML."""
    text = visible(" ".join(str(value).splitlines())).replace("\\", "\\\\")
    return text.replace("|", "\\|").replace("[", "\\[").replace("<", "&lt;")


def to_json(table: pd.DataFrame) -> str:
    """A list of objects, one a row; cells without a value and infinity become null."""
    rows = [{name: _plain(v) for name, v in row.items()} for row in records(table)]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if empty.missing(value) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.isoformat() if isinstance(value, pd.Timestamp) else value


def to_text(table: pd.DataFrame) -> str:
    """Aligned columns for a terminal, a dash where there is no value."""
    others = [name for name in table.columns if table[name].dtype.kind != "f"]
    shown = table.assign(**{name: [_or_dash(value) for value in table[name]] for name in others})
    shown = shown.rename(columns=heading)
    return str(shown.to_string(index=False, na_rep=empty.EMPTY))


def _or_dash(value: Any) -> Any:
    if empty.missing(value):
        return empty.EMPTY
    return empty.text(value) if isinstance(value, (list, tuple)) else value
