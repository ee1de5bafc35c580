"""Which runs Compare lists, in which groups and with which columns; all of it in the address."""

from collections.abc import Callable, Sequence

import streamlit as st

from smd import export, registry
from smd.config import schema
from smd.config.schema import TrainConfig
from smd.runs import notes
from smd.runs.folders import Run
from smd.runs.notes import Notes

from ..components import run_names, states
from . import run_rows

Listed = list[tuple[Run, Notes]]
# of a config: what runs of a sweep may differ in, or what does not change the training
VARIED = (
    *("defense", "params", "recipe", "seed", "fold"),
    *("device", "devices", "log", "n_test", "n_margins"),
)
UNREADABLE, ALONE = "Not readable by this version", "In no sweep"


def listed(runs: Sequence[Run]) -> Listed:
    """The runs of the table: pinned ones first, without hidden ones, those with the wanted tags and
    words."""
    noted = [(run, notes.read(run)) for run in runs]
    tags = sorted({tag for _, each in noted for tag in each.tags})
    hidden = sum(each.hidden for _, each in noted)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Filter",
            key="words",
            bind="query-params",
            width=240,
            placeholder="words of a run",
            help="Runs with all these words in their name, id, defense, data, network, state, tags"
            " or notes.",
        )
        wanted = (
            st.multiselect("Tags", tags, key="tag", bind="query-params", width=240) if tags else []
        )
        grouping()
        choose_columns()
        if hidden:
            st.toggle(f"Show {hidden} hidden", key="hidden", bind="query-params")
    shown = [
        (run, each)
        for run, each in noted
        if (st.session_state.get("hidden") or not each.hidden)
        and set(wanted) <= set(each.tags)
        and has_words(run, each, words or "")
    ]
    return sorted(shown, key=lambda pair: not pair[1].pinned)


def has_words(run: Run, noted: Notes, words: str) -> bool:
    """Whether all words stand somewhere in what is known of the run."""
    wanted = words.casefold().split()
    if not wanted:
        return True
    told = [run_names.shown(run.id), run.id, run.status.state, *noted.tags, noted.text]
    if states.readable(run):
        config = run.config
        told += [export.defense_title(config), config.defense, export.data_name(config)]
        told += [config.net, config.recipe]
    text = " ".join(told).casefold()
    return all(word in text for word in wanted)


def grouping() -> None:
    """The field that says by what the runs are grouped; see `groups`."""
    st.segmented_control(
        "Group by",
        list(BY),
        key="group",
        bind="query-params",
        help="A sweep: runs that differ in nothing but defense, its settings, seed and fold.",
    )


def choose_columns() -> None:
    """The field of the columns; see `wanted`."""
    with st.popover("Columns", icon=":material/view_column:", key="columns-panel"):
        st.multiselect(
            "Columns",
            run_rows.COLUMNS,
            list(run_rows.USUAL),
            key="columns",
            bind="query-params",
            label_visibility="collapsed",
            width=420,
        )


def wanted() -> list[str]:
    """The chosen columns."""
    return list(st.session_state.get("columns") or run_rows.USUAL)


def groups(table: Listed) -> dict[str, Listed]:
    """The runs of each group by its title, in the order of their first runs; "" is the title where
    nothing is grouped."""
    title = BY.get(str(st.session_state.get("group")))
    if title is None:
        return {"": table}
    readable = [run for run, _ in table if states.readable(run)]
    titles = title([run.config for run in readable])
    named = dict(zip((run.id for run in readable), titles, strict=True))
    found: dict[str, Listed] = {}
    for run, noted in table:
        found.setdefault(named.get(run.id, UNREADABLE), []).append((run, noted))
    last = (ALONE, UNREADABLE)
    return dict(sorted(found.items(), key=lambda pair: pair[0] in last))


def _defenses(configs: Sequence[TrainConfig]) -> list[str]:
    known = registry.KNOWN_DEFENSES
    return [known[c.defense].title if c.defense in known else c.defense for c in configs]


def _sweeps(configs: Sequence[TrainConfig]) -> list[str]:
    """Configs that are alike but for what a sweep varies have one title, told from those of other
    sweeps."""
    alike = [_common(config) for config in configs]
    sweeps = [key for key in dict.fromkeys(alike) if alike.count(key) > 1]
    titles = {}
    for number, key in enumerate(reversed(sweeps), start=1):  # the oldest is the first
        own = configs[alike.index(key)]
        about = ", ".join([export.data_name(own), own.net, f"{own.epochs} epochs"])
        titles[key] = f"Sweep {number}: {about}"
    return [titles.get(key, ALONE) for key in alike]


def _common(config: TrainConfig) -> str:
    """What all runs of a sweep have in common."""
    fields = schema.to_json(config)
    return repr({name: value for name, value in fields.items() if name not in VARIED})


BY: dict[str, Callable[[Sequence[TrainConfig]], list[str]]] = {
    "defense": _defenses,
    "data set": export.data_names,
    "sweep": _sweeps,
}
