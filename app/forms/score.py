"""The form that starts a search for worst scores, and the searches that are under way."""

from dataclasses import replace

import streamlit as st

from smd.config import commands
from smd.config.schema import ScoreConfig, score_passes
from smd.runs.folders import Run
from smd.store import reader
from smd.terminal.progress import duration
from smd.units import show_levels

from .. import actions, data
from ..components import job_rows, states
from . import fields, knobs

IMAGES = 200
WHY = (
    "An area under the ROC curve (AUC) compares the scores of all images, and an attack stops at"
    " its first success. A search goes on to its end, for every image and class. It also scores"
    " the clean images, which Youden's threshold and the calibration error need."
)
UNKNOWN = "How long it takes is not known beforehand; the job says it once it has begun."


def section(run: Run, split: str, classes: tuple[str, ...]) -> None:
    """Choose what to search, see what it costs and the command, start it; below, searches that are
    not over."""
    with st.expander(
        "Search the worst scores, for AUC under attack", icon=":material/query_stats:"
    ):
        form(run, split, len(classes))
    job_rows.under_way(run, "score")


def form(run: Run, split: str, classes: int) -> None:
    """The form itself; split: the one that is offered first."""
    st.caption(WHY)
    wrong: list[str] = []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        config = _fields(run, split, wrong)
    if not knobs.told(wrong):
        st.caption(cost(run, config, classes))
        told = commands.score_command(config, own=run.config.norm)
        st.code(told, language="bash", wrap_lines=True)
    start = actions.button(
        "Search worst scores",
        type="primary",
        icon=":material/query_stats:",
        key="start-score",
        disabled=bool(wrong),
    )
    if start and states.attempt(actions.start, run, config):
        st.rerun()


def _fields(run: Run, first: str, wrong: list[str]) -> ScoreConfig:
    """What is to be searched, and how long."""
    split = fields.listed(ScoreConfig, "split", first, key=f"score-split-{first}", width=120)
    help = "Like 4/255,8/255; 0: the clean images alone, which are always scored."
    norm = run.config.norm
    usual, key = show_levels(run.config.levels, norm), f"score-levels-{run.id}"
    levels = knobs.levels(ScoreConfig, usual, key, wrong, help, norm)
    if not levels and not wrong:
        wrong.append("Noise levels: there is none; write 0 for the clean images alone.")
    most = len(data.read(reader.samples, run.store, split)) or None
    n = fields.number(
        ScoreConfig,
        "n",
        min(IMAGES, most or IMAGES),
        least=1,
        most=most,
        key=f"score-n-{run.id}-{split}",
        width=140,
        help="Spread evenly over the split.",
    )
    steps = fields.number(ScoreConfig, "steps", 50, key="score-steps", width=140)
    weights = fields.weights(ScoreConfig, [run], key="score-weights")
    asked = ScoreConfig(run.id, norm, levels, split, n, steps=steps)
    return replace(asked, weights=weights)


def cost(run: Run, config: ScoreConfig, classes: int) -> str:
    """The passes that a search takes, and about how long they last here."""
    each, levels = score_passes(classes, config.steps), sum(eps > 0 for eps in config.levels)
    if not levels:
        return f"One pass forward of each of {config.n:,} images."
    pairs = (
        "one pair of searches serves both classes"
        if classes == 2
        else f"two searches for each of {classes} classes"
    )
    total = each * config.n * levels
    return (
        f"{pairs[0].upper()}{pairs[1:]}, of {config.steps + 1:,} passes each: {each:,} passes"
        f" forward and backward an image and noise level, {total:,} for {config.n:,} images at"
        f" {levels} noise level{'s' * (levels > 1)}. {_time(run, total, classes)}"
    )


def _time(run: Run, passes: int, classes: int) -> str:
    """By the last search on the run, else by its last CE-PGD, whose steps are such passes."""
    done = data.brief(reader.score_runs, run.store)
    done = done[(done["eps"] > 0) & (done["n"] > 0) & (done["steps"] > 0)]
    if len(done):
        last = done.iloc[-1]
        taken, by = last["n"] * score_passes(classes, int(last["steps"])), "search"
    else:
        done = data.brief(reader.attack_runs, run.store)
        done = done[(done["name"] == "ce-pgd") & (done["eps"] > 0) & (done["n"] > 0)]
        done = done[done["steps"] > 0]
        if done.empty:
            return UNKNOWN
        last = done.iloc[-1]
        taken, by = last["n"] * last["steps"], "CE-PGD"
    seconds = float(last["seconds"]) * passes / float(taken)
    return f"About {duration(max(seconds, 1.0))}, by the last {by} on {int(last['n']):,} images."
