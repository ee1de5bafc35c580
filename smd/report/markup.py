"""HTML and SVG that are escaped unless this file made them.

Names of classes, files and runs come from strangers: a text becomes markup only through `element`,
which escapes it, and control characters are shown rather than obeyed.
"""

import html
import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from smd.export.empty import EMPTY
from smd.terminal.visible import visible

SHORT = 30  # rows of a table that no page of paper need cut
LONGEST = 400  # characters of one text from elsewhere; more is cut, visibly


class Markup(str):
    """Text that is HTML or SVG already."""

    __slots__ = ()


Content: TypeAlias = "str | Markup | int | Iterable[str | Markup | int]"
VOID = {"meta", "img", "br", "line", "rect", "circle", "path", "col"}  # end where they begin


def escaped(value: object) -> Markup:
    """Any text as HTML that shows it; markup stays what it is."""
    return value if isinstance(value, Markup) else Markup(html.escape(visible(str(value))))


def cut(value: object, most: int = LONGEST) -> str:
    """A text from elsewhere, at most so many characters of it."""
    text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def joined(parts: Content, between: str = "") -> Markup:
    """Several pieces one after the other, each escaped unless it is markup."""
    pieces = [parts] if isinstance(parts, str | int) else parts
    return Markup(escaped(between).join(escaped(piece) for piece in pieces))


def element(name: str, content: Content = "", /, **attributes: str | float) -> Markup:
    """<name ...>content</name>; attributes are escaped, class_ is class, and _ becomes -."""
    pairs = [
        f' {key.rstrip("_").replace("_", "-")}="{escaped(_plain(value))}"'
        for key, value in attributes.items()
    ]
    opening = f"<{name}{''.join(pairs)}"
    if name in VOID:
        return Markup(f"{opening}/>")
    return Markup(f"{opening}>{joined(content)}</{name}>")


def _plain(value: str | float) -> str:
    """An attribute as text; lengths have two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def paragraph(*content: str, class_: str = "") -> Markup:
    """A paragraph of these pieces."""
    return element("p", content, class_=class_) if class_ else element("p", content)


def code(command: str) -> Markup:
    """A command as one types it."""
    return element("code", command)


def with_code(text: str) -> Markup:
    """A sentence of ours in which commands stand between backticks."""
    return joined([code(part) if k % 2 else part for k, part in enumerate(text.split("`"))])


def listing(items: Iterable[str], class_: str = "") -> Markup:
    """An unordered list, an item each."""
    entries = [element("li", item) for item in items]
    return element("ul", entries, class_=class_) if class_ else element("ul", entries)


def facts(pairs: Sequence[tuple[str, str]]) -> Markup:
    """Names and what is known of them; those of which nothing is known are left out."""
    rows = [
        element("div", [element("dt", name), element("dd", value)])
        for name, value in pairs
        if value
    ]
    return element("dl", rows)


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], **kind: str) -> Markup:
    """A table in a frame that scrolls where it is too wide; a row's first cell is its heading.

    Cells that are numbers stand at the right.
    """
    cells = [list(row) for row in rows]
    top = element(
        "tr", [_head(head, [row[k] for row in cells if k]) for k, head in enumerate(heads)]
    )
    body = [
        element("tr", [element("th", row[0], scope="row"), *(_cell(cell) for cell in row[1:])])
        for row in cells
    ]
    frame = "wide short" if len(body) <= SHORT else "wide"
    inside = [element("caption", caption), element("thead", top), element("tbody", body)]
    return element("div", element("table", inside, **kind), class_=frame, tabindex="0")


def _head(head: str, column: Sequence[str]) -> Markup:
    """A column's heading, which stands where most of its cells do."""
    right = bool(column) and sum(map(_is_number, column)) > len(column) / 2
    return element("th", head, scope="col", **({"class_": "n"} if right else {}))


def _cell(cell: str) -> Markup:
    return element("td", cell, class_="n") if _is_number(cell) else element("td", cell)


def _is_number(cell: str) -> bool:
    return not isinstance(cell, Markup) and (cell == EMPTY or cell[:1].isdigit())


def number(value: float, decimals: int = 0) -> str:
    """A number with its thousands apart, a dash where there is none."""
    return f"{value:,.{decimals}f}" if math.isfinite(value) else EMPTY
