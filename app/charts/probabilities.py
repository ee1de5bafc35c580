"""Predicted probabilities of one image and its adversarial example; a pure function."""

import altair as alt
import pandas as pd

from . import style

# bars in all; bars side by side; letters of a name below these
MOST_CLASSES, MOST_UPRIGHT, LONG = (20, 12, 12)
IMAGES = ["clean", "adversarial"]
PROBABILITY = "probability (%)"


def probabilities(rows: pd.DataFrame) -> alt.Chart:
    """Predicted probabilities on the clean and the adversarial image, every class named.

    rows: columns class, image ("clean" or "adversarial"), percent. Of many classes the least
    probable ones are one bar together.
    """
    rows = _most_probable(rows)
    classes = list(dict.fromkeys(rows["class"]))
    upright = len(classes) <= MOST_UPRIGHT and max(map(len, classes)) <= LONG
    colour = alt.Color(
        "image:N",
        title=None,
        legend=style.ON_TOP,
        scale=alt.Scale(domain=IMAGES, range=["#1a8a94", "#c8641f"]),
    )
    tip = ["class:N", "image:N", alt.Tooltip("percent:Q", format=".1f", title=PROBABILITY)]
    return (
        alt.Chart(rows, height=240 if upright else max(240, 22 * len(classes)))
        .mark_bar()
        .encode(*_sides(classes, upright), colour, tooltip=tip)
    )


def _sides(classes: list[str], upright: bool) -> tuple[object, ...]:
    """The classes side by side, or below each other where their names need the room."""
    short = max(map(len, classes)) <= 3
    angle = 0 if short or not upright else -40
    axis = alt.Axis(labelAngle=angle, **style.every_name(classes))
    scale = alt.Scale(domain=[0, 100])
    if upright:
        return (
            alt.X("class:N", title="predicted class", sort=classes, axis=axis),
            alt.XOffset("image:N", sort=IMAGES),
            alt.Y("percent:Q", title=PROBABILITY, scale=scale),
        )
    return (
        alt.Y("class:N", title=None, sort=classes, axis=axis),
        alt.YOffset("image:N", sort=IMAGES),
        alt.X("percent:Q", title=PROBABILITY, scale=scale),
    )


def _most_probable(rows: pd.DataFrame) -> pd.DataFrame:
    """All classes where there is room for them, else the most probable ones and the sum of the
    others."""
    largest = rows.groupby("class", sort=False)["percent"].max()
    if len(largest) <= MOST_CLASSES:
        return rows
    kept = rows["class"].isin(largest.nlargest(MOST_CLASSES - 1).index)
    rest = rows[~kept].groupby("image", as_index=False)["percent"].sum()
    name = f"{len(largest) - MOST_CLASSES + 1} other classes"
    return pd.concat([rows[kept], rest.assign(**{"class": name})], ignore_index=True)
