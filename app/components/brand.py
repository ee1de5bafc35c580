"""The product's name as it stands in the header of every page, and the picture of what it does."""

from typing import NamedTuple

import streamlit as st


class Ink(NamedTuple):
    """Colours of a drawing that stands on a page."""

    text: str
    faint: str  # lines that lead the eye
    margin: str
    boundary: str
    ground: str  # under text


LIGHT = Ink("#101617", "#8a9091", "#0f6f78", "#c2571a", "#fcfcfb")
DARK = Ink("#e4eaea", "#8a9091", "#4fb8c1", "#e58a4e", "#12181a")
FONT = "font-family='Helvetica, Arial, sans-serif'"


def ink() -> Ink:
    """Those of the theme that the page is shown in."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def wordmark(ink: Ink) -> str:
    """The sign and the name, SVG."""
    rings = "".join(
        f"<circle cx='24' cy='24' r='{r}' fill='none' stroke='#fff' stroke-width='2.6'/>"
        for r in (16.5, 10.5)
    )
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 214 48' width='214' height='48'>"
        "<rect x='2' y='2' width='44' height='44' rx='9' fill='#17656d'/>"
        f"{rings}<circle cx='24' cy='24' r='5' fill='#fff'/>"
        f"<text x='58' y='32' {FONT} font-size='25' font-weight='650' fill='{ink.text}'>"
        "SMD Studio</text></svg>"
    )


# of the picture: the boundary as a path, and the two images with the half sides of their margins
BOUNDARY = "M 320 6 C 284 52, 300 104, 276 161 C 268 182, 264 200, 265 214"
WIDE, NARROW = ((104, 108), (24, 48, 72)), ((243, 128), (16, 32))


def _margins(place: tuple[int, int], sides: tuple[int, ...], ink: Ink) -> str:
    """An image and its margin, wider every few epochs; the last one is drawn in full.

    Noise is bounded pixel by pixel (L∞), so what lies within a margin is a square.
    """
    x, y = place
    squares = [_square(x, y, side, side == sides[-1], ink) for side in reversed(sides)]
    return "".join(squares) + f"<circle cx='{x}' cy='{y}' r='4.5' fill='{ink.text}'/>"


def _square(x: int, y: int, side: int, last: bool, ink: Ink) -> str:
    """What lies within a margin; side: half of it."""
    line = "stroke-width='1.8'" if last else "stroke-dasharray='3 3'"
    return (
        f"<rect x='{x - side}' y='{y - side}' width='{2 * side}' height='{2 * side}' rx='2'"
        f" fill='{ink.margin}' fill-opacity='{0.2 if last else 0}' stroke='{ink.margin}' {line}/>"
    )


def _words(x: int, y: int, text: str, colour: str, anchor: str = "start") -> str:
    return (
        f"<text x='{x}' y='{y}' {FONT} font-size='13' fill='{colour}' text-anchor='{anchor}'>"
        f"{text}</text>"
    )


def picture(ink: Ink) -> str:
    """Two images, their margins and the decision boundary, SVG."""
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 440 220' width='440' height='220'>"
        f"<path d='{BOUNDARY}' fill='none' stroke='{ink.boundary}' stroke-width='2.4'/>"
        f"{_margins(*WIDE, ink)}{_margins(*NARROW, ink)}"
        f"{_words(104, 24, 'far from it: a wide margin', ink.margin, 'middle')}"
        f"{_words(256, 202, 'near it: a narrow one', ink.margin, 'end')}"
        f"{_words(104, 126, 'image', ink.text, 'middle')}"
        f"{_words(324, 74, 'decision', ink.boundary)}{_words(324, 91, 'boundary', ink.boundary)}"
        f"{_words(324, 150, 'another class', ink.faint)}"
        "</svg>"
    )
