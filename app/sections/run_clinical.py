"""Clinical numbers of several runs side by side: without noise, and under one attack at one
level."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from smd import export, registry
from smd.analysis import clinical_layout
from smd.analysis.clinical_sources import SAME, Asked
from smd.config import commands
from smd.config.schema import AttackConfig, ScoreConfig
from smd.errors import UserError
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_level

from .. import data
from ..components import downloads, run_names, tables
from ..components.plain import plain
from . import clinical, clinical_asked
from .clinical_asked import Wanted

ABOUT = (
    "Of the test images, at the likeliest class; the worst of an attack's seeds counts."
    " Balanced accuracy is the mean sensitivity of the classes. Sensitivity, specificity, PPV and"
    " NPV are told of sets of two classes, of the positive one."
)
Known = dict[str, pd.DataFrame]  # run -> what it has stored of its test images, in L∞


def section(chosen: Sequence[Run]) -> None:
    """Nothing as long as none of the runs was attacked on test images."""
    known = {run.id: _stored(run) for run in chosen}
    attacks = _attacks(known)
    if not attacks:
        return
    st.subheader("Clinical numbers")
    attack, eps = choose(known, attacks)
    having = [run for run in chosen if _has(known[run.id], attack, eps)]
    numbers = side_by_side(having, known, attack, eps)
    st.caption(f"{clinical.HOW} {ABOUT}")
    tables.show(
        numbers,
        key="clinical-runs",
        alt=f"Clinical numbers of {len(chosen)} runs.",
        column_config=tables.fitting(numbers),
    )
    downloads.of_table(numbers, "clinical")
    missing(chosen, known, attack, eps)


def choose(known: Known, attacks: Sequence[str]) -> tuple[str, float]:
    """One of the attacks, and the noise level, unit of x."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        attack = st.selectbox(
            "Attack",
            attacks,
            format_func=export.attack_title,
            key="clinical-of",
            width=200,
        )
        levels, first = _levels(known, attack)
        level = st.selectbox(
            "Noise level ε (L∞)",
            list(levels),
            first,
            key=f"clinical-at-{attack}",
            width=180,
        )
    return str(attack), levels.get(level, max(levels.values()))


def _stored(run: Run) -> pd.DataFrame:
    rows = clinical_asked.stored(run)
    last = (rows["weights"] == "last") | (rows["attack"] == "")
    return rows[(rows["split"] == "test") & (rows["norm"] == "Linf") & last]


def _attacks(known: Known) -> list[str]:
    """The attacks, first those that the most runs have, of these the strongest."""
    each = [set(rows.loc[rows["eps"] > 0, "attack"]) - {""} for rows in known.values()]
    ranks = {name: k for k, name in enumerate(registry.by_strength())}
    return sorted(
        set().union(*each),
        key=lambda name: (-sum(name in own for own in each), -ranks.get(name, -1), name),
    )


def _levels(known: Known, attack: str) -> tuple[dict[str, float], int]:
    """The levels of an attack, as shown, of any run; and the place of the one that the most runs
    have, of several the largest."""
    rows = pd.concat(known.values())
    found = rows.loc[(rows["attack"] == attack) & (rows["eps"] > 0), "eps"]
    levels = {show_level(eps): float(eps) for eps in sorted(found.unique())}
    having = [sum(_has(own, attack, eps) for own in known.values()) for eps in levels.values()]
    return levels, max(range(len(levels)), key=lambda k: (having[k], k))


def _has(rows: pd.DataFrame, attack: str, eps: float) -> bool:
    """Whether a run has this attack, or scores where the attack is "", at that level."""
    return bool(((rows["attack"] == attack) & ((rows["eps"] - eps).abs() < SAME)).any())


def side_by_side(runs: Sequence[Run], known: Known, attack: str, eps: float) -> pd.DataFrame:
    """A row a run and level, the clean ones first; columns as clinical_layout.by_level has them."""
    parts = []
    for run in runs:
        levels = tuple(e for e in (0.0, eps) if _has(known[run.id], attack, e))
        if (part := _of_run(run, attack, levels)) is not None:
            parts.append(part)
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True)
    table = table.sort_values("noise level", key=lambda level: level != "clean", kind="stable")
    columns = [name for name in table if name != "from"]
    return table[[*columns, "from"]].astype(object).where(table.notna(), None)


def _of_run(run: Run, attack: str, levels: tuple[float, ...]) -> pd.DataFrame | None:
    """None, and the reason on the page, where its store does not fit itself."""
    classes = data.value(reader.class_names, run.store)
    positive = classes[1] if len(classes) == 2 else ""
    wanted = Wanted(Asked(run.store, run.id, attack=attack), positive=positive)
    try:
        with st.spinner(clinical.WAIT):
            found = data.value(clinical.of_store, run.store, wanted, levels, None)
    except UserError as error:
        st.error(plain(f"{run_names.shown(run.id)}: {error}"), icon=":material/error:")
        return None
    about = {"run": run_names.shown(run.id), "defense": export.defense_title(run.config)}
    table = clinical_layout.by_level(found.numbers, positive)
    told = {**about, **({"positive class": positive} if positive else {})}
    for place, (name, value) in enumerate(told.items()):
        table.insert(place, name, value)
    return table


def missing(chosen: Sequence[Run], known: Known, attack: str, eps: float) -> None:
    """Which of the runs lack the attack or the scores, and what finds them."""
    level, title = show_level(eps), export.attack_title(attack)
    lacking = [run for run in chosen if not _has(known[run.id], attack, eps)]
    if lacking:
        first, *rest = lacking
        config = AttackConfig(first.id, attack, levels=(eps,))
        st.caption(f"{_names(lacking)} left out, without {title} at {level} on test images:")
        told = commands.attack_command(config, *(run.id for run in rest), own=_own(lacking))
        st.code(told, language="bash", wrap_lines=True)
    shown = [run for run in chosen if run not in lacking]
    unscored = [run for run in shown if not _has(known[run.id], "", eps)]
    if unscored:
        first, *rest = unscored
        search = ScoreConfig(first.id, levels=(eps,))
        st.caption(f"{_names(unscored)} without scores at {level}, so without AUC under attack:")
        told = commands.score_command(search, *(run.id for run in rest), own=_own(unscored))
        st.code(told, language="bash", wrap_lines=True)


def _own(runs: Sequence[Run]) -> str:
    """The norm that all of them were trained in."""
    return commands.shared(run.config.norm for run in runs)


def _names(runs: Sequence[Run]) -> str:
    names = ", ".join(plain(run_names.shown(run.id)) for run in runs)
    return f"{names} {'is' if len(runs) == 1 else 'are'}"
