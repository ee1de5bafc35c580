"""The form that starts an estimate of margins, and the estimates that are under way."""

from dataclasses import replace

import streamlit as st

from smd import registry
from smd.config import commands
from smd.config.schema import EstimateConfig, Value
from smd.runs import image_sets
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_levels

from .. import actions, data
from ..components import job_rows, states
from . import fields, knobs

IMAGES = 200
LEVELS = "8/255,16/255"


def form(run: Run) -> None:
    """Choose how to estimate the margins of this run's network, see the command, start it."""
    wrong: list[str] = []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        config = _fields(run, wrong)
    entry = registry.ESTIMATORS[config.method]
    st.caption(f"{entry.description} {entry.source}.")
    if not knobs.told(wrong):
        told = commands.estimate_command(config, run.config.norm)
        st.code(told, language="bash", wrap_lines=True)
    start = actions.button(
        "Estimate margins",
        type="primary",
        icon=":material/straighten:",
        key="start-margins",
        disabled=bool(wrong),
    )
    if start and states.attempt(actions.start, run, config):
        st.rerun()


def _fields(run: Run, wrong: list[str]) -> EstimateConfig:
    """What is to be estimated, and how."""
    method = fields.entry(EstimateConfig, "method", key="method", width=220)
    norm = run.config.norm  # of the margins that training and filters know
    if norm not in registry.ESTIMATORS[method].norms:
        (norm,) = registry.ESTIMATORS[method].norms
    levels = _levels(run, wrong) if registry.range_of(method) else ()
    split = fields.listed(EstimateConfig, "split", key="margin-split", width=120)
    most = len(data.read(reader.samples, run.store, split)) or None
    n = fields.number(
        EstimateConfig,
        "n",
        min(IMAGES, most or IMAGES),
        least=1,
        most=most,
        key=f"margin-n-{run.id}-{split}",
        width=140,
        help="Spread evenly over the split.",
    )
    named = fields.of_set([run], split, key="margin-set", width=160)
    weights = fields.weights(EstimateConfig, [run], key="margin-weights")
    params = _more(method, wrong)
    ids = image_sets.of_split(run, split)[named] if named else ()
    many = len(ids) or n
    config = EstimateConfig(run.id, method, params, levels, norm, split=split, n=many, ids=ids)
    return replace(config, weights=weights, named=named)


def _levels(run: Run, wrong: list[str]) -> tuple[float, ...]:
    """How far the method looks, in the run's norm."""
    norm = run.config.norm
    usual = LEVELS if norm == "Linf" else show_levels(run.config.levels, norm)
    key = "margin-levels" if norm == "Linf" else f"margin-levels-{norm}"
    help = f"How far it looks, like {usual}: one estimate each."
    levels = knobs.levels(EstimateConfig, usual, key, wrong, help, norm)
    if not levels and not wrong:
        wrong.append(f"Noise levels: there is none; write them like {usual}.")
    return levels


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
    """The run's estimates that are not over, or ended before their end."""
    job_rows.under_way(run, "margins")
