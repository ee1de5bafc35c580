"""The paper's figures, filled from one's own runs: what each shows, and of which run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import altair as alt
import pandas as pd

from smd import export, registry
from smd.config.schema import AttackConfig, MarginsConfig, TrainConfig
from smd.core.kinds import FOUND, KINDS, MISCLASSIFIED, REACHED
from smd.export.estimates import paired
from smd.runs.folders import Run
from smd.store import reader
from smd.units import px, show_level

from .. import data
from ..components import run_names, states
from . import curves, histograms, levels, style

HEIGHT = 260  # of a plot on the screen, pixels; files have sizes of their own, see figure_files
LEVEL = px(8)[0]  # the rule in histograms, and what shares are said of
PROBED = px(16, 8)  # how far PGD looks in Fig. 5, left and right
CURVE = px(1, 2, 4, 6, 8, 12, 16)  # noise levels of the last figure
UNDER = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=200)
LINES = alt.Legend(
    title=None, orient="bottom", columns=3, labelLimit=200, symbolOpacity=1, symbolType="stroke"
)
SAID = (  # of margins that were kept while training, see smd.core.kinds.MEANING
    "Found: the last search crossed the boundary. Reached: it met none, and the margin says how far"
    " the next one may go: no distance. Misclassified images have no margin and stand left of 0."
    " The rule is at 8/255."
)
LOOKED = (  # of estimations
    "Found margins are upper bounds. Reached: no boundary was met within the level, so the image"
    " stands where the search ended. Misclassified images have no margin and stand left of 0. The"
    " rule is at 8/255."
)
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
    runs: tuple[Run, ...] = ()  # that it is drawn from


@dataclass(frozen=True)
class Kind:
    """A figure that can be: which runs it may show, and how it is made of them."""

    name: str
    title: str
    # of all runs on the data, and those it shall show
    make: Callable[["Kind", Sequence[Run], Sequence[Run]], Figure]
    defense: str = ""  # "": several defenses beside each other


def _newest(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run.weights.exists() and states.readable(run)]


def candidates(runs: Sequence[Run], defense: str = "") -> list[Run]:
    """The trained runs that a figure may show, the newest first: those with the settings of tables
    before others."""
    found = [run for run in _newest(runs) if defense in ("", run.config.defense)]
    return sorted(found, key=lambda run: bool(run.config.params))


def usual(kind: Kind, runs: Sequence[Run]) -> list[Run]:
    """What a figure shows as long as nobody chooses: the newest run that fits, or of each defense
    one."""
    found = candidates(runs, kind.defense)
    if kind.defense:
        return found[:1]
    return list({run.config.defense: run for run in reversed(found)}.values())[::-1]


def of(runs: Sequence[Run], chosen: Chosen | None = None) -> list[Figure]:
    """The figures from runs on one data set, the newest first; chosen: where others are wanted than
    the usual."""
    return [figure(kind, runs, chosen or {}) for kind in FIGURES]


def figure(kind: Kind, runs: Sequence[Run], chosen: Chosen) -> Figure:
    """One figure of the runs chosen for it, else of the usual ones."""
    picked = [run for run in candidates(runs, kind.defense) if run.id in chosen.get(kind.name, ())]
    return kind.make(kind, runs, picked or usual(kind, runs))


def described(run: Run) -> str:
    """A run as a caption names it: what it is, how long it was trained, from which seed, on how
    much."""
    asked = run.config
    n = len(data.read(reader.samples, run.store, "train"))
    about = (
        f"{run_names.name(run.id)}: {asked.epochs} epochs, seed {asked.seed}, {asked.net}, {n:,}"
        " training images"
    )
    return f"{export.defense_title(asked)} ({about})"


def settings(run: Run) -> dict[str, str]:
    """What should be alike in runs that are compared, but for the defense."""
    asked = run.config
    return {
        "epochs": str(asked.epochs),
        "seed": str(asked.seed),
        "network": asked.net,
        "recipe": asked.recipe,
        "batch size": str(asked.batch),
        "training images": f"{len(data.read(reader.samples, run.store, 'train')):,}",
        "images": str(data.value(reader.meta, run.store).get("images", "")),
    }


def differing(runs: Sequence[Run]) -> list[str]:
    """In which settings these runs differ, each in words: "epochs 25 (b8e4), 3 (142f)"."""
    table = {run.id: settings(run) for run in runs}
    names = list(next(iter(table.values()), {}))
    unlike = [name for name in names if len({about[name] for about in table.values()}) > 1]
    return [_unlike(name, {key: about[name] for key, about in table.items()}) for name in unlike]


def _unlike(name: str, values: Mapping[str, str]) -> str:
    if name == "images":  # a hash says nothing to anybody
        return (
            "the images themselves, as their folder has changed between the runs or another size"
            " was asked for"
        )
    of_each = {
        value: [key[-4:] for key, own in values.items() if own == value]
        for value in values.values()
    }
    return f"{name} " + ", ".join(f"{value} ({', '.join(keys)})" for value, keys in of_each.items())


def _some(run: Run, most: int) -> int:
    """So many test images, or all if there are fewer."""
    return min(most, len(data.read(reader.samples, run.store, "test")))


def _training(runs: Sequence[Run], defense: str) -> TrainConfig:
    """What trains this defense like the newest trained run, so that the two can be compared."""
    base = next(iter(_newest(runs)), runs[0]).config
    return TrainConfig(
        data=base.data,
        data_path=base.data_path,
        image_size=base.image_size,
        skip_broken=base.skip_broken,
        channels=base.channels,
        net=base.net,
        defense=defense,
        epochs=base.epochs,
        n_train=base.n_train,
        seed=base.seed,
        device=base.device,
    )


def probed(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Fig. 5: margins of a clean network by PGD that looks 16/255 and 8/255 far."""
    if not shown:
        return Figure(
            kind.name,
            kind.title,
            "It takes a network trained on clean images.",
            missing=_training(runs, "std"),
        )
    run = shown[0]
    table = data.brief(reader.estimates, run.store)
    table = table[(table["method"] == "pgd") & (table["norm"] == "Linf")]
    pairs = [
        part
        for _, part in table.groupby(["split", "n"])
        if part["eps"].map(show_level).nunique() > 1
    ]
    found = [
        [part[part["eps"].map(show_level) == show_level(eps)] for eps in PROBED] for part in pairs
    ]
    found = [parts for parts in found if not any(part.empty for part in parts)]
    if not found:
        asked = MarginsConfig(run.id, "pgd", levels=tuple(sorted(PROBED)), n=_some(run, 1000))
        return Figure(
            kind.name,
            kind.title,
            f"It takes an estimation of {described(run)} at both levels.",
            missing=asked,
            targets=(run,),
        )
    ids = [part["id"].iloc[-1] for part in found[-1]]
    counts = [data.read(reader.estimate_hist, run.store, one) for one in ids]
    rows = [data.read(reader.estimate_results, run.store, one) for one in ids]
    n, split = int(found[-1][0]["n"].iloc[0]), found[-1][0]["split"].iloc[0]
    panels = tuple(
        _histogram(one, counts, f"{split} images").properties(title=f"PGD {show_level(eps)}")
        for eps, one in zip(PROBED, counts, strict=True)
    )
    each = [f"PGD {show_level(eps)}: {counted(one)}" for eps, one in zip(PROBED, rows, strict=True)]
    about = f"{described(run)}; {n:,} {split} images. {'. '.join(each)}. {_medians(*rows)} {LOOKED}"
    return Figure(kind.name, kind.title, about, panels, runs=(run,))


def counted(rows: pd.DataFrame) -> str:
    """How many images of each kind: "10 found, 288 reached, 2 misclassified"."""
    count = rows["kind"].value_counts()
    return ", ".join(f"{count.get(kind, 0):,} {kind}" for kind in KINDS)


def _medians(one: pd.DataFrame, two: pd.DataFrame) -> str:
    """What the distance looked at does to the median, on the images where it can be compared."""
    pair = paired(one, two)
    if not pair.n:
        return "No image met a boundary within both levels, so their medians cannot be compared."
    first, second = (f"{255 * median:.1f}/255" for median in pair.medians)
    return (
        f"On the {pair.n:,} images that met a boundary within both, the medians are {first} and"
        f" {second}."
    )


def margins(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Figs. 6 and 7: the margins that a defense has kept of its training images."""
    run = shown[0] if shown else None
    epochs = data.read(reader.margin_summary, run.store)["epoch"] if run else pd.Series(dtype=int)
    if run is None or epochs.empty:
        what = registry.DEFENSES[kind.defense].title
        missing = _training(runs, kind.defense)
        return Figure(
            kind.name, kind.title, f"It takes a run of {what} with its margins.", missing=missing
        )
    last = int(epochs.max())
    counts = data.read(reader.margin_hist, run.store, last)
    rows = data.read(reader.margins, run.store, last)
    about = f"{described(run)}, after epoch {last}: {counted(rows)}. {beyond(rows)} {SAID}"
    return Figure(
        kind.name,
        kind.title,
        about,
        (_histogram(counts, [counts], "training images"),),
        runs=(run,),
    )


def beyond(rows: pd.DataFrame, level: float = LEVEL) -> str:
    """How many images are correct and beyond the level, and how many of these have met a boundary;
    rows: margins."""
    far = rows[(rows["kind"] != MISCLASSIFIED) & (rows["margin"] > level)]["kind"].value_counts()
    return (
        f"{far.sum():,} of {len(rows):,} training images are classified correctly and beyond"
        f" {show_level(level)}; of these {far.get(FOUND, 0):,} found, {far.get(REACHED, 0):,}"
        " reached."
    )


def _histogram(counts: pd.DataFrame, beside: Sequence[pd.DataFrame], images: str) -> alt.LayerChart:
    """Bins of 1/255 by kind, a rule at 8/255; counts: kind, bin, n; beside: all that shares its
    axes."""
    every = pd.concat(beside)
    top = max(255 * LEVEL + 1, float(every["bin"].max()) + 1)
    left = histograms.placed(every, top)[1]
    high = max(float(one.groupby("bin")["n"].sum().max()) for one in beside)
    rows, _ = histograms.placed(counts, top)
    scale = alt.Scale(domain=[left, top], nice=False)
    bars = (
        alt.Chart(rows)
        .mark_bar(binSpacing=0.5)
        .encode(
            alt.X(
                "low:Q", title="margin (1/255)", bin="binned", scale=scale, axis=style.NOT_NEGATIVE
            ),
            alt.X2("high:Q"),
            alt.Y("n:Q", title=images, scale=alt.Scale(domain=[0, high])),
            style.kind_colour(every, UNDER),
            alt.Order("order:Q"),
            tooltip=[
                "kind:N",
                alt.Tooltip("low:Q", title="from (1/255)"),
                alt.Tooltip("n:Q", title="images"),
            ],
        )
    )
    at = pd.DataFrame({"at": [255 * LEVEL]})
    rule = alt.Chart(at).mark_rule(strokeDash=[3, 3], color="#8a9091").encode(alt.X("at:Q"))
    return alt.layer(bars, rule).properties(height=HEIGHT)


def training_curves(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Fig. 8: clean and noisy accuracy over the epochs of SMD."""
    if not shown:
        return Figure(
            kind.name, kind.title, "It takes a run of SMD.", missing=_training(runs, "smd")
        )
    chart = curves.accuracy(data.read(reader.metrics, shown[0].store)).properties(height=HEIGHT)
    about = (
        f"{described(shown[0])}. Noisy: under a quick PGD of ten steps. Training dashed, validation"
        " solid."
    )
    return Figure(kind.name, kind.title, about, (chart,), runs=(shown[0],))


def robustness(kind: Kind, runs: Sequence[Run], shown: Sequence[Run]) -> Figure:
    """Accuracy against the noise level, a line a run."""
    if not shown:
        return Figure(
            kind.name, kind.title, "It takes a finished run.", missing=_training(runs, "smd")
        )
    names = {run.id: f"{export.defense_title(run.config)} {run.id[-4:]}" for run in shown}
    tables = {
        names[run.id]: (run.config, data.brief(reader.attack_table, run.store)) for run in shown
    }
    points = export.robustness_points(
        {name: (config, _linf(table)) for name, (config, table) in tables.items()}
    )
    if points["eps"].nunique() < 3:
        asked = AttackConfig(
            shown[0].id,
            "ce-pgd",
            {"steps": 20},
            levels=CURVE,
            n=min(_some(run, 500) for run in shown),
            seeds=(0,),
        )
        return Figure(
            kind.name,
            kind.title,
            "It takes an attack at several noise levels.",
            missing=asked,
            targets=tuple(shown),
        )
    drawn = [run for run in shown if names[run.id] in set(points["run"])]
    attack = export.attack_title(
        points["attack"].iloc[0], points["note"].iloc[0], int(points["steps"].iloc[0])
    )
    seen = points.groupby("run")["n"].max()
    of_each = [f"{described(run)} on {seen[names[run.id]]:,} test images" for run in drawn]
    absent = [run_names.name(run.id) for run in shown if run not in drawn]
    left_out = (
        f" Not drawn, as they have not seen this attack: {', '.join(absent)}." if absent else ""
    )
    about = (
        f"{attack}, the mean over its seeds; a line a training, bands are 95 % intervals for that"
        f" many images. {'; '.join(of_each)}.{left_out}"
    )
    chart = levels.robustness(points, LINES).properties(height=HEIGHT)
    return Figure(
        kind.name, kind.title, about, (chart,), warning=_unfair(drawn, seen), runs=tuple(drawn)
    )


def _linf(table: pd.DataFrame) -> pd.DataFrame:
    """An L2 level is a length, and stands on no axis in 1/255."""
    return table[table["norm"] == "Linf"]


def _unfair(drawn: Sequence[Run], seen: "pd.Series[int]") -> str:
    """Why lines beside each other may mislead, in a sentence or two; "" where nothing is known
    against them."""
    unlike = differing(drawn)
    found = (
        [f"These runs differ in more than their defense: {'; '.join(unlike)}."] if unlike else []
    )
    counts = ["They have not seen the same number of images."] if seen.nunique() > 1 else []
    return " ".join(found + counts)


FIGURES = (
    Kind(
        "fig-5",
        "Fig. 5 · PGD's margins of a clean network, looking 16/255 and 8/255 far",
        probed,
        "std",
    ),
    Kind("fig-6", "Fig. 6 · SMD's margins", margins, "smd"),
    Kind("fig-7", "Fig. 7 · MMA's margins", margins, "mma"),
    Kind(
        "fig-8", "Fig. 8 · SMD's clean and noisy accuracy while it trains", training_curves, "smd"
    ),
    Kind("accuracy-noise", "Accuracy against the noise level", robustness),
)
