"""Where attacks disagree: which of them break which images, and the gaps between their accuracies."""

import agreement_charts
import gallery
import pandas as pd
import streamlit as st
import ui

from smd import agreement, commands, export
from smd.config import AttackConfig
from smd.runs import Run
from smd.units import level_title


def patterns(run: Run, outcomes: pd.DataFrame, split: str, eps: float, norm: str) -> None:
    """Which attacks break which images at one noise level; outcomes: reader.outcomes."""
    st.subheader(f"Where attacks disagree at {level_title(eps, norm)}")
    if outcomes["name"].nunique() < 2:
        st.info("This needs two attacks on the same images: add a stronger one.", icon=":material/bolt:")
        n = int(outcomes["n"].max())
        asked = AttackConfig(run=run.id, attack=_missing(outcomes), split=split, n=n, levels=(eps,), norm=norm)
        st.code(commands.attack_command(asked), language="bash", wrap_lines=True)
        return
    found = agreement.patterns(outcomes)
    counts = agreement.counted(found)
    if counts.empty:
        st.info("No image was attacked by all of them: attack the same number of images.", icon=":material/info:")
        return
    titles = ", ".join(export.attack_title(name) for name in outcomes["name"].unique())
    st.caption(
        f"{len(found):,} {split} images seen by {titles}; each counts once, by the weakest attack that breaks it."
    )
    st.altair_chart(
        agreement_charts.patterns(counts), key="patterns",
        alt="; ".join(f"{row.pattern}: {row.n} images" for row in counts.itertuples()),
    )  # fmt: skip
    names = list(counts["pattern"])
    broken = [k for k, name in enumerate(names) if name != agreement.WITHSTOOD]
    chosen = st.selectbox("Images", names, max(broken, default=0), key="pattern", bind="query-params", width=360)
    gallery.show(run, found.loc[found["pattern"] == chosen, ["idx"]], split, "pattern")


def _missing(outcomes: pd.DataFrame) -> str:
    """The strongest attack that these images have not seen."""
    return next(name for name in reversed(agreement.STRENGTH) if name not in set(outcomes["name"]))


def gaps(run: Run, here: pd.DataFrame, split: str) -> None:
    """What stronger attacks take from the accuracy; here: rows of reader.attack_table of that split."""
    st.subheader("Gaps between attacks")
    found = agreement.gaps(here)
    if found.empty:
        st.info(
            "A gap needs two of CE-PGD, CE-CW-PGD and AutoAttack at one level and on the same number of images.",
            icon=":material/info:",
        )
        return
    shown = pd.DataFrame({
        "noise level": [level_title(eps, norm) for eps, norm in zip(found["eps"], found["norm"], strict=True)],
        "from": found["weaker"].map(export.attack_title), "to": found["stronger"].map(export.attack_title),
        "n": found["n"], "accuracy before (%)": found["before"], "after (%)": found["after"],
        "gap (points)": found["gap"],
    })  # fmt: skip
    numbers = list(shown.columns[4:])
    st.dataframe(
        shown.style.format("{:.2f}", subset=numbers).apply(lambda row: _paint(found["flag"], row), axis=1),
        hide_index=True, key="gaps",
    )  # fmt: skip
    flagged = found[found["flag"]]
    for (weaker, stronger, meaning), part in flagged.groupby(["weaker", "stronger", "meaning"], sort=False):
        levels = ", ".join(dict.fromkeys(shown.loc[part.index, "noise level"]))
        st.markdown(f"**{export.attack_title(weaker)} to {export.attack_title(stronger)} at {levels}:** {meaning}")
    st.caption(f"Accuracy on {split} images. Gaps of more than {agreement.LARGE:g} points are coloured and explained.")
    ui.downloads(shown, f"{run.id}-{split}-gaps")


def _paint(flags: "pd.Series[bool]", row: "pd.Series[object]") -> list[str]:
    return ["background-color: rgba(200, 100, 31, 0.25)" if flags[row.name] else ""] * len(row)
