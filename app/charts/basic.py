"""DataFrame in, Altair chart out: pure functions; colours mean the same thing on every page."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from smd.core.kinds import FOUND, KINDS, MISCLASSIFIED, REACHED
from smd.registry import DEFENSES
from smd.units import show_level

COLOURS = {name: entry.colour for name, entry in DEFENSES.items()}  # one on every page
PALETTE = (  # classes and others without a colour of their own
    "#1a8a94",
    "#c8641f",
    "#6c7bb0",
    "#9c5a96",
    "#7b8b48",
    "#b08d2a",
    "#4f9d69",
    "#b5495b",
    "#4c8fc4",
    "#8c6d5a",
    "#c77fb0",
    "#5f8f8a",
    "#98a53f",
)
# what a margin says, on every page
KIND_COLOURS = {FOUND: "#1a8a94", REACHED: "#8cc3c8", MISCLASSIFIED: "#9c5a96"}
# for second runs of a defense
FREE = ("#6c7bb0", "#9c5a96", "#7b8b48", "#b08d2a", "#4f9d69", "#b5495b", "#8a9091")
LEVELS = ("#8a9091", "#1a8a94", "#c8641f", "#9c5a96")  # clean, then rising noise levels
HEIGHT = 280
# left of 0 are no margins
NOT_NEGATIVE = alt.Axis(labelExpr="datum.value < 0 ? '' : datum.label", grid=False)
BELOW = alt.Legend(title=None, orient="bottom", labelLimit=260)
ON_TOP = alt.Legend(title=None, orient="top", offset=6, padding=0, columns=3, labelLimit=260)
SOLID = alt.Legend(  # over a band, whose faint fill the symbols would take on
    title=None,
    orient="top",
    offset=6,
    padding=0,
    columns=3,
    labelLimit=260,
    symbolOpacity=1,
    symbolType="stroke",
    symbolStrokeWidth=2,
)


def colour(defense: str) -> str:
    """A defense's colour on every page."""
    return DEFENSES[defense].colour if defense in DEFENSES else FREE[-1]


def level_name(eps: float) -> str:
    """A noise level as a legend shows it."""
    return show_level(eps) if eps else "clean"


def _epochs(last: int) -> alt.X:
    return alt.X(
        "epoch:Q",
        title="epoch",
        scale=alt.Scale(domain=[0, max(last, 2)], nice=False),
        axis=alt.Axis(format="d"),
    )


def _points(rows: pd.DataFrame) -> bool:
    """A single epoch is a point: a line of it would be invisible."""
    return bool(rows["epoch"].nunique() < 2)


# how much of the axis "16/255" and "16" take where it is as narrow as on a phone
LABEL, NUMBER = (0.14, 0.06)
ROW = 12  # pixels


def rules(levels: Sequence[float], top: float, narrow: bool = False) -> alt.LayerChart:
    """Vertical rules at noise levels on an axis from 0 to top in 1/255, each with its label.

    Where the labels would cover each other they are bare numbers, as those of the axis are, in as
    many rows as it takes. narrow: the chart is small wherever it is shown.
    """
    at = [255 * eps for eps in levels]
    full = not narrow and max(_rows(at, LABEL * top), default=0) == 0
    texts = [show_level(eps) if full else f"{255 * eps:.4g}" for eps in levels]
    room = (2 if narrow else 1) * NUMBER * top
    rows = pd.DataFrame(
        {"at": at, "text": texts, "row": [0] * len(at) if full else _rows(at, room)}
    )
    line = (
        alt.Chart(rows)
        .mark_rule(strokeDash=[3, 3], opacity=0.7, color="#8a9091")
        .encode(alt.X("at:Q"))
    )
    parts = [_labels(part, int(str(row))) for row, part in rows.groupby("row")]
    return alt.layer(line, *parts)


def _rows(at: Sequence[float], room: float) -> list[int]:
    """The lowest row in which each label covers no other, from left to right; room: what a label
    takes, as `at`."""
    ends: list[float] = []  # of each row, where its last label is
    found = []
    for place in at:
        free = [row for row, end in enumerate(ends) if place - end >= room]
        row = free[0] if free else len(ends)
        ends[row : row + 1] = [place]
        found.append(row)
    return found


def _labels(rows: pd.DataFrame, row: int) -> alt.Chart:
    text = alt.Chart(rows).mark_text(
        align="center", baseline="bottom", dy=-4 - ROW * row, fontSize=11, color="#8a9091"
    )
    return text.encode(alt.X("at:Q"), alt.Y(value=0), alt.Text("text:N"))


def histogram(
    counts: pd.DataFrame, levels: Sequence[float], images: str = "training images"
) -> alt.LayerChart:
    """Margins of images in bins of 1/255 (the paper's Figs. 5 to 7).

    Found, reached and misclassified apart.

    counts: columns run, defense, kind, bin, n, percent; several runs are drawn over each other as
    shares, as they need not have the same number of images. Misclassified images have no margin:
    their bar stands left of 0.
    """
    correct = counts[counts["kind"] != MISCLASSIFIED]
    top = max(float(correct["bin"].max()) + 1 if len(correct) else 0.0, 255 * max(levels) + 1)
    rows, left = placed(counts, top)
    runs = list(dict.fromkeys(rows["run"]))
    scale = alt.Scale(domain=[left, top], nice=False)
    bars = (
        alt.Chart(rows, height=340)
        .mark_bar(binSpacing=0.5)
        .encode(
            alt.X("low:Q", title="margin (1/255)", bin="binned", scale=scale, axis=NOT_NEGATIVE),
            alt.X2("high:Q"),
            *(_of_one(rows, images) if len(runs) == 1 else _of_several(rows, runs, images)),
            tooltip=[
                "run:N",
                "kind:N",
                alt.Tooltip("low:Q", title="from (1/255)"),
                alt.Tooltip("high:Q", title="to (1/255)"),
                alt.Tooltip("n:Q", title="images"),
                alt.Tooltip("percent:Q", format=".1f", title="of all images (%)"),
            ],
        )
    )
    return alt.layer(bars, rules([e for e in levels if 255 * e <= top], top))


def lengths(rows: pd.DataFrame, images: str) -> alt.Chart:
    """Margins in L2, as lengths, by kind; rows: margin, kind. Misclassified images have none and
    are left out."""
    known = rows.loc[rows["kind"] != MISCLASSIFIED, ["margin", "kind"]]
    return (
        alt.Chart(known, height=340)
        .mark_bar()
        .encode(
            alt.X("margin:Q", title="margin (L2)", bin=alt.Bin(maxbins=40)),
            alt.Y("count():Q", title=images),
            kind_colour(rows[rows["kind"] != MISCLASSIFIED]),
            tooltip=[
                alt.Tooltip("margin:Q", bin=alt.Bin(maxbins=40), title="from (L2)"),
                "kind:N",
                alt.Tooltip("count():Q", title="images"),
            ],
        )
    )


def placed(counts: pd.DataFrame, top: float) -> tuple[pd.DataFrame, float]:
    """Where bars stand on an axis up to `top`, with columns low, high (1/255) and order.

    And where the axis begins.

    counts: kind, bin and more. The bar of misclassified images is as wide as can be seen, a gap
    left of 0.
    """
    wrong = counts["kind"] == MISCLASSIFIED
    wide = max(1.0, top / 25)
    low = counts["bin"].astype(float).mask(wrong, -1.5 * wide)
    high = (counts["bin"] + 1.0).mask(wrong, -0.5 * wide)
    left = -2 * wide if wrong.any() else 0.0
    return counts.assign(low=low, high=high, order=counts["kind"].map(KINDS.index)), left


def kind_colour(rows: pd.DataFrame, legend: alt.Legend | None = BELOW) -> alt.Color:
    """Bars coloured by what their margins say."""
    present = [kind for kind in KINDS if kind in set(rows["kind"])]
    scale = alt.Scale(domain=present, range=[KIND_COLOURS[kind] for kind in present])
    return alt.Color("kind:N", title=None, sort=present, legend=legend, scale=scale)


def _of_one(rows: pd.DataFrame, images: str) -> tuple[object, ...]:
    return alt.Y("n:Q", title=images), kind_colour(rows), alt.Order("order:Q")


def _of_several(rows: pd.DataFrame, runs: list[str], images: str) -> tuple[object, ...]:
    """Colours are runs; what was only reached is paler."""
    colours = run_colours(rows.drop_duplicates("run")[["run", "defense"]])
    present = [kind for kind in KINDS if kind in set(rows["kind"])]
    strong = {FOUND: 0.75, REACHED: 0.35, MISCLASSIFIED: 0.75}
    return (
        alt.Y("percent:Q", title=f"{images} (%)", stack=None),
        alt.Color(
            "run:N",
            title=None,
            sort=runs,
            legend=BELOW,
            scale=alt.Scale(domain=runs, range=colours),
        ),
        alt.Opacity(
            "kind:N",
            title=None,
            legend=None,
            scale=alt.Scale(domain=present, range=[strong[kind] for kind in present]),
        ),
    )


def run_colours(runs: pd.DataFrame) -> list[str]:
    """A colour for each run: its defense's; a second run of the same defense gets a free one."""
    used: list[str] = []
    for defense in runs["defense"]:
        wanted = colour(defense)
        free = [c for c in FREE if c not in used] or list(FREE)
        used.append(wanted if wanted not in used else free[0])
    return used


def fan(
    summary: pd.DataFrame,
    levels: Sequence[float],
    defense: str = "smd",
    schedule: pd.DataFrame | None = None,
) -> alt.LayerChart:
    """Margin quantiles over the epochs: 5-95 %, 25-75 %, the median.

    schedule: epoch, margin (1/255) that the schedule alone would reach, drawn as a dashed line.
    """
    rows = summary.copy()
    for name in ("q05", "q25", "q50", "q75", "q95"):
        rows[name] = 255 * rows[name]
    base = alt.Chart(rows, height=HEIGHT).encode(_epochs(int(rows["epoch"].max())))
    tip = [
        "epoch:Q",
        *(alt.Tooltip(f"{q}:Q", format=".1f") for q in ("q05", "q25", "q50", "q75", "q95")),
    ]
    y = alt.Y("q05:Q", title="margin (1/255)")
    main = colour(defense)
    alone = [] if schedule is None else [_alone(schedule, int(rows["epoch"].max()))]
    return alt.layer(
        base.mark_area(opacity=0.18, color=main).encode(y, alt.Y2("q95:Q"), tooltip=tip),
        base.mark_area(opacity=0.32, color=main).encode(
            y=alt.Y("q25:Q"), y2=alt.Y2("q75:Q"), tooltip=tip
        ),
        base.mark_line(strokeWidth=2.5, color=main, point=_points(rows)).encode(
            y=alt.Y("q50:Q"), tooltip=tip
        ),
        _levels_across(levels, float(rows["q95"].max())),
        *alone,
    )


def _alone(schedule: pd.DataFrame, last: int) -> alt.LayerChart:
    """The growth that nothing in the network has slowed, named where it ends."""
    rows = schedule[schedule["epoch"] <= last]
    base = alt.Chart(rows).encode(alt.X("epoch:Q"), alt.Y("margin:Q"))
    tip = ["epoch:Q", alt.Tooltip("margin:Q", format=".1f", title="schedule alone (1/255)")]
    line = base.mark_line(strokeDash=[5, 4], strokeWidth=1.8, color=COLOURS["std"]).encode(
        tooltip=tip
    )
    text = alt.Chart(rows.tail(1)).mark_text(
        align="right", baseline="bottom", dy=-6, color=COLOURS["std"], fontSize=12
    )
    words = text.encode(alt.X("epoch:Q"), alt.Y("margin:Q"), alt.TextValue("the schedule alone"))
    return alt.layer(line, words)


def _levels_across(levels: Sequence[float], top: float) -> alt.Chart:
    shown = [255 * e for e in levels if 255 * e <= 1.1 * top]
    return (
        alt.Chart(pd.DataFrame({"at": shown}))
        .mark_rule(strokeDash=[3, 3], opacity=0.6, color="#8a9091")
        .encode(alt.Y("at:Q"))
    )


FLAGS = {"expanded": "#1a8a94", "shrunk": "#c8641f", "kept": "#8a9091", "misclassified": "#9c5a96"}


def history(rows: pd.DataFrame) -> alt.LayerChart:
    """One sample's margin over the epochs, each point coloured by what happened there.

    Where the image is misclassified the point is the margin that SMD keeps for later, and says
    nothing.
    """
    rows = rows.assign(shown=255 * rows["margin"])
    scale = alt.Scale(domain=[0, max(1.0, float(rows["shown"].max()))])
    base = alt.Chart(rows, height=220).encode(
        _epochs(int(rows["epoch"].max())), alt.Y("shown:Q", title="margin (1/255)", scale=scale)
    )
    domain = [flag for flag in FLAGS if flag in set(rows["change"])]
    points = base.mark_point(filled=True, size=55, opacity=1).encode(
        alt.Color(
            "change:N",
            title=None,
            legend=ON_TOP,
            scale=alt.Scale(domain=domain, range=[FLAGS[f] for f in domain]),
        ),
        tooltip=[
            "epoch:Q",
            alt.Tooltip("shown:Q", format=".2f", title="margin (1/255)"),
            "kind:N",
            "change:N",
        ],
    )
    return alt.layer(base.mark_line(color="#8a9091", strokeWidth=1.5), points)


def robustness(rows: pd.DataFrame, legend: alt.Legend = SOLID) -> alt.LayerChart:
    """Accuracy against the noise level; rows: columns run, defense, norm, eps, percent, low, high
    (%)."""
    runs = list(dict.fromkeys(rows["run"]))
    colours = run_colours(rows.drop_duplicates("run")[["run", "defense"]])
    linf = "norm" not in rows or set(rows["norm"]) <= {"Linf"}
    rows = rows.assign(level=(255 if linf else 1) * rows["eps"])
    title = f"noise level ({'1/255' if linf else 'L2'})"
    scale = alt.Scale(domain=runs, range=colours)
    base = alt.Chart(rows, height=320).encode(
        alt.X("level:Q", title=title),
        alt.Color("run:N", title=None, sort=runs, scale=scale, legend=legend),
    )
    y = alt.Y("percent:Q", title="accuracy (%)", scale=alt.Scale(domain=[0, 100]))
    tip = [
        "run:N",
        alt.Tooltip("level:Q", title=title),
        alt.Tooltip("percent:Q", format=".2f", title="accuracy (%)"),
    ]
    band = base.mark_area(opacity=0.15).encode(
        alt.Y("low:Q", title="accuracy (%)"), alt.Y2("high:Q")
    )
    return alt.layer(band, base.mark_line(point=True, strokeWidth=2).encode(y, tooltip=tip))
