"""Tables as LaTeX, ready for a paper: booktabs, the best in bold."""

import math
from typing import Any

import pandas as pd

from smd.export import empty
from smd.export.headings import heading
from smd.export.percent import shown
from smd.export.tex import escaped
from smd.export.text import marked

HEADER = r"% \usepackage{booktabs}"


def to_latex(
    table: pd.DataFrame,
    bold: pd.DataFrame | None = None,
    caption: str = "",
    note: str = "",
    label: str = "",
) -> str:
    """A complete tabular for \\usepackage{booktabs}, within a table environment if there is a
    caption.

    Texts stand on the left and are escaped (smd.export.tex), numbers on the right: whole ones as
    they are, others with two decimals, nan as an empty cell. bold: booleans of the table's shape
    (export.best). note: what the caption says besides, or a comment where there is none. label: of
    a table with a caption, for \\ref.
    """
    columns = [table.iloc[:, k] for k in range(table.shape[1])]
    sides = "".join("r" if column.dtype.kind in "iuf" else "l" for column in columns)
    texts = marked([_texts(column) for column in columns], bold, (r"\textbf{", "}"))
    rows = [_row(cells) for cells in zip(*texts, strict=True)]
    head = _row([escaped(heading(name)) for name in table.columns])
    tabular = [
        rf"\begin{{tabular}}{{{sides}}}",
        r"\toprule",
        head,
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if caption:
        whole = f"{caption.rstrip('.')}. {note}" if note else caption
        return "\n".join([HEADER, *_floating(tabular, whole, label)]) + "\n"
    return "\n".join([HEADER, *([f"% {escaped(note)}"] if note else []), *tabular]) + "\n"


def _texts(column: "pd.Series[Any]") -> list[str]:
    if column.dtype.kind == "f":
        return [shown(value) if math.isfinite(value) else "" for value in column]
    return [escaped(empty.text(value)) for value in column]


def _row(cells: "list[str] | tuple[str, ...]") -> str:
    """A row; one that began with [ or * would be read as an option of the line before."""
    line = " & ".join(cells)
    return ("{}" if line.startswith(("[", "*")) else "") + line + r" \\"


def _floating(tabular: list[str], caption: str, label: str) -> list[str]:
    return [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(caption)}}}",
        *([rf"\label{{{label}}}"] if label else []),
        *tabular,
        r"\end{table}",
    ]
