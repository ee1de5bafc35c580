"""Where attacks disagree: which of them break which images, and the gaps between their
accuracies.
"""

import pandas as pd
import streamlit as st

from smd import export, registry
from smd.analysis import agreement
from smd.analysis import gaps as between
from smd.config.schema import AttackConfig
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title

from .. import data
from ..charts import agreement as agreement_charts
from ..components import gallery, offers, ui


def patterns(run: Run, outcomes: pd.DataFrame, split: str, eps: float, norm: str) -> None:
    """Which attacks break which images at one noise level; outcomes: reader.outcomes."""
    st.subheader(f"Where attacks disagree at {level_title(eps, norm)}")
    if outcomes["name"].nunique() < 2:
        st.info(
            "This needs two attacks on the same images: add a stronger one.", icon=":material/bolt:"
        )
        n = int(outcomes["n"].max())
        asked = AttackConfig(
            run=run.id, attack=_missing(outcomes), split=split, n=n, levels=(eps,), norm=norm
        )
        offers.offer("stronger", asked, run)
        return
    found = agreement.patterns(outcomes)
    counts = agreement.counted(found)
    if counts.empty:
        st.info(
            "No image was attacked by all of them: attack the same number of images.",
            icon=":material/info:",
        )
        return
    titles = ", ".join(dict.fromkeys(title(judge) for judge in agreement.deciding(outcomes)))
    st.caption(
        f"{len(found):,} {split} images seen by {titles}; each counts once, by the weakest attack"
        " that breaks it, with any of its seeds."
    )
    st.altair_chart(
        agreement_charts.patterns(counts),
        key="patterns",
        alt="; ".join(f"{row.pattern}: {row.n} images" for row in counts.itertuples()),
    )
    names = list(counts["pattern"])
    broken = [k for k, name in enumerate(names) if name != agreement.WITHSTOOD]
    chosen = st.selectbox(
        "Images", names, max(broken, default=0), key="pattern", bind="query-params", width=360
    )
    gallery.show(run, found.loc[found["pattern"] == chosen, ["idx"]], split, "pattern")


def _missing(outcomes: pd.DataFrame) -> str:
    """The strongest attack that these images have not seen."""
    return next(
        name for name in reversed(registry.by_strength()) if name not in set(outcomes["name"])
    )


def title(judge: agreement.Judge) -> str:
    """An attack with the steps and settings that tell it from others of its name."""
    return export.attack_title(judge.name, judge.note, judge.steps)


def gaps(run: Run, split: str, norm: str) -> None:
    """What stronger attacks take from the accuracy of a run, on the images that both have seen."""
    st.subheader("Gaps between attacks")
    found = between.gaps(data.read(reader.image_verdicts, run.store))
    found = found[(found["split"] == split) & (found["norm"] == norm)].reset_index(drop=True)
    if found.empty:
        st.info(
            "A gap needs two of CE-PGD, CE-CW-PGD and AutoAttack at one level and on the same"
            " images.",
            icon=":material/info:",
        )
        return
    shown = pd.DataFrame(
        {
            "level": [
                level_title(eps, norm)
                for eps, norm in zip(found["eps"], found["norm"], strict=True)
            ],
            "images": found["n"],
            "from": [worst(row.weaker, row.weaker_seeds) for row in found.itertuples()],
            "to": [worst(row.stronger, row.stronger_seeds) for row in found.itertuples()],
            "before (%)": found["before"],
            "after (%)": found["after"],
            "gap (points)": found["gap"],
            "only first breaks": found["only_weaker"],
            "only second breaks": found["only_stronger"],
            "p": found["p"],
        }
    )
    percents = ["before (%)", "after (%)", "gap (points)"]
    style = shown.style.format("{:.2f}", subset=percents).format("{:.2g}", subset=["p"])
    ui.table(style.apply(lambda row: _paint(found["flag"], row), axis=1), key="gaps")
    for (weaker, stronger, meaning), part in found[found["flag"]].groupby(
        ["weaker", "stronger", "meaning"], sort=False
    ):
        levels = ", ".join(dict.fromkeys(shown.loc[part.index, "level"]))
        st.markdown(f"**{weaker} to {stronger} at {levels}:** {meaning}")
    st.caption(
        f"Share of {split} images that withstood every seed of an attack, on the images that both"
        " attacks have seen. p is that of McNemar's exact test. Gaps of more than"
        f" {between.LARGE:g} points are coloured and explained where p is below 5 %."
    )
    ui.downloads(shown, f"{run.id}-{split}-gaps")


def worst(attack: str, seeds: int) -> str:
    """An attack, and how many seeds its verdicts are the worst of."""
    return attack + (f", worst of {seeds} seeds" if seeds > 1 else "")


def _paint(flags: "pd.Series[bool]", row: "pd.Series[object]") -> list[str]:
    return ["background-color: rgba(200, 100, 31, 0.25)" if flags[row.name] else ""] * len(row)
