"""The paper's figures, filled from one's own runs: what each shows, and of which run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import altair as alt
import charts
import curves
import data
import pandas as pd
import ui

from smd import export, registry
from smd.config import AttackConfig, MarginsConfig, TrainConfig
from smd.kinds import FOUND, MISCLASSIFIED, REACHED
from smd.runs import Run
from smd.store import reader
from smd.units import px, show_level

WIDTH, HEIGHT = 312, 200  # pixels: a column of a two-column page, 3.25 inches at 96 pixels an inch
PROBED = px(16, 8)  # how far PGD looks in Fig. 5, left and right
CURVE = px(1, 2, 4, 6, 8, 12, 16)  # noise levels of the last figure
SETTINGS = ("epochs", "seed", "net", "recipe", "batch", "n_train", "image_size")  # what should be alike
Plot: TypeAlias = alt.Chart | alt.LayerChart
Chosen = Mapping[str, Sequence[str]]  # a figure's name -> ids of the runs that it shall show


@dataclass(frozen=True)
class Figure:
    """One figure: drawn, or what to run so that it can be."""

    name: str  # "fig-6", as its files are called
    title: str
    about: str  # what is seen, and in which run
    panels: tuple[Plot, ...] = ()  # beside each other
    missing: TrainConfig | MarginsConfig | AttackConfig | None = None  # what fills it
    targets: tuple[Run, ...] = ()  # the trained runs that this is for
    warning: str = ""  # why what is seen may mislead


@dataclass(frozen=True)
class Kind:
    """A figure that can be: which runs it may show, and how it is made of them."""

    name: str
    title: str
    make: Callable[["Kind", Sequence[Run], Sequence[Run]], Figure]  # of all runs on the data, and those it shall show
    defense: str = ""  # "": several defenses beside each other


def candidates(runs: Sequence[Run], defense: str = "") -> list[Run]:
    """The trained runs that a figure may show, the newest first: those with the settings of tables before others."""
    found = [run for run in runs if run.weights.exists() and ui.readable(run)]
    found = [run for run in found if defense in ("", run.config.defense)]
    return sorted(found, key=lambda run: bool(run.config.params))


def usual(kind: Kind, runs: Sequence[Run]) -> list[Run]:
    """What a figure shows as long as nobody chooses: the newest run that fits, or of each defense one."""
    found = candidates(runs, kind.defense)
    if kind.defense:
        return found[:1]
    return list({run.config.defense: run for run in reversed(found)}.values())[::-1]


def of(runs: Sequence[Run], chosen: Chosen | None = None) -> list[Figure]:
    """The figures from runs on one data set, the newest first; chosen: where others are wanted than the usual."""
    return [figure(kind, runs, chosen or {}) for kind in KINDS]


def figure(kind: Kind, runs: Sequence[Run], chosen: Chosen) -> Figure:
    """One figure of the runs chosen for it, else of the usual ones."""
    picked = [run for run in candidates(runs, kind.defense) if run.id in chosen.get(kind.name, ())]
    return kind.make(kind, runs, picked or usual(kind, runs))


def described(run: Run) -> str:
    """A run as a caption names it: what it is, how long it was trained, from which seed, on how much."""
    asked = run.config
    n = len(data.read(reader.samples, run.store, "train"))
    about = f"{ui.name(run.id)}: {asked.epochs} epochs, seed {asked.seed}, {asked.net}, {n:,} training images"
    return f"{export.defense_title(asked)} ({about})"


def differing(runs: Sequence[Run]) -> str:
    """In which settings the runs of one figure differ, in a sentence; "" where they are alike."""
    values = {name: sorted({str(getattr(run.config, name)) for run in runs}) for name in SETTINGS}
    unlike = [f"{name.replace('_', ' ')} ({', '.join(found)})" for name, found in values.items() if len(found) > 1]
    return f"These runs differ in more than their defense: {'; '.join(unlike)}." if unlike else ""


def _some(run: Run, most: int) -> int:
    """So many test images, or all if there are fewer."""
    return min(most, len(data.read(reader.samples, run.store, "test")))


def _training(runs: Sequence[Run], defense: str) -> TrainConfig:
    """What trains this defense like the newest run."""
    base = runs[0].config
    return TrainConfig(
        data=base.data, data_path=base.data_path, image_size=base.image_size, net=base.net, defense=defense,
        epochs=base.epochs, n_train=base.n_train, device=base.device,
    )  # fmt: skip


def probed(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Fig. 5: margins of a clean network by PGD that looks 16/255 and 8/255 far."""
    if not shown:
        return Figure(
            kind.name, kind.title, "It takes a network trained on clean images.", missing=_training(runs, "std")
        )
    run = shown[0]
    table = data.brief(reader.estimates, run.store)
    table = table[(table["method"] == "pgd") & (table["norm"] == "Linf")]
    pairs = [part for _, part in table.groupby(["split", "n"]) if part["eps"].map(show_level).nunique() > 1]
    found = [[part[part["eps"].map(show_level) == show_level(eps)] for eps in PROBED] for part in pairs]
    found = [parts for parts in found if not any(part.empty for part in parts)]
    if not found:
        asked = MarginsConfig(run.id, "pgd", levels=tuple(sorted(PROBED)), n=_some(run, 1000))
        return Figure(
            kind.name, kind.title, f"It takes an estimation of {described(run)} at both levels.", missing=asked,
            targets=(run,),
        )  # fmt: skip
    counts = [data.read(reader.estimate_hist, run.store, part["id"].iloc[-1]) for part in found[-1]]
    panels = tuple(
        _histogram(one, counts, WIDTH // 2 - 56).properties(title=f"PGD {show_level(eps)}")
        for eps, one in zip(PROBED, counts, strict=True)
    )
    n, split = int(found[-1][0]["n"].iloc[0]), found[-1][0]["split"].iloc[0]
    about = f"{described(run)}, {n:,} {split} images. Found margins are upper bounds; rule at 8/255."
    return Figure(kind.name, kind.title, about, panels)


def margins(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Figs. 6 and 7: the margins that a defense has kept of its training images."""
    run = shown[0] if shown else None
    epochs = data.read(reader.margin_summary, run.store)["epoch"] if run else pd.Series(dtype=int)
    if run is None or epochs.empty:
        what = registry.DEFENSES[kind.defense].title
        missing = _training(runs, kind.defense)
        return Figure(kind.name, kind.title, f"It takes a run of {what} with its margins.", missing=missing)
    last = int(epochs.max())
    counts = data.read(reader.margin_hist, run.store, last)
    rows = data.read(reader.margins, run.store, last)
    far = rows[(rows["kind"] != MISCLASSIFIED) & (rows["margin"] > px(8)[0])]["kind"].value_counts()
    about = (
        f"{described(run)}, after epoch {last}: {far.sum():,} of {len(rows):,} training images are correct "
        f"with a margin beyond 8/255; for {far.get(FOUND, 0):,} of these a boundary was found, for "
        f"{far.get(REACHED, 0):,} the search reached that far without meeting one."
    )
    return Figure(kind.name, kind.title, about, (_histogram(counts, [counts]),))


def _histogram(counts: pd.DataFrame, all_of_them: Sequence[pd.DataFrame], width: int = WIDTH) -> alt.LayerChart:
    """Bins of 1/255 by kind, a rule at 8/255; counts: kind, bin, n; all_of_them: what shares its axes."""
    every = pd.concat(all_of_them)
    top = max(9.0, float(every["bin"].max()) + 1)
    left = charts.placed(every, top)[1]
    high = float(every.groupby("bin")["n"].sum().groupby(level=0).max().max()) if len(all_of_them) == 1 else None
    rows, _ = charts.placed(counts, top)
    scale = alt.Scale(domain=[left, top], nice=False)
    bars = (
        alt.Chart(rows, width=width, height=HEIGHT)
        .mark_bar(binSpacing=0.5)
        .encode(
            alt.X("low:Q", title="margin (1/255)", bin="binned", scale=scale, axis=charts.NOT_NEGATIVE),
            alt.X2("high:Q"),
            alt.Y("n:Q", title="images", scale=alt.Scale(domainMax=high) if high else alt.Scale()),
            charts.kind_colour(every), alt.Order("order:Q"),
            tooltip=["kind:N", alt.Tooltip("low:Q", title="from (1/255)"), alt.Tooltip("n:Q", title="images")],
        )
    )  # fmt: skip
    rule = alt.Chart(pd.DataFrame({"at": [8.0]})).mark_rule(strokeDash=[3, 3], color="#8a9091").encode(alt.X("at:Q"))
    return alt.layer(bars, rule)


def training_curves(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Fig. 8: clean and noisy accuracy over the epochs of SMD."""
    if not shown:
        return Figure(kind.name, kind.title, "It takes a run of SMD.", missing=_training(runs, "smd"))
    chart = curves.accuracy(data.read(reader.metrics, shown[0].store)).properties(width=WIDTH, height=HEIGHT)
    about = f"{described(shown[0])}; quick PGD of ten steps, training dashed, validation solid."
    return Figure(kind.name, kind.title, about, (chart,))


def robustness(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Accuracy against the noise level, a line a run."""
    if not shown:
        return Figure(kind.name, kind.title, "It takes a finished run.", missing=_training(runs, "smd"))
    names = {run.id: f"{export.defense_title(run.config)} {run.id[-4:]}" for run in shown}
    tables = {names[run.id]: (run.config, data.brief(reader.attack_table, run.store)) for run in shown}
    points = export.robustness_points(tables)
    if points["eps"].nunique() < 3:
        asked = AttackConfig(shown[0].id, "ce-pgd", {"steps": 20}, levels=CURVE, n=_some(shown[0], 500), seeds=(0,))
        return Figure(
            kind.name, kind.title, "It takes an attack at several noise levels.", missing=asked, targets=tuple(shown)
        )
    drawn = [run for run in shown if names[run.id] in set(points["run"])]
    attack = export.attack_title(points["attack"].iloc[0], points["note"].iloc[0], int(points["steps"].iloc[0]))
    counts = sorted({int(n) for n in points["n"]})
    images = " or ".join(f"{n:,}" for n in counts)
    left_out = len(shown) - len(drawn)
    about = (
        f"{images} test images under {attack}; bands are 95 % intervals for that many images, one training a line: "
        f"{'; '.join(map(described, drawn))}." + (f" {left_out} more have not seen this attack." if left_out else "")
    )
    chart = charts.robustness(points, alt.Legend(title=None, orient="bottom", columns=3, symbolType="stroke"))
    chart = chart.properties(width=WIDTH, height=HEIGHT)
    warning = differing(drawn) or ("They have not seen the same number of images." if len(counts) > 1 else "")
    return Figure(kind.name, kind.title, about, (chart,), warning=warning)


KINDS = (
    Kind("fig-5", "Fig. 5 · PGD's margins of a clean network depend on how far it looks", probed, "std"),
    Kind("fig-6", "Fig. 6 · SMD's margins", margins, "smd"),
    Kind("fig-7", "Fig. 7 · MMA's margins", margins, "mma"),
    Kind("fig-8", "Fig. 8 · SMD's clean and noisy accuracy while it trains", training_curves, "smd"),
    Kind("accuracy-noise", "Accuracy against the noise level", robustness),
)
