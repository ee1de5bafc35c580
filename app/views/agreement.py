"""Agreement: does a margin predict what survives an attack, and where do attacks disagree?"""

from typing import NamedTuple

import pandas as pd
import streamlit as st

from smd import export, registry
from smd.analysis import agreement
from smd.config.schema import AttackConfig, MarginsConfig
from smd.core.kinds import FOUND
from smd.store import reader
from smd.units import UNIT, level_title, show_level

from .. import data, pages
from ..charts import agreement as agreement_charts
from ..components import downloads, gallery, layout, offers, run_picker, standing, states
from ..sections import disagreement

run = run_picker.picked()
states.broken(run)
OWN = "own"
KINDS: dict[agreement.Kind, str] = {
    "overestimated": "margin says safe, attack says broken",
    "underestimated": "margin says breakable, attack fails",
}
FINAL = "final-train"  # the job that attacks some training images at the end of a training


class Source(NamedTuple):
    """Where margins come from, and whose they are."""

    title: str
    split: str
    norm: str


def sources() -> dict[str, Source]:
    """The run's own margins under "own" and its estimates under their ids, the newest first."""
    own = {OWN: Source("own, after the last epoch", "train", "Linf")}
    found = {} if data.read(reader.margin_summary, run.store).empty else own
    stored = data.read(reader.estimates, run.store)[::-1]
    for row in stored.drop_duplicates(["method", "eps", "norm", "seed", "split", "n"]).itertuples():
        title = f"{estimator(row.method)}{f' {show_level(row.eps, row.norm)}' if row.eps else ''}"
        parts = [
            title,
            row.split,
            f"{row.n:,} images",
            row.norm * (row.norm != "Linf"),
            f"seed {row.seed}" * bool(row.seed),
        ]
        found[row.id] = Source(", ".join(part for part in parts if part), row.split, row.norm)
    return found


def estimator(method: str) -> str:
    return registry.ESTIMATORS[method].title if method in registry.ESTIMATORS else method


def margins_of(key: str) -> pd.DataFrame:
    if key != OWN:
        return data.read(reader.estimate_results, run.store, key)
    last = int(data.read(reader.margin_summary, run.store)["epoch"].max())
    return data.read(reader.margins, run.store, last)


def on(split: str, norm: str) -> pd.DataFrame:
    """Attacks on images of a split: on some that were picked only where there are no others."""
    here = attacked[(attacked["split"] == split) & (attacked["norm"] == norm)]
    return here if here["picked"].all() else here[~here["picked"]]


def attacks_of() -> tuple[str, str]:
    """The split and norm of the newest attack, of one on evenly drawn images if there is any."""
    even = attacked[~attacked["picked"]]
    newest = (even if len(even) else attacked).iloc[-1]
    return str(newest["split"]), str(newest["norm"])


def picked_how(here: pd.DataFrame) -> str:
    """How the attacked images were chosen, where they do not stand for their split."""
    if here.empty or not here["picked"].all():
        return ""
    if set(here["job"]) == {FINAL}:
        how = "half of them have the smallest margins, the others are spread over the split"
    else:
        how = "they were picked by hand"
    return (
        f"These images were not drawn at random: {how}. So these shares say nothing about the split"
        " as a whole."
    )


def choose_source(known: dict[str, Source]) -> str:
    """The margins to judge; at first those whose images were attacked, rather drawn evenly than
    picked."""
    attacks = [on(source.split, source.norm) for source in known.values()]
    even = [k for k, here in enumerate(attacks) if len(here) and not here["picked"].all()]
    first = (even or [k for k, here in enumerate(attacks) if len(here)] or [0])[0]
    return st.selectbox(
        "Margins",
        list(known),
        first,
        key="margins-of",
        bind="query-params",
        width=320,
        format_func=lambda key: known[key].title,
        help="The run's own margins are those of its training images.",
    )


def choose_level(here: pd.DataFrame, norm: str) -> float:
    levels = {level_title(eps, norm): float(eps) for eps in sorted(here["eps"])}
    names = list(levels)
    return levels[
        st.selectbox(
            "Noise level", names, len(names) - 1, key="level", bind="query-params", width=160
        )
    ]


def choose_attack(outcomes: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """(title, its verdicts) of one attack, at first the strongest."""
    titles = {
        f"{disagreement.title(judge)}, {judge.n:,} images": judge
        for judge in agreement.judges(outcomes)
    }
    judge = titles[
        st.selectbox("Attack", list(titles), key="judged-by", bind="query-params", width=320)
    ]
    return export.attack_title(judge.name, judge.note), agreement.judged_by(outcomes, judge)


def prediction(rows: pd.DataFrame, left_out: int, eps: float, attack: str) -> None:
    level, found = level_title(eps, norm), agreement.crosstab(rows, eps)
    st.subheader(f"Does the margin predict {attack} at {level}?")
    if not found.n:
        st.info(
            (
                f"Nothing is decided: for all {found.undecided:,} images the search ended below"
                f" {level} without a boundary."
                if found.undecided
                else (
                    "No image has both a margin and a verdict: attack the images whose margins"
                    " these are."
                )
            ),
            icon=":material/info:",
        )
        return
    of = f"Of the {found.n:,} decided images."
    layout.cards(
        [
            ("agreement", f"{found.agreement:.1f} %", f"They end as their margin says. {of}"),
            (
                agreement.NAMED["overestimated"],
                f"{found.overestimated:.1f} %",
                f"No boundary was met within {level}, yet the attack crossed one there. {of}",
            ),
            (
                agreement.NAMED["underestimated"],
                f"{found.underestimated:.1f} %",
                f"A boundary was met within {level}, yet the attack crossed none: it missed it,"
                f" or the training has moved it since. {of}",
            ),
            (
                "decided",
                f"{found.n:,}",
                "Correct without noise, and a boundary was found, or none was met and the"
                f" margin is at least {level}.",
            ),
            (
                "undecided",
                f"{found.undecided:,}",
                f"Left out: their search ended below {level} and met no boundary, so their"
                " margin says nothing about it.",
            ),
            (
                "misclassified",
                f"{left_out:,}",
                "Left out: these are wrong without noise, so they have no margin.",
            ),
        ]
    )
    st.caption(composed(rows, eps, level))
    grid = layout.pair()
    with grid.cell():
        st.markdown(
            f"**{found.agreement:.1f} % of {found.n:,} decided images end as their margin says**"
        )
        st.altair_chart(
            agreement_charts.crosstab(found.table, eps, norm),
            key="crosstab",
            alt=f"Margin beyond {level} or not against withstood or broken; {found.agreement:.1f} %"
            " agree.",
        )
        downloads.of_table(agreement.exported(rows, eps), f"{run.id}-agreement")
    with grid.cell():
        beyond, within = (withstood(found.table, side) for side in (True, False))
        st.markdown(
            f"**Withstood: {beyond} of those with a margin beyond {level}, {within} of the others**"
        )
        met = rows[rows["kind"] == FOUND]
        if met.empty:
            st.caption(
                "No boundary was found for any of these images, so there is no margin to draw"
                " them at."
            )
            return
        bins = calibrated(met, eps)
        st.altair_chart(
            agreement_charts.calibration(bins, eps, norm),
            key="calibration",
            alt=f"Share that withstood {attack} by margin; {beyond} beyond {level}, {within} up"
            " to it.",
        )
        st.caption(
            f"{len(met):,} image{'s' * (len(met) != 1)} whose boundary was found, by its distance;"
            " where a search met none there is no distance to draw. Bars are 95 % intervals. An"
            " ideal margin makes the dotted step."
        )
        downloads.of_table(bins, f"{run.id}-calibration")


def composed(rows: pd.DataFrame, eps: float, level: str) -> str:
    """What the decided images are decided by, and what became of the others."""
    known = agreement.decided(rows, eps)
    met, ok = int((known["kind"] == FOUND).sum()), rows["ok"].astype(bool)
    others = ok[~rows.index.isin(known.index)]
    said = (
        f"Decided: {met:,} by a boundary that was found, {len(known) - met:,} as none was met up to"
        f" {level}."
    )
    if others.empty:
        return said
    return (
        f"{said} Undecided: {len(others):,} whose search met no boundary and ended below {level};"
        f" {others.sum():,} of them withstood, {(~others).sum():,} were broken, and neither speaks"
        " for or against their margin."
    )


def calibrated(known: pd.DataFrame, eps: float) -> pd.DataFrame:
    """Bins in 1/255; of L2 margins as lengths, in steps of an eighth of the level, so that it is an
    edge."""
    if norm == "Linf":
        return agreement.calibration(known)
    bins = agreement.calibration(known, unit=eps / 8)
    return bins.assign(low=bins["low"] * eps / 8, high=bins["high"] * eps / 8)


def withstood(table: pd.DataFrame, beyond: bool) -> str:
    side = table[table["beyond"] == beyond]
    total = int(side["n"].sum())
    return f"{100 * int(side.loc[side['withstood'], 'n'].sum()) / total:.1f} %" if total else "none"


def disagreements(rows: pd.DataFrame, split: str, eps: float) -> None:
    st.subheader("Where margin and attack disagree")
    kind = st.segmented_control(
        "Kind",
        list(KINDS),
        default="overestimated",
        required=True,
        format_func=KINDS.__getitem__,
        key="kind",
        bind="query-params",
        label_visibility="collapsed",
    )
    found = agreement.disagreeing(rows, eps, kind)
    if found.empty:
        st.caption("No image does.")
        return
    plural = "" if len(found) == 1 else "s"
    level = level_title(eps, norm)
    st.caption(
        f"{len(found):,} image{plural}, those whose margin is farthest from {level} first; margins"
        f" in {UNIT[norm]}."
    )
    margin = found["margin"].astype(float)
    own = (
        {"margin_255": (255 * margin).round(2)}
        if norm == "Linf"
        else {"margin_l2": margin.round(3)}
    )
    shown = pd.DataFrame({"idx": found["idx"], **own})
    gallery.show(run, shown.assign(broken_by=found["broken_by"]), split, kind)


def no_margins() -> None:
    if not data.value(reader.last_epoch, run.store):
        standing.show(run.status, "Margins appear", "the first epoch is done")
        return
    st.info(
        "This run keeps no margin of single images: estimate them first.", icon=":material/info:"
    )
    asked = MarginsConfig(run=run.id, n=min(200, len(data.read(reader.samples, run.store, "test"))))
    offers.offer("margins", asked, run)


def not_attacked(source: Source) -> None:
    st.info(
        f"These margins are those of {source.split} images, and no {source.split} image was"
        f" attacked ({source.norm}): attack some, or choose other margins.",
        icon=":material/bolt:",
    )
    # for L2 a data set has none of its own
    levels = run.config.levels if source.norm == "Linf" else (0.5,)
    n = min(500, len(data.read(reader.samples, run.store, source.split)))
    asked = AttackConfig(run=run.id, split=source.split, n=n, levels=levels, norm=source.norm)
    offers.offer("attack", asked, run)


table = data.read(reader.attack_runs, run.store)
attacked = table[table["eps"] > 0].assign(picked=table["picked"].fillna(False).astype(bool))
known = sources()
controls = st.container(horizontal=True, vertical_alignment="bottom")
with controls:
    source = known[key] if known and (key := choose_source(known)) else None
if source is None:
    no_margins()
elif on(source.split, source.norm).empty:
    not_attacked(source)
if attacked.empty:
    st.info(
        "Nothing has been attacked yet: attacks are what margins are held against.",
        icon=":material/bolt:",
    )
    st.page_link(pages.link("attacks"), label="Attack this network", icon=":material/bolt:")
    st.stop()
comparable = source is not None and not on(source.split, source.norm).empty
split, norm = (source.split, source.norm) if source and comparable else attacks_of()
here = on(split, norm)
picked = bool(here["picked"].all())
# attacks on picked images say nothing of each other
below = attacks_of() if picked else (split, norm)
with controls:
    eps = choose_level(pd.concat([here, on(*below)]), norm)
    outcomes = data.read(reader.outcomes, run.store, split, eps, norm, picked)
    title, verdicts = choose_attack(outcomes) if comparable and len(outcomes) else ("", outcomes)
if comparable and outcomes.empty:
    st.info(
        f"None of these images was attacked at {level_title(eps, norm)}: choose another level, or"
        " other margins."
    )
elif comparable:
    if words := picked_how(here):
        st.caption(words)
    rows, left_out = agreement.joined(margins_of(key), verdicts)
    prediction(rows, left_out, eps, title)
    disagreements(rows, split, eps)
between = data.read(
    reader.outcomes, run.store, below[0], eps, below[1], picked and below == (split, norm)
)
if len(between):
    disagreement.patterns(run, between, below[0], eps, below[1])
disagreement.gaps(run, *below)
