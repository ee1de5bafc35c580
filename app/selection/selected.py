"""The images that Embedding, Margins, Samples and Attacks show: a run, filters, and what these
leave.

All of it stands in the address: a link shows the same images.
"""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from smd.errors import UserError
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from . import image_query, state
from .choices import Choices
from .filters import SPLITS, Filters
from .sources import Source


@dataclass(frozen=True, eq=False)
class Selection:
    """The images that are meant, and how it came to be these."""

    run: Run
    filters: Filters
    known: Choices
    rows: pd.DataFrame  # as from image_query.answer
    total: int  # images of the split
    missing: str  # why the filters have no answer, in a sentence; "" if they have one

    @property
    def split(self) -> str:
        """The split that the images are of."""
        return self.filters.split

    @property
    def source(self) -> Source | None:
        """Whose margins they are."""
        return self.known.source

    @property
    def everything(self) -> bool:
        """Whether nothing was left out."""
        return self.filters.everything

    @property
    def images(self) -> str:
        """What they are called: "training images"."""
        return SPLITS[self.split]

    @property
    def title(self) -> str:
        """How many of which: "37 of 4,000 training images"."""
        part = "" if self.everything else f"{len(self.rows):,} of "
        return f"{part}{self.total:,} {self.images}"


def of(run: Run, known: Choices) -> Selection:
    """The selection as the bar says."""
    filters = Filters.from_query(state.read(), known)
    total = len(data.read(reader.samples, run.store, filters.split))
    try:
        rows = data.read(image_query.answer, run.store, filters)
    except UserError as error:
        rest = data.read(image_query.answer, run.store, replace(filters, find=""))
        return Selection(run, filters, known, rest.iloc[:0], total, str(error))
    return Selection(run, filters, known, rows, total, "")


def change(chosen: Selection, **fields: Any) -> None:
    """For callbacks: set fields of Filters; the others stay as they are."""
    before, after = (
        filters.to_query(chosen.known)
        for filters in (chosen.filters, replace(chosen.filters, **fields))
    )
    state.write(**{key: value for key, value in after.items() if value != before[key]})


def clear(chosen: Selection) -> None:
    """For callbacks: back to all images of the split; brushed charts lose their marks.

    Widgets get the values they begin with: without any they would take those that the address still
    has.
    """
    change(chosen, labels=(), span=None, find="", taken_for=(), region=None, within=None)
    state.write(region=None)  # also one of another split
    state.drop_brushes()
