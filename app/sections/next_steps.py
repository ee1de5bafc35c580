"""What to do with a run that is over: its most fragile images, a stronger attack, a network to
compare it with, its report."""

from dataclasses import replace
from functools import partial

import streamlit as st

from smd import export, registry
from smd.config.schema import AttackConfig, ImportConfig
from smd.jobs import read
from smd.report.page import report
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader

from .. import actions, data, pages
from ..components import attack_time, downloads, run_names, states
from ..selection import baseline, choices, state
from ..selection.filters import FINDS

FRAGILE = 10
YARDSTICK = "autoattack"
IMAGES = 100  # under the yardstick: enough for an interval of some ten points, and soon over
FRAGILE_HELP = "The correctly classified images of smallest margin, on Samples."


def buttons(run: Run) -> None:
    """All of it, one after the other; the run is trained and can be read."""
    fragile(run)
    yardstick(run)
    compare(run)
    take_report(run)


def take_report(run: Run) -> None:
    """A button that gives its report, one HTML page."""
    downloads.one("Report", f"{run.id}-report.html", "text/html", partial(report, run))


def fragile(run: Run) -> None:
    """A button to the most fragile images, of the test split where their margins are known."""
    split = next((s for s in ("test", "train") if choices.margins_of(run, s, None)), None)
    pressed = st.button(
        f"{FRAGILE} most fragile",
        key=f"fragile-{run.id}",
        icon=":material/image_search:",
        disabled=split is None,
        help=FRAGILE_HELP if split else "No margins of this run are known: estimate them first.",
    )
    if pressed:
        state.begin_anew()
        if st.session_state.get("run") != run.id:  # where no picker is drawn, as on Train
            st.session_state["run"] = run.id
        asked = {"split": str(split), "find": FINDS["closest"], "closest": str(FRAGILE)}
        asked["run"] = run_names.link(run.id)
        st.switch_page(pages.link("samples"), query_params=asked)


def yardstick_config(run: Run) -> AttackConfig:
    """AutoAttack on a few images at the levels that the run watched."""
    size = len(data.read(reader.samples, run.store, "test"))
    n = min(IMAGES, size or IMAGES)
    norm, levels = run.config.norm, run.config.levels
    return AttackConfig(run.id, YARDSTICK, norm=norm, levels=levels, n=n, seeds=(0,))


def yardstick(run: Run) -> None:
    """A button that starts it, with the time that it may take; where its results are, once there
    are any."""
    config = yardstick_config(run)
    done = data.outline(run.store).accuracies
    alike = (done["name"] == YARDSTICK) & (done["norm"] == config.norm)
    done = done[alike & (done["n"] >= config.n)]
    waiting = any(
        read(folder).state in ("queued", "running") for folder in folders.jobs_of(run, "attack")
    )
    if len(done) or waiting:
        st.page_link(
            pages.link("attacks"),
            label="An attack is under way" if waiting else "Attacks on it",
            icon=":material/bolt:",
            query_params={"run": run_names.link(run.id)},
        )
        return
    took = attack_time.about([config], [run])
    title = f"{export.attack_title(YARDSTICK)} on {config.n} images"
    pressed = actions.button(
        f"{title} ({took})" if took else title,
        key=f"yardstick-{run.id}",
        icon=":material/bolt:",
        help=registry.ATTACKS[YARDSTICK].description,
    )
    if pressed and states.attempt(actions.start, run, config):
        st.rerun()


def compare(run: Run) -> None:
    """The way to this run beside its baseline, or a button that trains one."""
    config = run.config
    if isinstance(config, ImportConfig):
        return
    other = baseline.other_defense(config.defense)
    if (found := baseline.of(run, folders.all_runs())) is not None:
        st.page_link(
            pages.link("attacks"),
            label=f"Compare with {export.defense_title(found.config)}",
            icon=":material/compare_arrows:",
            query_params={"run": run_names.link(run.id)},
        )
        return
    title = registry.DEFENSES[other].title
    if baseline.under_way(run, folders.all_runs()):
        st.page_link(
            pages.link("train"), label=f"{title} is on its way", icon=":material/hourglass_top:"
        )
        return
    pressed = actions.button(
        f"Train {title} to compare",
        key=f"compare-{run.id}",
        icon=":material/model_training:",
        help=f"The same data, network, epochs and seed. {registry.DEFENSES[other].description}",
    )
    wanted = replace(config, defense=other, params={}, init="")
    if pressed and states.attempt(actions.train, wanted):
        st.rerun()
