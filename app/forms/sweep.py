"""The Sweep section of the Train page: several defenses and seeds at once, never the same twice."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from smd import registry
from smd.config import commands
from smd.config.schema import TrainConfig
from smd.experiments import sweep
from smd.export import defense_title
from smd.jobs import overview
from smd.terminal.progress import duration

from .. import actions
from ..components import run_names, states, tables

ACTS = {
    "queued": "queued now",
    "resumed": "resumed where it had stopped",
    "kept": "there already",
    "refused": "refused",
}


def section(base: TrainConfig) -> None:
    """Choose defenses; data set, network, epochs and the rest are those of the form above."""
    with st.expander("Sweep: several defenses and seeds", icon=":material/stacks:"):
        own = "epochs and batch are each defense's own, " if base.recipe == "official" else ""
        st.caption(
            f"Data set and network are as in the form above, {own}and so is all else. Nothing is"
            " trained twice."
        )
        if wanted := _wanted(base):
            st.code(commands.sweep_command(wanted), language="bash", wrap_lines=True)
            _buttons(wanted)
        else:
            st.info("Choose one defense or more.", icon=":material/arrow_upward:")


def _wanted(base: TrainConfig) -> list[TrainConfig]:
    """The trainings of the chosen defenses and seeds."""
    options = _options(base)
    usual = [title for title, one in options.items() if one.defense in ("smd", "std")]
    names = st.pills(
        "Defenses", list(options), selection_mode="multi", default=usual, key="sweep-defenses"
    )
    seeds = st.number_input(
        "Seeds", 1, 10, 1, key="sweep-seeds", width=140, help="0, 1, 2, ...: so many of each."
    )
    chosen = [options[name] for name in names]
    return sweep.configs(chosen, range(int(seeds))) if chosen else []


def _buttons(wanted: list[TrainConfig]) -> None:
    """Start the trainings, or estimate how long they take."""
    there = sum(run is not None for run in sweep.members(wanted))
    with st.container(horizontal=True, vertical_alignment="center"):
        start = actions.button(
            f"Start {len(wanted)} runs", type="primary", key="start-sweep", icon=":material/stacks:"
        )
        ask = actions.button("Estimate the time", icon=":material/timer:", key="probe-sweep")
        st.caption(f"{there} of them are there already." if there else "None of them is there yet.")
    if ask:
        states.attempt(lambda: st.success(estimate(wanted)))
    if start:
        states.attempt(lambda: started(actions.start_sweep(wanted)))


def _options(base: TrainConfig) -> dict[str, TrainConfig]:
    """Every defense that is trained in the form's norm, with the settings of the paper's tables:
    title -> config."""
    options = {}
    for name, entry in registry.DEFENSES.items():
        for params in entry.settings if base.norm in entry.norms else ():
            one = replace(base, defense=name, params=dict(params))
            if base.recipe == "official":
                one = replace(one, epochs=entry.official.epochs, batch=entry.official.batch)
            options[defense_title(one)] = one
    return options


def estimate(wanted: Sequence[TrainConfig]) -> str:
    """The time of all runs, from a few steps of each defense; raises UserError with the reason if
    one fails."""
    first = {json.dumps([c.defense, c.params], default=str): c for c in reversed(wanted)}
    seconds, bar = 0.0, st.progress(0.0, "Taking a few steps of each")
    for k, one in enumerate(first.values(), start=1):
        runs = sum((c.defense, c.params) == (one.defense, one.params) for c in wanted)
        seconds += runs * actions.probe(one)["seconds"]
        bar.progress(k / len(first), f"{defense_title(one)} took a few steps")
    bar.empty()
    side = min(len(wanted), overview.at_once(wanted[0].device, wanted[0].devices))
    if side == 1:
        return f"About **{duration(seconds)}** for all {len(wanted)}, one after the other."
    return (
        f"About **{duration(seconds / side)}** for all {len(wanted)}, {side} at a time: each takes"
        f" as long as on one device, {duration(seconds)} in all."
    )


def started(members: Sequence[sweep.Member]) -> None:
    """What became of each run, and that they wait below."""
    rows = [
        {
            "defense": defense_title(m.config),
            "seed": m.config.seed,
            **({"fold": m.config.fold} if m.config.folds else {}),
            "run": run_names.shown(m.run.id) if m.run else "",
            "what": ACTS[m.act] + (f": {m.reason}" if m.reason else ""),
        }
        for m in members
    ]
    tables.show(pd.DataFrame(rows), key="sweep-members")
    st.toast(
        f"{sum(m.act != 'refused' for m in members)} of {len(members)} runs are queued or there"
        " already."
    )
