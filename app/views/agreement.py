"""Agreement: does a margin predict what survives an attack, and where do attacks disagree?"""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from smd import registry
from smd.analysis import agreement
from smd.config.schema import AttackConfig, EstimateConfig
from smd.frames import tuples
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title, show_level

from .. import data, pages
from ..components import offers, standing
from ..sections import disagreement, prediction, stored_attacks
from ..selection import sources
from ..selection.sources import Source

UNDRAWN = (
    "{n} of the attacked images are left out: the last epoch did not draw them, so they have no"
    " margin of it."
)
OWN, OWN_TITLE = "own", "own, after the last epoch"
# the newest of estimates that share these
ALIKE = ["method", "eps", "norm", "seed", "split", "n", "weights", "picked"]


def known_sources(run: Run) -> dict[str, Source]:
    """The run's own margins under "own" and its estimates under their ids, the newest first, titled
    by what tells them apart on this page."""
    stored = data.read(reader.estimates, run.store)[::-1].drop_duplicates(ALIKE)
    titles = {row.id: estimate_words(row) for row in tuples(stored)} | {"": OWN_TITLE}
    return {
        source.estimate or OWN: replace(source, title=titles[source.estimate])
        for source in sources.of(run)
        if source.estimate in titles
    }


def estimate_words(row: Any) -> str:
    """An estimate by its method, images, norm and seed; row: of reader.estimates."""
    method = (
        registry.ESTIMATORS[row.method].title if row.method in registry.ESTIMATORS else row.method
    )
    parts = [
        f"{method}{f' {show_level(row.eps, row.norm)}' if row.eps else ''}",
        row.split,
        f"{row.n:,} {'chosen ' * bool(row.picked)}images",
        row.norm * (row.norm != "Linf"),
        f"seed {row.seed}" * bool(row.seed),
        f"weights={row.weights}" * (row.weights != "last"),
    ]
    return ", ".join(part for part in parts if part)


def margins_of(source: Source) -> pd.DataFrame:
    """The margins of a source, an image a row; of a run's own, as far as they were searched."""
    if source.estimate:
        return sources.results(source)
    return sources.searched(source)


def choose_source(known: dict[str, Source], attacks: stored_attacks.Attacks) -> str:
    """The margins to compare; at first those whose images were attacked, rather drawn evenly than
    picked."""
    each = [attacks.on(s.split, s.norm, s.weights) for s in known.values()]
    even = [k for k, here in enumerate(each) if len(here) and not here["picked"].all()]
    first = (even or [k for k, here in enumerate(each) if len(here)] or [0])[0]
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


def no_margins(run: Run) -> None:
    """Where margins would come from."""
    imported = run.config.imported
    if imported and not run.trained:
        standing.show(run.status, "Margins can be estimated", "the import is over")
        return
    if not imported and not data.value(reader.last_epoch, run.store):
        standing.show(run.status, "Margins appear", "the first epoch is done")
        return
    st.info(
        "This run keeps no margin of single images: estimate them first.", icon=":material/info:"
    )
    n = min(200, len(data.read(reader.samples, run.store, "test")))
    offers.offer("margins", EstimateConfig(run=run.id, n=n), run)


def not_attacked(run: Run, source: Source) -> None:
    """An attack on the images whose margins were chosen."""
    st.info(
        f"These margins are those of {source.split} images, and no {source.split} image was"
        f" attacked ({source.norm}): attack some, or choose other margins.",
        icon=":material/bolt:",
    )
    levels = run.config.levels_in(source.norm)
    n = min(500, len(data.read(reader.samples, run.store, source.split)))
    config = AttackConfig(run=run.id, split=source.split, n=n, levels=levels, norm=source.norm)
    config = replace(config, weights=source.weights)
    offers.offer("attack", config, run)


def no_attacks() -> None:
    """The way to the page that attacks."""
    st.info(
        "Nothing has been attacked yet: attacks are what margins are held against.",
        icon=":material/bolt:",
    )
    st.page_link(pages.link("attacks"), label="Attack this network", icon=":material/bolt:")


def compared(source: Source, attacks: stored_attacks.Attacks, controls: DeltaGenerator) -> float:
    """Margins against one attack on their images; returns the chosen noise level."""
    run, weights = source.run, source.weights
    here = attacks.on(source.split, source.norm, weights)
    picked = bool(here["picked"].all())
    # attacks on picked images say nothing of each other
    below = attacks.newest(weights) if picked else (source.split, source.norm)
    with controls:
        levels = pd.concat([here, attacks.on(*below, weights)])
        eps = stored_attacks.choose_level(levels, source.norm)
        outcomes = data.read(
            reader.outcomes, run.store, source.split, eps, source.norm, picked, weights
        )
        title, verdicts = (
            stored_attacks.choose_attack(outcomes) if len(outcomes) else ("", outcomes)
        )
    if outcomes.empty:
        st.info(
            f"None of these images was attacked at {level_title(eps, source.norm)}: choose another"
            " level, or other margins."
        )
        return eps
    if words := stored_attacks.picked_how(here):
        st.caption(words)
    margins = margins_of(source)
    unmeasured = int((~verdicts["idx"].isin(margins["idx"])).sum())
    if unmeasured and sources.undrawn(source, margins):
        st.caption(UNDRAWN.format(n=f"{unmeasured:,}"))
    rows, left_out = agreement.joined(margins, verdicts)
    compared_rows = prediction.Compared(run, rows, left_out, source.split, eps, source.norm, title)
    prediction.section(compared_rows)
    prediction.disagreements(compared_rows)
    return eps


def between(run: Run, attacks: stored_attacks.Attacks, source: Source | None, eps: float) -> None:
    """Where attacks disagree with each other; source: whose margins are shown above, if any are."""
    weights = source.weights if source else "last"
    split, norm = (source.split, source.norm) if source else attacks.newest()
    picked = bool(attacks.on(split, norm, weights)["picked"].all())
    below = attacks.newest(weights) if picked else (split, norm)
    same = picked and below == (split, norm)
    outcomes = data.read(reader.outcomes, run.store, below[0], eps, below[1], same, weights)
    if len(outcomes):
        disagreement.patterns(run, outcomes, below[0], eps, below[1], weights)
    disagreement.gaps(run, *below)


def page(run: Run) -> None:
    """Margins against an attack, then attacks against each other."""
    attacks, known = stored_attacks.of(run), known_sources(run)
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    with controls:
        source = known[choose_source(known, attacks)] if known else None
    comparable = (
        source is not None and not attacks.on(source.split, source.norm, source.weights).empty
    )
    if source is None:
        no_margins(run)
    elif not comparable:
        not_attacked(run, source)
    if attacks.rows.empty:
        no_attacks()
        return
    if source is not None and comparable:
        eps = compared(source, attacks, controls)
        between(run, attacks, source, eps)
        return
    if attacks.of("last").empty:
        return
    split, norm = attacks.newest()
    with controls:
        eps = stored_attacks.choose_level(attacks.on(split, norm), norm)
    between(run, attacks, None, eps)
