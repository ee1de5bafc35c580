"""Text from elsewhere (notes, tags, names of classes, reasons of failures) is shown as it is, never
as Markdown."""

import re
from collections.abc import Sequence

MARKS = re.compile(r"([\\`*_\[\]<~$^|])")
ENTITY = re.compile(r"&(?=#?\w+;)")
LEADING = re.compile(r"^(#|>|[-+=]|\d+(?=[.)]))")  # begins a heading, a quotation, a list
JOINER = "\u2060"  # has no width; what Streamlit finds in the text itself is no longer one piece
PIECES = re.compile(
    # icons, emoji, colours, addresses; but not 12:30
    r"(?<=:)(?=[A-Za-z/+\-])|(?<!\d:)(?<=:)(?=\d)"
    r"|(?<=@)(?=\w)|(?<=\bwww)(?=\.)"  # addresses
    r"|(?<= -)(?=- )|(?<=-)(?=>)|(?<=<)(?=[-=])|(?<=[>~])(?==)"  # dashes and arrows
)


def plain(text: object) -> str:
    """Markdown that shows the very text, on one line."""
    line = PIECES.sub(JOINER, " ".join(str(text).split()))
    return LEADING.sub(_led, ENTITY.sub(r"\\&", MARKS.sub(r"\\\1", line)))


def listed(sentences: Sequence[str]) -> str:
    """Markdown with a line for each text, which is shown as it is; one alone is no list."""
    return (
        "\n".join(f"- {plain(each)}" for each in sentences)
        if len(sentences) > 1
        else "".join(map(plain, sentences))
    )


def with_code(text: object) -> str:
    """The same for a sentence of ours in which commands stand between backticks: they are code."""
    parts = str(text).split("`")
    return "".join(f"`{part}`" if k % 2 else _inside(part) for k, part in enumerate(parts))


def _inside(part: str) -> str:
    """A part of a sentence keeps the spaces at its ends."""
    return part[: len(part) - len(part.lstrip())] + plain(part) + part[len(part.rstrip()) :]


def in_badge(text: object) -> str:
    """The same for a badge, which escapes brackets itself."""
    return plain(text).replace("\\[", "[").replace("\\]", "]")


def _led(match: re.Match[str]) -> str:
    sign = match.group()
    return f"{sign}{JOINER}" if sign[0].isdigit() else f"\\{sign}"


NO_CLASS = "no class"  # what an answer with nan or inf names


def class_name(classes: Sequence[str], label: object) -> str:
    """What the class of that number is called; NO_CLASS of none."""
    number = int(str(label))
    return classes[number] if 0 <= number < len(classes) else NO_CLASS
