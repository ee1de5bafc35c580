"""Where attacks disagree: which of them fool the network on which images, and the gaps between
their accuracies."""

from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from smd import export, registry
from smd.analysis import agreement
from smd.analysis import gaps as between
from smd.config.schema import AttackConfig
from smd.frames import tuples
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title

from .. import data
from ..charts import agreement as agreement_charts
from ..components import downloads, gallery, offers, tables

ONE_ATTACK = "This needs two attacks on the same images: add a stronger one."
OTHER_IMAGES = "No image was attacked by all of them: attack the same number of images."
ONCE = "each counts once, by the weakest attack that fools the network, with any of its seeds."
NO_GAP = "A gap needs two of CE-PGD, CE-CW-PGD and AutoAttack at one level and on the same images."
PERCENTS: list[Hashable] = ["before (%)", "after (%)", "gap (points)"]
READ_GAPS = (
    "against every seed of an attack, on the images that both attacks have seen. p is that of"
    " McNemar's exact test, or of one over patients where they are known."
    f" Gaps of more than {between.LARGE:g} points are coloured and explained"
    " where p is below 5 %."
)


def patterns(
    run: Run, outcomes: pd.DataFrame, split: str, eps: float, norm: str, weights: str = "last"
) -> None:
    """Which attacks fool the network of these weights on which images at one noise level; outcomes:
    reader.outcomes."""
    st.header(f"Where attacks disagree at {level_title(eps, norm)}")
    outcomes = agreement.by_themselves(outcomes)
    if outcomes["name"].nunique() < 2:
        st.info(ONE_ATTACK, icon=":material/bolt:")
        n = int(outcomes["n"].max()) if len(outcomes) else 0
        config = AttackConfig(run.id, _missing(outcomes), split=split, n=n, levels=(eps,))
        offers.offer("stronger", replace(config, norm=norm, weights=weights), run)
        return
    weakest = agreement.patterns(outcomes)
    counts = agreement.counted(weakest)
    if counts.empty:
        st.info(OTHER_IMAGES, icon=":material/info:")
        return
    titles = ", ".join(dict.fromkeys(title(settings) for settings in agreement.deciding(outcomes)))
    st.caption(f"{len(weakest):,} {split} images seen by {titles}; {ONCE}")
    st.altair_chart(
        agreement_charts.patterns(counts),
        key="patterns",
        alt="; ".join(f"{row.pattern}: {row.n} images" for row in counts.itertuples()),
    )
    chosen = _choose(list(counts["pattern"]))
    gallery.show(run, weakest.loc[weakest["pattern"] == chosen, ["idx"]], split, "pattern")


def _choose(names: list[str]) -> str:
    """The pattern whose images are shown, the strongest attack's as long as nobody chooses."""
    fooled = [k for k, name in enumerate(names) if name != agreement.WITHSTOOD]
    first = max(fooled, default=0)
    return st.selectbox("Images", names, first, key="pattern", bind="query-params", width=360)


def _missing(outcomes: pd.DataFrame) -> str:
    """The strongest attack that these images have not seen."""
    seen = set(outcomes["name"].unique())
    return next(name for name in reversed(registry.by_strength()) if name not in seen)


def title(settings: agreement.AttackSettings) -> str:
    """An attack with the steps and settings that tell it from others of its name."""
    return export.attack_title(settings.name, settings.note, settings.steps)


def gaps(run: Run, split: str, norm: str) -> None:
    """What stronger attacks take from the accuracy of a run, on the images that both have seen."""
    st.header("Gaps between attacks")
    rows, left = data.value(_gaps, run.store, split, norm)
    if left:
        st.caption(left)
    if rows.empty:
        st.info(NO_GAP, icon=":material/info:")
        return
    shown = gap_table(rows)
    style = shown.style.format("{:.2f}", subset=PERCENTS).format("{:.2g}", subset=["p"])
    tables.show(style.apply(lambda row: _paint(rows["flag"], row), axis=1), key="gaps")
    for (weaker, stronger, meaning), part in rows[rows["flag"]].groupby(
        ["weaker", "stronger", "meaning"], sort=False
    ):
        levels = ", ".join(dict.fromkeys(shown.loc[part.index, "level"]))
        st.markdown(f"**{weaker} to {stronger} at {levels}:** {meaning}")
    st.caption(f"Share of {split} images that are robust {READ_GAPS}")
    downloads.of_table(shown, f"{run.id}-{split}-gaps")


def _gaps(store: Path, split: str, norm: str) -> tuple[pd.DataFrame, str]:
    """The gaps, and what is left out of them: every verdict on every image is looked at."""
    verdicts = data.read(reader.image_verdicts, store)
    verdicts = verdicts[(verdicts["split"] == split) & (verdicts["norm"] == norm)]
    return between.gaps(verdicts), between.taken_over(verdicts)


def gap_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The gaps as they are shown; rows: as from smd.analysis.gaps."""
    return pd.DataFrame(
        {
            "level": [level_title(row.eps, row.norm) for row in tuples(rows)],
            "images": rows["n"],
            "from": [worst(row.weaker, row.weaker_seeds) for row in tuples(rows)],
            "to": [worst(row.stronger, row.stronger_seeds) for row in tuples(rows)],
            "before (%)": rows["before"],
            "after (%)": rows["after"],
            "gap (points)": rows["gap"],
            "fooled by first only": rows["only_weaker"],
            "fooled by second only": rows["only_stronger"],
            "p": rows["p"],
        }
    )


def worst(attack: str, seeds: int) -> str:
    """An attack, and how many seeds its verdicts are the worst of."""
    return attack + (f", worst of {seeds} seeds" if seeds > 1 else "")


def _paint(flags: "pd.Series[bool]", row: "pd.Series[Any]") -> list[str]:
    flagged = flags.to_dict()[row.name]
    return ["background-color: rgba(200, 100, 31, 0.25)" if flagged else ""] * len(row)
