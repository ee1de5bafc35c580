"""Parallel coordinates: what was varied over several runs, and the accuracy that came of it. A pure
function."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from . import style

HIGH = 300
RUN = "run"
TICKS = 5
ENDS = [-0.04, 1.08]  # of an axis from 0 to 1, with room for what is written at its ends


def coordinates(table: pd.DataFrame, accuracy: str) -> alt.LayerChart:
    """An axis for each column but `run`, a line a run; table: a row a run; accuracy: the last
    column, in %, which colours the lines.

    Numbers stand in proportion on their axis, other values one above the other; only values that
    occur are written there, except on the axis of the accuracy.
    """
    names = [str(name) for name in table.columns if name != RUN]
    places = {name: _places(table[name], name == accuracy) for name in names}
    rows = _points(table, places, accuracy)
    x = alt.X("axis:N", sort=names, title=None, axis=_axis(), scale=alt.Scale(padding=0.35))
    y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=ENDS, nice=False))
    over = alt.selection_point(
        name="over", fields=[RUN], on="pointerover", clear="pointerout", empty=False
    )
    tip = [
        alt.Tooltip(f"{RUN}:N"),
        *(alt.Tooltip(f"field {k}:N", title=name) for k, name in enumerate(names)),
    ]
    # without a legend: the last axis says what the colours do
    colour = alt.Color("accuracy:Q", scale=alt.Scale(scheme="viridis", zero=False), legend=None)
    base = alt.Chart(rows, height=HIGH).encode(x, y, colour, detail=f"{RUN}:N", tooltip=tip)
    faint = alt.when(over).then(alt.value(1.0)).otherwise(alt.value(0.65))
    thick = alt.when(over).then(alt.value(4)).otherwise(alt.value(2))
    return alt.layer(
        _rules(names, x),
        base.mark_line().encode(opacity=faint, strokeWidth=thick),
        base.mark_point(filled=True, size=50, opacity=1).add_params(over),
        _labels(places, x),
    )


def _points(
    table: pd.DataFrame, places: Mapping[str, Mapping[Any, float]], accuracy: str
) -> pd.DataFrame:
    """A row for each run and axis, with all that the tooltip says."""
    return pd.DataFrame(
        {
            RUN: record[RUN],
            "axis": name,
            "place": places[name][record[name]],
            "accuracy": record[accuracy],
            **{f"field {number}": _text(record[each]) for number, each in enumerate(places)},
        }
        for record in table.to_dict("records")
        for name in places
    )


def _axis() -> alt.Axis:
    return alt.Axis(
        orient="top",
        labelAngle=0,
        labelLimit=0,
        labelFontWeight="bold",
        ticks=False,
        domain=False,
    )


def _places(values: "pd.Series[Any]", measured: bool) -> Mapping[Any, float]:
    """Where each value stands on its axis, from 0 to 1; of what was measured also some round
    values."""
    found = list(dict.fromkeys(values.to_list()))
    if not all(_number(value) for value in found):
        order = sorted(found, key=str)
        return {value: (k + 0.5) / len(order) for k, value in enumerate(order)}
    low, high = float(min(found)), float(max(found))
    ticks = _round(low, high) if measured else []
    low, high = min([low, *ticks]), max([high, *ticks])
    whole = (high - low) or 1.0
    return {value: (float(value) - low) / whole for value in [*found, *ticks]}


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _round(low: float, high: float) -> list[float]:
    """Round values around and between both."""
    step = 10.0 ** math.floor(math.log10(max(high - low, 0.1)))
    while (high - low) / step > TICKS:
        step *= 2
    first, last = math.floor(low / step), math.ceil(high / step)
    return [k * step for k in range(first, last + 1)]


def _rules(names: Sequence[str], x: alt.X) -> alt.Chart:
    lines = pd.DataFrame({"axis": names, "place": 0.0, "end": 1.0})
    rule = alt.Chart(lines).mark_rule(color=style.GRAY, strokeWidth=1)
    return rule.encode(x, alt.Y("place:Q", axis=None), alt.Y2("end:Q"))


def _labels(places: Mapping[str, Mapping[Any, float]], x: alt.X) -> alt.Chart:
    """The values beside their axes; of the last axis, whose values are measured, the round ones."""
    last = list(places)[-1]
    texts = pd.DataFrame(
        [
            {"axis": name, "place": place, "text": _text(value)}
            for name, each in places.items()
            for value, place in (_ticks(each) if name == last else list(each.items()))
        ]
    )
    text = alt.Chart(texts).mark_text(align="left", dx=8, fontSize=11, limit=150)
    return text.encode(x, alt.Y("place:Q", axis=None), text="text:N", color=alt.value(style.GRAY))


def _ticks(places: Mapping[Any, float]) -> list[tuple[Any, float]]:
    """The round values of an axis of what was measured."""
    low, high = min(places), max(places)
    steps = set(_round(float(low), float(high)))
    return [(value, place) for value, place in places.items() if value in steps]


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
