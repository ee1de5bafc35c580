"""A figure as a file.

On white paper, as wide as a column of a two-column page, with axes and legend.
"""

import io
import re
from typing import Literal

import altair as alt

from smd.errors import UserError

from .paper.figure import Figure

Form = Literal["svg", "pdf", "png", "json"]
INCHES = 3.25  # wide, with axes and legend
# what a chart calls pixels is printed as points, 72 an inch: so type has the size that is written
# here
INCH = 72
HEIGHT = 150  # points, of the plot alone
PPI = 300
CLOSE = 0.5  # points that the width may be off
SIZE = re.compile(r'<svg([^>]*?) width="([\d.]+)" height="([\d.]+)"')


def printed(figure: Figure) -> alt.TopLevelMixin:
    """The chart as it stands on white paper: its plots as wide as axes and legend leave room
    for."""
    if not figure.panels:
        raise UserError(f"{figure.title} is not there yet.")
    plot = INCH * INCHES / len(figure.panels)
    chart = _drawn(figure, plot)
    for _ in range(4):  # labels may change with the width
        over = _size(_svg(chart))[0] - INCH * INCHES
        if abs(over) < CLOSE:
            break
        plot -= over / len(figure.panels)
        chart = _drawn(figure, plot)
    return chart


def _drawn(figure: Figure, plot: float) -> alt.TopLevelMixin:
    """With plots that wide (points), and type for a printed page."""
    panels = [panel.properties(width=plot, height=HEIGHT) for panel in figure.panels]
    chart = panels[0] if len(panels) == 1 else alt.hconcat(*panels, spacing=6)
    return (
        chart.configure(background="white", font="Helvetica, Arial, sans-serif", padding=1)
        .configure_axis(labelFontSize=7, titleFontSize=8, titleFontWeight="normal", gridOpacity=0.4)
        .configure_legend(
            labelFontSize=7,
            titleFontSize=7,
            titleFontWeight="normal",
            symbolSize=40,
            orient="bottom",
            offset=4,
            columnPadding=6,
            columns=2,
        )
        .configure_title(fontSize=8, fontWeight="normal")
        .configure_view(stroke=None)
    )


def as_file(figure: Figure, form: Form) -> bytes:
    """The figure as SVG, PDF or PNG of 300 pixels an inch, 3.25 inches wide, or as Vega-Lite JSON
    with its data."""
    chart = printed(figure)
    if form == "json":
        return str(chart.to_json()).encode()
    if form == "svg":
        return _in_inches(_svg(chart)).encode()
    file = io.BytesIO()
    if form == "pdf":
        chart.save(file, format="pdf")
    else:
        chart.save(file, format="png", ppi=PPI)
    return file.getvalue()


def _svg(chart: alt.TopLevelMixin) -> str:
    text = io.StringIO()
    chart.save(text, format="svg")
    return text.getvalue()


def _in_inches(svg: str) -> str:
    """With a size that programs agree on: a bare number they take for pixels, of 96 or 90 an
    inch."""
    wide, high = (points / INCH for points in _size(svg))
    return SIZE.sub(f'<svg\\1 width="{wide:.4f}in" height="{high:.4f}in"', svg, count=1)


def _size(svg: str) -> tuple[float, float]:
    """Width and height of a drawing in points."""
    match = SIZE.search(svg)
    if match is None:
        raise ValueError("The drawing has no size.")
    return float(match[2]), float(match[3])
