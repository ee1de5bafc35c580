"""Buttons that give a table or a figure as a file."""

from collections.abc import Callable
from functools import partial

import altair as alt
import pandas as pd
import streamlit as st

from smd import export

from ..charts import files
from ..charts.files import Form

TEX = "application/x-tex"


FORMS: dict[Form, tuple[str, str]] = {  # of a chart: what it is called, its MIME type
    "svg": ("SVG", "image/svg+xml"),
    "pdf": ("PDF", "application/pdf"),
    "png": ("PNG", "image/png"),
    "json": ("Vega-Lite JSON", "application/json"),
}


def of_table(
    table: pd.DataFrame,
    name: str,
    bold: pd.DataFrame | None = None,
    title: str = "",
    chart: alt.TopLevelMixin | None = None,
    inches: float = files.INCHES,
) -> None:
    """The very table as CSV, Markdown, LaTeX and Parquet, made only when asked for, and the chart
    that is drawn of it in FORMS, that wide. bold: see export.best."""
    note = export.BOLD if bold is not None else ""
    drawn = partial(files.chart_file, chart, inches=inches) if chart is not None else None
    _menu(table, name, bold, lambda: export.to_latex(table, bold, title, note), drawn=drawn)


def with_latex(
    table: pd.DataFrame,
    numbers: pd.DataFrame,
    name: str,
    bold: pd.DataFrame | None,
    latex: str,
    told: str = "",
) -> None:
    """As `of_table`, with LaTeX that is written for the table in reach: as a file, and to be
    copied. numbers: what programs read, in place of the table as it is shown. told: what stands
    below it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        one("LaTeX", f"{name}.tex", TEX, lambda: latex)
        with st.popover(
            "Copy LaTeX",
            icon=":material/content_copy:",
            type="tertiary",
            key=f"copy-{name.replace('.', '-')}",
            width="content",
        ):
            st.code(latex, language="latex", wrap_lines=True)  # it has a button that copies
        _menu(table, name, bold, numbers=numbers, told=told)


def _menu(
    table: pd.DataFrame,
    name: str,
    bold: pd.DataFrame | None,
    latex: Callable[[], str] | None = None,
    numbers: pd.DataFrame | None = None,
    told: str = "",
    drawn: Callable[[Form], bytes] | None = None,
) -> None:
    """The forms of a table that are not in sight, and those of its chart."""
    note = export.BOLD if bold is not None else told
    numbers = table if numbers is None else numbers
    makers: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
        "CSV": ("csv", "text/csv", lambda: export.to_csv(numbers)),
        "Markdown": ("md", "text/markdown", lambda: export.to_markdown(table, bold, note)),
        **({"LaTeX": ("tex", TEX, latex)} if latex else {}),
        "Parquet": (
            "parquet",
            "application/vnd.apache.parquet",
            lambda: export.to_parquet(numbers),
        ),
    }
    with st.popover(
        "Export",
        icon=":material/download:",
        type="tertiary",
        key=f"export-{name.replace('.', '-')}",
    ):
        for title, (suffix, mime, make) in makers.items():
            one(title, f"{name}.{suffix}", mime, make)
        if drawn:
            st.caption("The chart")
            for form, (title, mime) in FORMS.items():
                one(title, f"{name}.{form}", mime, partial(drawn, form))


def one(label: str, file: str, mime: str, make: Callable[[], str | bytes]) -> None:
    """A button for one file, which is made when it is asked for."""
    st.download_button(
        label,
        data=lambda: as_bytes(make()),
        file_name=file,
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
        key=f"download-{file.replace('.', '-')}",
    )


def as_bytes(content: str | bytes) -> bytes:
    """What a file holds."""
    return content.encode() if isinstance(content, str) else content
