"""A figure, or any chart of a page, as a file.

On white paper, as wide as a column of a two-column page or as the page, with axes and legend.
"""

import io
import re
from collections.abc import Callable
from typing import Literal

import altair as alt
import vl_convert

from smd.errors import UserError

from .paper.figure import Figure

Form = Literal["svg", "pdf", "png", "json"]
INCHES = 3.25  # wide, with axes and legend
PAGE = 6.75  # the same over both columns
# what a chart calls pixels is printed as points, 72 an inch: so type has the size that is written
# here
INCH = 72
FONT = "Helvetica, Arial, sans-serif"
HEIGHT = 150  # points, of the plot alone
SMALLER = 0.64  # what a chart of a page is made smaller by: its type has 11 pixels on the screen
NARROWEST = 36  # points that a plot has at least, whatever stands beside it
PPI = 300
CLOSE = 0.5  # points that the width may be off
SIZE = re.compile(r'<svg([^>]*?) width="([\d.]+)" height="([\d.]+)"')


def printed(figure: Figure) -> alt.TopLevelMixin:
    """The chart as it stands on white paper: its plots as wide as axes and legend leave room
    for."""
    if not figure.panels:
        raise UserError(f"{figure.title} is not there yet.")
    return _fitted(lambda plot: _drawn(figure, plot), INCHES, len(figure.panels))


def _fitted(draw: Callable[[float], alt.TopLevelMixin], inches: float, n: int) -> alt.TopLevelMixin:
    """What `draw` makes with plots so wide (points), n beside each other, that all is `inches`
    wide."""
    plot = INCH * inches / n
    chart = draw(plot)
    for _ in range(4):  # labels may change with the width
        over = _size(_svg(chart))[0] - INCH * inches
        if abs(over) < CLOSE:
            break
        plot = max(plot - over / n, NARROWEST)
        chart = draw(plot)
    return chart


def chart_file(chart: alt.TopLevelMixin, form: Form, inches: float = INCHES) -> bytes:
    """A chart of a page as `as_file` makes figures, that wide; what is written in it, too, is
    smaller than on the screen."""
    wide = inches / SMALLER
    return _as(_fitted(lambda plot: _plain(_sized(chart, plot)), wide, 1), form, SMALLER)


def _sized(chart: alt.TopLevelMixin, plot: float) -> alt.TopLevelMixin:
    """With plots that wide (points), below each other where there are several."""
    if isinstance(chart, alt.VConcatChart):
        copied = chart.copy()
        copied.vconcat = [_sized(part, plot) for part in chart.vconcat]
        return copied
    return chart.properties(width=plot)


def _plain(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    """On white, with type as on the screen."""
    return (
        chart.configure(background="white", font=FONT, padding=1)
        .configure_axis(labelFontSize=11, titleFontSize=12, titleFontWeight="normal")
        .configure_view(stroke=None)
    )


def _drawn(figure: Figure, plot: float) -> alt.TopLevelMixin:
    """With plots that wide (points), and type for a printed page."""
    panels = [panel.properties(width=plot, height=HEIGHT) for panel in figure.panels]
    return _styled(panels[0] if len(panels) == 1 else alt.hconcat(*panels, spacing=6))


def _styled(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    """With type for a printed page."""
    return (
        chart.configure(background="white", font=FONT, padding=1)
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
    return _as(printed(figure), form)


def _as(chart: alt.TopLevelMixin, form: Form, scale: float = 1.0) -> bytes:
    """The file; scale: what the drawing's size is multiplied by."""
    if form == "json":
        return str(chart.to_json()).encode()
    if form == "svg":
        return _sized_svg(_svg(chart), scale, INCH, "in").encode()
    file = io.BytesIO()
    if form == "pdf":
        file.write(vl_convert.svg_to_pdf(_sized_svg(_svg(chart), scale, 1, "")))
    else:
        chart.save(file, format="png", ppi=PPI, scale_factor=scale)
    return file.getvalue()


def _svg(chart: alt.TopLevelMixin) -> str:
    text = io.StringIO()
    chart.save(text, format="svg")
    return text.getvalue()


def _sized_svg(svg: str, scale: float, unit: float, name: str) -> str:
    """With its size, times `scale`, in a unit of so many points; in inches programs agree on it: a
    bare number they take for pixels, of 96 or 90 an inch, but the maker of PDFs for points."""
    wide, high = (scale * points / unit for points in _size(svg))
    return SIZE.sub(f'<svg\\1 width="{wide:.4f}{name}" height="{high:.4f}{name}"', svg, count=1)


def _size(svg: str) -> tuple[float, float]:
    """Width and height of a drawing in points."""
    match = SIZE.search(svg)
    if match is None:
        raise ValueError("The drawing has no size.")
    return float(match[2]), float(match[3])
