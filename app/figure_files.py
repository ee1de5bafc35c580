"""A figure as a file: on white paper, as wide as a column of a two-column page."""

import io
import re
from typing import Literal

import altair as alt
from paper_figures import WIDTH, Figure

from smd.errors import UserError

Form = Literal["svg", "pdf", "png", "json"]
INCHES = 3.25  # wide, with axes and legend
PPI = 300
SIZE = re.compile(r'<svg([^>]*?) width="([\d.]+)" height="([\d.]+)"')


def printed(figure: Figure) -> alt.TopLevelMixin:
    """The chart as it stands on white paper."""
    if not figure.panels:
        raise UserError(f"{figure.title} is not there yet.")
    chart = figure.panels[0] if len(figure.panels) == 1 else _beside(figure.panels)
    return (
        chart.configure(background="white", font="Helvetica, Arial, sans-serif")
        .configure_axis(labelFontSize=9, titleFontSize=9, titleFontWeight="normal", gridOpacity=0.4)
        .configure_legend(labelFontSize=9, titleFontSize=9)
        .configure_title(fontSize=10, fontWeight="normal")
        .configure_view(stroke=None)
    )


def _beside(panels: tuple[alt.Chart | alt.LayerChart, ...]) -> alt.HConcatChart:
    return alt.hconcat(*panels).resolve_scale(y="shared", x="shared")


def as_file(figure: Figure, form: Form) -> bytes:
    """The figure as SVG, PDF or PNG of 300 pixels an inch, 3.25 inches wide, or as Vega-Lite JSON with its data."""
    chart = printed(figure)
    if form == "json":
        return str(chart.to_json()).encode()
    drawn = io.StringIO()
    chart.save(drawn, format="svg")
    wide, high = _size(drawn.getvalue())
    if form == "svg":
        size = f'<svg\\1 width="{INCHES}in" height="{INCHES * high / wide:.4f}in"'
        return SIZE.sub(size, drawn.getvalue(), count=1).encode()
    shrunk = 96 * INCHES / wide
    picture = io.BytesIO()
    if form == "pdf":
        chart.save(picture, format="pdf", scale_factor=shrunk)
    else:
        chart.save(picture, format="png", scale_factor=shrunk, ppi=PPI)
    return picture.getvalue()


def _size(svg: str) -> tuple[float, float]:
    """Width and height of a drawing in pixels, 96 an inch."""
    found = SIZE.search(svg)
    return (float(found[2]), float(found[3])) if found else (float(WIDTH), float(WIDTH))
