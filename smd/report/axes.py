"""The frame of a small chart in SVG: scales, axes, legend; colours are the style's classes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from smd.report.markup import Markup, element, joined

WIDTH, HEIGHT = 440.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 14.0, 40.0
STEPS = (1, 2, 2.5, 5, 10)  # between ticks, times a power of ten


@dataclass(frozen=True)
class Frame:
    """Where values lie in a chart: x from x0 to x1, y from 0 to y1, both in the data's units."""

    x0: float
    x1: float
    y1: float

    def x(self, value: float) -> float:
        """The place of a value from the left."""
        width = WIDTH - LEFT - RIGHT
        return LEFT + width * (value - self.x0) / ((self.x1 - self.x0) or 1.0)

    def y(self, value: float) -> float:
        """The place of a value from above."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / (self.y1 or 1.0)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from low to high, at most so many."""
    span = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(s * power for s in (*STEPS, 20) if span / (s * power) <= most - 1 + 1e-9)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def text(x: float, y: float, content: str, anchor: str = "middle", class_: str = "") -> Markup:
    """A label."""
    return element("text", content, x=x, y=y, text_anchor=anchor, class_=class_ or "label")


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def axes(
    frame: Frame, x_title: str, y_title: str, at: Sequence[float], names: Sequence[str] = ()
) -> Markup:
    """Both axes with their ticks; at: where x has ticks, names: what stands there, if not the
    numbers."""
    bottom = HEIGHT - BOTTOM
    rows = [
        piece
        for value in ticks(0, frame.y1, 5)
        for piece in (
            line(LEFT, frame.y(value), WIDTH - RIGHT, frame.y(value), "grid"),
            text(LEFT - 6, frame.y(value) + 4, f"{value:,.6g}", "end"),
        )
    ]
    labels = names or [f"{value:,.6g}" for value in at]
    columns = [text(frame.x(v), bottom + 16, name) for v, name in zip(at, labels, strict=True)]
    middle = (LEFT + WIDTH - RIGHT) / 2
    upright = element(
        "text",
        y_title,
        x=0.0,
        y=0.0,
        text_anchor="middle",
        class_="title",
        transform=f"translate(11 {(TOP + bottom) / 2:.0f}) rotate(-90)",
    )
    base = line(LEFT, bottom, WIDTH - RIGHT, bottom, "base")
    return joined(
        [*rows, base, *columns, text(middle, HEIGHT - 6, x_title, class_="title"), upright]
    )


def chart(content: Sequence[Markup], title: str, caption: str, legend: Sequence[Markup]) -> Markup:
    """A figure: the drawing, told in words to those who do not see it, a legend and a caption.

    legend: entries as of `key`.
    """
    drawing = element(
        "svg",
        [element("title", title), *content],
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        role="img",
        class_="chart",
    )
    keys = element("ul", [element("li", each) for each in legend], class_="legend")
    told = element("figcaption", [keys, element("span", caption)])
    return element("figure", [drawing, told], class_="plot")


def key(class_: str, name: str) -> Markup:
    """An entry of a legend."""
    return joined([element("span", class_=f"swatch {class_}"), name])
