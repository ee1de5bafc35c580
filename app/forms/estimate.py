"""The form that starts an estimation of margins, and the estimations that are under way."""

import streamlit as st

from smd import registry
from smd.config import commands
from smd.config.schema import EstimateConfig, Value
from smd.runs.folders import Run
from smd.store import reader

from .. import actions, data
from ..components import job_rows, states
from . import knobs

FIRST = "min-norm"  # needs no noise level, and overestimates least
IMAGES = 200


def form(run: Run) -> None:
    """Choose how to estimate the margins of this run's network, see the command, start it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(registry.ESTIMATORS)
        method = st.selectbox(
            "Method",
            names,
            names.index(FIRST),
            key="method",
            width=220,
            format_func=lambda n: registry.ESTIMATORS[n].title,
        )
        wrong: list[str] = []
        levels: tuple[float, ...] = ()
        if registry.range_of(method):
            levels = knobs.levels(
                "Noise levels",
                "8/255,16/255",
                "margin-levels",
                wrong,
                "How far it looks, like 8/255,16/255: one estimation each.",
            )
            if not levels and not wrong:
                wrong.append("Noise levels: there is none; write them like 8/255,16/255.")
        split = st.segmented_control(
            "Images of", ("test", "train"), default="test", required=True, key="margin-split"
        )
        most = len(data.read(reader.samples, run.store, split)) or None
        n = st.number_input(
            "Images",
            1,
            most,
            min(IMAGES, most or IMAGES),
            key=f"margin-n-{run.id}-{split}",
            width=140,
            help="Spread evenly over the split.",
        )
        params = _more(method, wrong)
    asked = EstimateConfig(
        run.id, method=method, params=params, levels=levels, split=split, n=int(n)
    )
    st.caption(f"{registry.ESTIMATORS[method].source}.")
    if not knobs.told(wrong):
        st.code(commands.estimate_command(asked), language="bash", wrap_lines=True)
    start = actions.button(
        "Estimate margins",
        type="primary",
        icon=":material/straighten:",
        key="start-margins",
        disabled=bool(wrong),
    )
    if start and states.attempt(actions.start, run, asked):
        st.rerun()


def _more(method: str, wrong: list[str]) -> dict[str, Value]:
    """The method's own knobs that are not as usual; how far it looks has a field of its own."""
    far = registry.range_of(method)
    own = [p for p in registry.ESTIMATORS[method].params if p != far and p.in_form]
    if not own:
        return {}
    with st.popover("More", icon=":material/tune:"):
        given = {p.name: knobs.knob(p, f"{method}-{p.name}", wrong) for p in own}
    return {p.name: given[p.name] for p in own if given[p.name] != p.default}


def under_way(run: Run) -> None:
    """The run's estimations that are not over, or ended before their end."""
    job_rows.under_way(run, "margins")
