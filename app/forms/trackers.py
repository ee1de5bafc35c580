"""The field of the experiment trackers that a run writes to beside its store."""

import streamlit as st

from smd.config import options
from smd.config.schema import TrainConfig
from smd.registry.sinks import SINKS, sink_names, sink_problems

from .knobs import KEPT

KEY = "train-log"
HELP = (
    "They get all that the run's store gets: metrics, margin histograms, tables of attacks. So do"
    " later jobs on the run. "
) + " ".join(f"{each.title}: {each.description}" for each in SINKS.values())


def field(wrong: list[str]) -> str:
    """Their names with commas between; of one that cannot be written to, why not in `wrong`."""
    held = st.session_state.get(KEY) or []
    chosen = st.multiselect(
        options.field(TrainConfig, "log").title,
        list(dict.fromkeys([*SINKS, *held])),
        key=KEY,
        format_func=lambda name: SINKS[name].title if name in SINKS else name,
        placeholder="none",
        help=HELP,
        **KEPT,
    )
    log = ",".join(chosen)
    wrong.extend(sink_problems(log))
    return log


def filled(log: str) -> list[str]:
    """What the field holds so that it means these trackers."""
    return sink_names(log)
