"""The embedding of the features as an ECharts option: it pans, zooms and can be drawn around with
ten thousand points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

HEIGHT = 620
GRAY = "#8a9091"
# The hue tells, not the brightness: each colour stands out against a light and against a dark page.
RISING = ["#c8641f", "#877f20", "#2f8f80", "#3a74c0"]  # margins, from small to large
AROUND_ZERO = ["#c8641f", "#7b8083", "#1a8a94"]  # changes, from shrunk to grown
OPACITY, FADED = 0.85, 0.18
# height of the row of tools, under which the legend has one of its own: on a phone both need the
# width
TOOLS = 34
SIZE, CHOSEN_SIZE, ADVERSARIAL_SIZE = 5, 8, 9

SAID = "Image {@id}<br/>{@class}<br/>{@said}"  # values are escaped where they are put in
PICTURED = (
    '<img src="{@picture}" alt="" width="96" height="96" style="display: block; margin: 0 auto 4px;'
    ' object-fit: contain; image-rendering: pixelated; background: #000"/>' + SAID
)
TOOL_TITLES = {
    "polygon": "Select with a lasso",
    "rect": "Select with a rectangle",
    "clear": "Clear the selection",
}
FRAME: dict[str, Any] = {
    "animation": False,
    "grid": {"left": 8, "right": 8, "top": TOOLS + 52, "bottom": 8},
    "dataZoom": [{"type": "inside", "xAxisIndex": 0}, {"type": "inside", "yAxisIndex": 0}],
    "brush": {
        "toolbox": ["polygon", "rect", "clear"],
        "xAxisIndex": 0,
        # What lies inside is found out here: what the chart tells as selected was clicked, also
        # within the mark, which for that takes no clicks.
        "seriesIndex": [],
        "transformable": False,
        "throttleType": "debounce",
        "throttleDelay": 300,
        "outOfBrush": {"colorAlpha": 1},
    },
    "toolbox": {
        "right": 12,
        "top": 0,
        "itemSize": 18,
        "feature": {"brush": {"title": TOOL_TITLES}},
    },
    "tooltip": {"trigger": "item", "formatter": SAID},
    "legend": {
        "type": "scroll",
        "top": TOOLS,
        "left": 0,
        "right": 8,
        "itemWidth": 12,
        "itemHeight": 12,
    },
}


@dataclass(frozen=True, eq=False)
class Layer:
    """Points of one colour or one scale of colours."""

    name: str
    # x, y, id, class, value (what the colour tells), said (the same in words), and where it is
    # drawn picture (an address that holds it)
    rows: pd.DataFrame
    colour: str = ""  # "": by value


def option(
    layers: Sequence[Layer], faded: pd.DataFrame, pairs: pd.DataFrame, scale: "Scale | None"
) -> dict[str, Any]:
    """The whole chart.

    faded: points that are not selected, or of which the colour knows nothing: small, gray, behind
    all others.
    pairs: x, y, adversarial_x, adversarial_y, id, class, said: clean images with their adversarial
    examples.
    scale: how values become colours.
    """
    tables = [layer.rows for layer in layers]
    series = [_scatter(layer, number, bool(len(faded))) for number, layer in enumerate(layers)]
    if len(faded):
        tables.append(faded)
        series.insert(0, _scatter(Layer("others", faded, GRAY), len(layers), False, faded=True))
    if len(pairs):
        ends = pairs[["adversarial_x", "adversarial_y", "id", "class", "said"]]
        tables.append(ends.rename(columns={"adversarial_x": "x", "adversarial_y": "y"}))
        series += [_joined(pairs), _adversarial(len(tables) - 1)]
    base = FRAME | {
        "dataset": [{"source": table} for table in tables],
        "series": series,
        "xAxis": _axis(),
        "yAxis": _axis(),
    }
    if scale:
        shown = scale.shown(len(layers), bool(len(faded)))
        return base | {"visualMap": shown, "legend": {"show": False}}
    return base


@dataclass(frozen=True)
class Scale:
    """How values become colours."""

    title: str
    low: float
    high: float
    colours: Sequence[str]

    def shown(self, layers: int, offset: bool) -> Mapping[str, Any]:
        """ECharts' legend of a continuous colour, for the series that are coloured by value."""
        return {
            "type": "continuous",
            "min": self.low,
            "max": self.high,
            "dimension": "value",
            "text": [self.title, ""],
            "inRange": {"color": list(self.colours)},
            "seriesIndex": [k + offset for k in range(layers)],
            "orient": "horizontal",
            "left": 0,
            "top": TOOLS,
            "itemHeight": 160,
            "itemWidth": 12,
            "calculable": True,
        }


def clicked(shown: Mapping[str, Any], selected: Sequence[Mapping[str, Any]]) -> list[int]:
    """The ids of the images whose points are selected; shown: an option as above, selected: as
    Streamlit tells it, by series."""
    found: list[int] = []
    for group in selected:
        series = shown["series"][group["series_index"]]
        ids = shown["dataset"][series["datasetIndex"]]["source"]["id"]
        found += [int(ids.iloc[at]) for at in group["data_indices"] if at < len(ids)]
    return list(dict.fromkeys(found))


def _axis() -> dict[str, Any]:
    """Its axes have no unit and no zero; only who lies near whom counts."""
    hidden = {"show": False}
    silent = dict.fromkeys(("axisLine", "axisLabel", "axisTick", "splitLine"), hidden)
    return {"type": "value", "scale": True, "boundaryGap": ["4%", "4%"], **silent}


def _scatter(layer: Layer, dataset: int, chosen: bool, faded: bool = False) -> dict[str, Any]:
    style = {"opacity": FADED if faded else OPACITY} | (
        {"color": layer.colour} if layer.colour else {}
    )
    return {
        "type": "scatter",
        "name": layer.name,
        "datasetIndex": dataset,
        "encode": {"x": "x", "y": "y"},
        "symbolSize": CHOSEN_SIZE if chosen else SIZE,
        "itemStyle": style,
        "selectedMode": "single",
        "z": 1 if faded else 2,
        **({"tooltip": {"formatter": PICTURED}} if "picture" in layer.rows else {}),
    }


def _joined(pairs: pd.DataFrame) -> dict[str, Any]:
    ends = pairs[["x", "y", "adversarial_x", "adversarial_y"]].astype(float)
    lines = [
        {"coords": [[row.x, row.y], [row.adversarial_x, row.adversarial_y]]}
        for row in ends.itertuples()
    ]
    return {
        "type": "lines",
        "coordinateSystem": "cartesian2d",
        "data": lines,
        "silent": True,
        "z": 3,
        "lineStyle": {"color": GRAY, "width": 1, "opacity": 0.7},
    }


def _adversarial(dataset: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": "adversarial example",
        "datasetIndex": dataset,
        "encode": {"x": "x", "y": "y"},
        "symbol": "emptyDiamond",
        "symbolSize": ADVERSARIAL_SIZE,
        "itemStyle": {"color": GRAY, "borderWidth": 1.5},
        "selectedMode": "single",
        "z": 4,
    }
