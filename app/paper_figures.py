"""The paper's figures, filled from one's own runs: which run each takes, and how it is drawn for print."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import altair as alt
import charts
import curves
import data
import pandas as pd
import ui

from smd import commands, export, registry
from smd.config import AttackConfig, MarginsConfig, TrainConfig
from smd.errors import UserError
from smd.runs import Run
from smd.store import reader
from smd.units import px, show_level

Form = Literal["svg", "png", "json"]
WIDTH, HEIGHT = 312, 200  # pixels: a column of a two-column page, 3.25 inches at 96 pixels an inch
PPI = 300
PROBED = px(16, 8)  # how far PGD looks in Fig. 5, left and right
CURVE = px(1, 2, 4, 6, 8, 12, 16)  # noise levels of the last figure
# The plot itself is as large as it is told, and axes and legend come on top: the plots of a paper align.
AROUND = alt.AutoSizeParams(type="pad", contains="content")


@dataclass(frozen=True)
class Figure:
    """One figure: drawn, or what to run so that it can be."""

    name: str  # "fig-6", as its files are called
    title: str
    about: str  # what is seen, and in which run
    chart: alt.Chart | alt.LayerChart | alt.HConcatChart | None = None
    missing: str = ""  # the shell command that fills it


def of(runs: Sequence[Run]) -> list[Figure]:
    """The figures from runs on one data set, the newest first."""
    return [_sized(figure(runs)) for figure in FIGURES]


def _sized(figure: Figure) -> Figure:
    return figure if figure.chart is None else replace(figure, chart=figure.chart.properties(autosize=AROUND))


def _newest(runs: Sequence[Run], defense: str) -> Run | None:
    """The newest finished run of a defense with the settings of its tables, else of any."""
    found = [run for run in runs if run.config.defense == defense and run.weights.exists() and ui.readable(run)]
    return next((run for run in found if not run.config.params), found[0] if found else None)


def _some(run: Run, most: int) -> int:
    """So many test images, or all if there are fewer."""
    return min(most, len(data.read(reader.samples, run.store, "test")))


def _training(runs: Sequence[Run], defense: str) -> str:
    """The command that trains this defense like the newest run."""
    base = runs[0].config
    wanted = TrainConfig(
        data=base.data, data_path=base.data_path, image_size=base.image_size, net=base.net, defense=defense,
        epochs=base.epochs, n_train=base.n_train,
    )  # fmt: skip
    return commands.train_command(wanted)


def probed(runs: Sequence[Run]) -> Figure:
    """Fig. 5: margins of a clean network by PGD that looks 16/255 and 8/255 far."""
    name, title = "fig-5", "Fig. 5 · PGD's margins of a clean network depend on how far it looks"
    run = _newest(runs, "std")
    if run is None:
        return Figure(name, title, "It takes a network trained on clean images.", missing=_training(runs, "std"))
    table = data.brief(reader.estimates, run.store)
    table = table[(table["method"] == "pgd") & (table["norm"] == "Linf")]
    pairs = [part for _, part in table.groupby(["split", "n"]) if part["eps"].map(show_level).nunique() > 1]
    found = [[part[part["eps"].map(show_level) == show_level(eps)] for eps in PROBED] for part in pairs]
    found = [parts for parts in found if not any(part.empty for part in parts)]
    if not found:
        asked = MarginsConfig(run.id, "pgd", levels=tuple(sorted(PROBED)), n=_some(run, 1000))
        return Figure(name, title, "It takes an estimation at both levels.", missing=commands.margins_command(asked))
    parts = [
        _histogram(data.read(reader.estimate_hist, run.store, part["id"].iloc[-1]), run.config.defense)
        .properties(width=WIDTH // 2 - 20, height=HEIGHT, title=f"PGD {show_level(eps)}")
        for eps, part in zip(PROBED, found[-1], strict=True)
    ]  # fmt: skip
    about = (
        f"{ui.name(run.id)}, {int(found[-1][0]['n'].iloc[0]):,} {found[-1][0]['split'].iloc[0]} images; rule at 8/255."
    )
    return Figure(name, title, about, alt.hconcat(*parts).resolve_scale(y="shared", x="shared"))


def _margins(defense: str, name: str, title: str) -> Callable[[Sequence[Run]], Figure]:
    def figure(runs: Sequence[Run]) -> Figure:
        run = _newest(runs, defense)
        epochs = data.read(reader.margin_summary, run.store)["epoch"] if run else pd.Series(dtype=int)
        if run is None or epochs.empty:
            what = registry.DEFENSES[defense].title
            return Figure(name, title, f"It takes a run of {what} with its margins.", missing=_training(runs, defense))
        last = int(epochs.max())
        beyond = data.value(reader.share_beyond, run.store, last, (px(8)[0],))
        share = f"{100 * next(iter(beyond.values())):.1f} % of the training images lie beyond 8/255"
        chart = _histogram(data.read(reader.margin_hist, run.store, last), defense)
        return Figure(
            name, title, f"{ui.name(run.id)}, epoch {last}; {share}.", chart.properties(width=WIDTH, height=HEIGHT)
        )

    return figure


def _histogram(counts: pd.DataFrame, defense: str) -> alt.LayerChart:
    """Bins of 1/255 in the defense's colour, a rule at 8/255; counts: bin, n."""
    rows = counts.assign(low=counts["bin"].astype(float), high=counts["bin"] + 1.0)
    scale = alt.Scale(domain=[0, max(9.0, float(rows["high"].max()))])
    bars = (
        alt.Chart(rows)
        .mark_bar(color=charts.colour(defense), binSpacing=0.5)
        .encode(
            alt.X("low:Q", title="margin (1/255)", bin="binned", scale=scale), alt.X2("high:Q"),
            alt.Y("n:Q", title="images"),
            tooltip=[alt.Tooltip("low:Q", title="from (1/255)"), alt.Tooltip("n:Q", title="images")],
        )
    )  # fmt: skip
    rule = alt.Chart(pd.DataFrame({"at": [8.0]})).mark_rule(strokeDash=[3, 3], color="#8a9091").encode(alt.X("at:Q"))
    return alt.layer(bars, rule)


def training_curves(runs: Sequence[Run]) -> Figure:
    """Fig. 8: clean and noisy accuracy over the epochs of SMD."""
    name, title = "fig-8", "Fig. 8 · SMD's clean and noisy accuracy while it trains"
    run = _newest(runs, "smd")
    if run is None:
        return Figure(name, title, "It takes a run of SMD.", missing=_training(runs, "smd"))
    chart = curves.accuracy(data.read(reader.metrics, run.store))
    about = f"{ui.name(run.id)}; quick PGD of ten steps, training dashed, validation solid."
    return Figure(name, title, about, chart.properties(width=WIDTH, height=HEIGHT))


def robustness(runs: Sequence[Run]) -> Figure:
    """Accuracy against the noise level, the newest run of each defense."""
    name, title = "accuracy-noise", "Accuracy against the noise level"
    defenses = dict.fromkeys(run.config.defense for run in reversed(runs))
    newest = {defense: run for defense in defenses if (run := _newest(runs, defense))}
    tables = {
        export.defense_title(run.config): (run.config, data.brief(reader.attack_table, run.store))
        for run in newest.values()
    }
    if not newest:
        return Figure(name, title, "It takes a finished run.", missing=_training(runs, "smd"))
    points = export.robustness_points(tables)
    if points["eps"].nunique() < 3:
        first, *others = newest.values()
        asked = AttackConfig(first.id, "ce-pgd", {"steps": 20}, levels=CURVE, n=_some(first, 500), seeds=(0,))
        command = commands.attack_command(asked, *(run.id for run in others))
        return Figure(name, title, "It takes an attack at several noise levels.", missing=command)
    attack = f"{export.attack_title(points['attack'].iloc[0])}, {points['steps'].iloc[0]} steps"
    chart = charts.robustness(points, alt.Legend(title=None, symbolOpacity=1, symbolType="stroke"))
    chart = chart.properties(width=WIDTH, height=HEIGHT)
    return Figure(name, title, f"Test images under {attack}; bands are 95 % intervals.", chart)


FIGURES = (
    probed,
    _margins("smd", "fig-6", "Fig. 6 · SMD's margins"),
    _margins("mma", "fig-7", "Fig. 7 · MMA's margins"),
    training_curves,
    robustness,
)


def printed(figure: Figure) -> alt.TopLevelMixin:
    """The chart as it stands on white paper."""
    if figure.chart is None:
        raise UserError(f"{figure.title} is not there yet.")
    return (
        figure.chart.configure(background="white", font="Helvetica, Arial, sans-serif")
        .configure_axis(labelFontSize=9, titleFontSize=9, titleFontWeight="normal", gridOpacity=0.4)
        .configure_legend(labelFontSize=9, titleFontSize=9)
        .configure_title(fontSize=10, fontWeight="normal")
        .configure_view(stroke=None)
    )


def as_file(figure: Figure, form: Form) -> bytes:
    """The figure at paper size as SVG, PNG of 300 pixels an inch, or Vega-Lite JSON with its data."""
    chart = printed(figure)
    if form == "json":
        return str(chart.to_json()).encode()
    if form == "svg":
        text = io.StringIO()
        chart.save(text, format="svg")
        return text.getvalue().encode()
    picture = io.BytesIO()
    chart.save(picture, format="png", ppi=PPI)
    return picture.getvalue()
