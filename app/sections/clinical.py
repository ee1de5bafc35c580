"""Clinical numbers of a run: sensitivity, specificity, AUC and their like by noise level, by class
and by group, each with n and its interval; and the form that searches the scores that AUC needs."""

from pathlib import Path

import pandas as pd
import streamlit as st

from smd.analysis import clinical_layout
from smd.analysis.clinical_tables import Clinical, clinical_tables
from smd.config import commands
from smd.errors import UserError
from smd.store import reader
from smd.units import parse_level

from .. import data
from ..components import downloads, run_names, tables
from ..components.plain import plain, with_code
from ..forms import score as score_form
from ..selection.selected import Selection
from . import clinical_asked, other_splits
from .clinical_asked import Wanted

MANY = 30  # classes; with more a table by class is longer than anybody reads
TOO_MANY = f"Of more than {MANY} classes the numbers of each stand in the export below alone."
HOW = (
    "In each cell the value, its 95 % interval and the n images that it is of: a sensitivity is of"
    " the images of the class, a PPV of those taken for it. Intervals are percentile bootstraps,"
    " over patients where they are known, else over images."
)
LIKELIEST = "The threshold: a class is said where it is the likeliest."
WAIT = "Drawing patients for the intervals…"


def section(chosen: Selection) -> None:
    """The numbers of the selected split, all its images; and the form for scores."""
    run = chosen.run
    known = clinical_asked.stored(run)
    here = known[known["split"] == chosen.split]
    if len(known):
        name = plain(run_names.shown(run.id))
        st.header(f"Clinical numbers of {name} on its {chosen.images}")
    if len(here):
        numbers(chosen, clinical_asked.choose(run, chosen.split, chosen.known.classes, here))
    elif len(known):
        why = (
            "Clinical numbers are of attacked images that are spread over their split, or of scored"
            f" ones: of the {chosen.images} of this run there are none."
        )
        other_splits.offer(why, dict.fromkeys(known["split"]), "clinical-show")
    score_form.section(run, chosen.split, chosen.known.classes)


def numbers(chosen: Selection, wanted: Wanted) -> None:
    """The tables, or why there are none."""
    asked = wanted.asked
    try:
        with st.spinner(WAIT):
            found = data.value(of_store, asked.store, wanted, (), None)
    except UserError as error:
        st.info(with_code(error), icon=":material/info:")
        return
    name = f"{run_names.link(chosen.run.id)}-clinical"
    by_level(found, wanted, f"{name}-levels")
    level = choose_level(found)
    if 2 < len(chosen.known.classes) <= MANY:
        by_class(found, level, f"{name}-classes")
    elif len(chosen.known.classes) > MANY:
        st.caption(TOO_MANY)
    by_group(wanted, level, f"{name}-groups")
    for note in found.notes:
        st.caption(with_code(note))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("All of these numbers, a row each:", width="content")
        downloads.of_table(found.numbers, f"{name}-numbers")
    command = commands.clinical_command(
        chosen.run.id,
        asked.split,
        wanted.threshold,
        norm="" if asked.norm == asked.own else asked.norm,
        attack=asked.attack,
        weights="" if asked.weights == "last" else asked.weights,
    )
    st.code(command, language="bash", wrap_lines=True)


def of_store(
    _store: Path, wanted: Wanted, levels: tuple[float, ...], group: str | None
) -> Clinical:
    """For the cache, which goes by the store; see clinical_tables."""
    return clinical_tables(wanted.asked, levels, wanted.threshold, group)


def by_level(found: Clinical, wanted: Wanted, key: str) -> None:
    """A row a noise level: all classes together, of two classes also the positive one."""
    shown = clinical_layout.by_level(found.numbers, wanted.positive)
    said = f" Positive: {plain(wanted.positive)}." if wanted.positive else ""
    st.caption(f"{HOW}{said} {LIKELIEST if wanted.threshold is None else ''}")
    _table(shown, key, f"Clinical numbers at {len(shown)} noise levels.")


def choose_level(found: Clinical) -> str:
    """One of the noise levels, as the tables call them; at first the largest."""
    levels = list(dict.fromkeys(found.numbers["noise level"]))
    return str(
        st.segmented_control(
            "At the noise level",
            levels,
            default=levels[-1],
            required=True,
            format_func=lambda level: "clean" if level == clinical_layout.CLEAN else level,
            key="clinical-level",
        )
        or levels[-1]
    )


def by_class(found: Clinical, level: str, key: str) -> None:
    """A row a class against the others, at one level."""
    part = found.numbers[found.numbers["noise level"] == level]
    st.markdown(f"**Each class against the others** · {plain(clinical_layout.sources(part))}")
    shown = clinical_layout.by_class(found.numbers, level)
    _table(shown, key, f"Clinical numbers of {len(shown)} classes.")


def by_group(wanted: Wanted, level: str, key: str) -> None:
    """A row a group such as a site, at one level; nothing where no table of labels told any."""
    if data.read(reader.sample_groups, wanted.asked.store, wanted.asked.split).empty:
        return
    eps = parse_level(level.split()[0], float("inf"))
    with st.spinner(WAIT):
        found = data.value(of_store, wanted.asked.store, wanted, (eps,), "")
    if found.groups.empty:
        return
    at = "without noise" if level == clinical_layout.CLEAN else f"at {level}"
    st.markdown(f"**Groups** · all classes together, {at}")
    shown = clinical_layout.by_group(found.groups, level)
    _table(shown, key, f"Clinical numbers of {len(shown)} groups.")


def _table(shown: pd.DataFrame, key: str, said: str) -> None:
    tables.show(shown, key=key, alt=said, column_config=tables.fitting(shown))
    downloads.of_table(shown, key)
