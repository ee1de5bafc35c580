"""A figure as a file: on white paper, as wide as a column of a two-column page."""

import io
import re
from typing import Literal

import altair as alt
import vl_convert
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
    text = drawn.getvalue()
    wide, high = _size(text)
    if form == "svg":
        return _sized(text, f"{INCHES}in", f"{INCHES * high / wide:.4f}in").encode()
    if form == "pdf":  # the converter takes a pixel for a point and knows no scale
        return vl_convert.svg_to_pdf(_sized(text, f"{72 * INCHES:g}", f"{72 * INCHES * high / wide:.4f}"))
    picture = io.BytesIO()
    chart.save(picture, format="png", scale_factor=72 * INCHES / wide, ppi=PPI)  # here, too
    return picture.getvalue()


def _sized(svg: str, wide: str, high: str) -> str:
    """The drawing in another size; its coordinates stay."""
    return SIZE.sub(rf'<svg\1 width="{wide}" height="{high}"', svg, count=1)


def _size(svg: str) -> tuple[float, float]:
    """Width and height of a drawing in pixels, 96 an inch."""
    found = SIZE.search(svg)
    return (float(found[2]), float(found[3])) if found else (float(WIDTH), float(WIDTH))
