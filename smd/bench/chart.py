"""One picture of a benchmark: bars for each part, drawn without a browser by vl-convert."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import pandas as pd

from smd.bench.part import Part

WIDTH, BAR = 360, 16  # pixels


@dataclass(frozen=True)
class View:
    """What of a part is drawn."""

    labels: tuple[str, ...]  # columns that name a bar
    figure: str  # the column of its length
    axis: str
    unit: str = ""  # only rows of this unit, where a part has several


VIEWS = {  # a part that is not among them is not drawn
    "step": View(("network", "step"), "ratio", "times as fast as the literal step"),
    "margins": View(
        ("search", "reach"),
        "mean_excess_percent",
        "margin beyond the nearest known boundary, mean (%)",
    ),
    "autoattack": View(("way",), "seconds", "seconds"),
    "store": View(("what",), "value", "seconds", "s"),
    "startup": View(("what",), "value", "seconds", "s"),
    "memory": View(("what",), "value", "peak memory (MiB)", "MiB"),
    "growth": View(("what",), "ratio", "times as long"),
}


def write(path: Path, parts: Sequence[Part]) -> None:
    """The picture as SVG, in place of what the file held; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = alt.concat(
        *(bars(part, VIEWS[part.name]) for part in parts if part.name in VIEWS), columns=2
    )
    picture.resolve_scale(x="independent", y="independent").save(str(path), format="svg")


def bars(part: Part, view: View) -> alt.Chart:
    """A part's bars in the order of its rows, each with its figure."""
    rows = [row for row in part.rows if not view.unit or row["unit"] == view.unit]
    table = pd.DataFrame(
        {
            "label": [", ".join(str(row[name]) for name in view.labels) for row in rows],
            "value": [float(row[view.figure]) for row in rows],
        }
    )
    base = alt.Chart(table, title=part.title, width=WIDTH, height=alt.Step(BAR)).encode(
        alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=320)),
        alt.X("value:Q", title=view.axis),
    )
    figures = base.mark_text(align="left", dx=4).encode(text=alt.Text("value:Q", format=",.3~r"))
    return base.mark_bar(color="#1a8a94") + figures
