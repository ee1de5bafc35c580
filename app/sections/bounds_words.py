"""Between which distances the boundary lies: proven below, found above; in sentences."""

from typing import Any

import pandas as pd

from smd.export.titles import attack_title, estimate_title
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_length

from .. import data
from ..selection.sources import Source


def of_image(run: Run, split: str, idx: int, norm: str, weights: str = "last") -> str:
    """The interval that an image's boundary lies in, as far as the store knows; "" where nothing is
    known."""
    which = (run.store, split, norm, weights)
    found = _row(data.read(reader.nearest_found, *which), idx)
    proven = _row(data.read(reader.certified, *which), idx)
    least = show_length(float(proven["distance"]), norm) if proven is not None else ""
    if found is None:
        return f"The boundary is at {least} or farther: proven." if least else ""
    most = f"{show_length(float(found['distance']), norm)}, found by {_finder(found, norm)}"
    if not least:
        return f"The boundary is at {most}, or nearer."
    return f"The boundary is between {least}, proven, and {most}."


def of_images(run: Run, source: Source) -> str:
    """The medians of what is proven and of what was found, over the images that have both."""
    which = (run.store, source.split, source.norm, source.weights)
    proven, found = (
        data.read(read, *which).set_index("idx")["distance"]
        for read in (reader.certified, reader.nearest_found)
    )
    both = proven.index.intersection(found.index)
    said = "Each margin is a lower bound: no adversarial example is nearer."
    if both.empty:
        return f"{said} No attack or search of this run met a boundary of these images yet."
    least, most = (show_length(float(of[both].median()), source.norm) for of in (proven, found))
    return (
        f"{said} Of the {len(both):,} images of which also an adversarial example was found, by"
        f" whatever attack or search, the median is {least} proven and {most} found; each boundary"
        " lies between its two."
    )


def _row(table: pd.DataFrame, idx: int) -> Any:
    """An image's row; None if it has none."""
    rows = table[table["idx"] == idx]
    return None if rows.empty else rows.iloc[0]


def _finder(found: Any, norm: str) -> str:
    """What met the nearest boundary, as tables name it."""
    name = str(found["found_by"])
    if bool(found["attack"]):
        return f"{attack_title(name)} at {show_length(float(found['eps']), norm)}"
    return estimate_title(name, float(found["eps"]), norm)
