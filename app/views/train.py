"""Train: choose what to train, see what it will take, start it.

Below, what is queued and running.
"""

from pathlib import Path

import streamlit as st

from smd import several
from smd.config import commands
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.experiments.sweep import configs
from smd.jobs import Status, overview
from smd.terminal.progress import duration

from .. import actions, pages
from ..components import job_rows, layout, run_names, states
from ..components.plain import plain
from ..forms import cloning, knobs, sweep, train
from ..sections import devices, latest, own_images, welcome
from ..server import login


def wanted(config: TrainConfig) -> list[TrainConfig]:
    """The trainings that the form asks for: one, or one for each fold."""
    return configs([config], [config.seed]) if config.folds and not config.fold else [config]


ONE_DEVICE = " That is on one device: how much quicker several are was not tried."


def estimate(config: TrainConfig) -> str:
    """How long a run would take, in words; raises UserError with the reason if that cannot be
    told."""
    if len(folds := wanted(config)) > 1:
        return sweep.estimate(folds)
    answer = actions.probe(config)
    busy = " Another job uses the device now, so this is too long." if answer["busy"] else ""
    return (
        f"About **{duration(answer['seconds'])}** on {answer['device']}:"
        f" {answer['samples_per_s']:,.0f} images/s, {duration(answer['seconds_per_epoch'])} an"
        f" epoch.{busy}{ONE_DEVICE * (config.devices not in several.ONE)}"
    )


@st.fragment
def summary(config: TrainConfig, wrong: bool) -> None:
    st.markdown("**What happens**")
    st.caption(
        "Training runs in the background: you can close this page. After every epoch its accuracy,"
        " clean and under attack, and the margin of every image that it trained on are stored. At"
        " the end the network is attacked on test images."
    )
    if wrong:
        return
    st.markdown("**The same from the shell**")
    st.code(command(config), language="bash", wrap_lines=True)
    if actions.button(
        "Estimate the time",
        icon=":material/timer:",
        key="probe",
        help="Takes a few steps and scales up.",
    ):
        with st.spinner("Taking a few steps"):
            states.attempt(lambda: st.success(estimate(config)))


def command(config: TrainConfig) -> str:
    """The same in a shell."""
    folds = wanted(config)
    return commands.sweep_command(folds) if len(folds) > 1 else commands.train_command(config)


def start(config: TrainConfig) -> None:
    if len(folds := wanted(config)) > 1:
        states.attempt(lambda: sweep.started(actions.start_sweep(folds)))
        return
    try:
        run = actions.train(config)
    except UserError as error:
        st.error(plain(error), icon=":material/error:")
        return
    st.switch_page(pages.link("live"), query_params={"run": run_names.link(run.id)})


def queue() -> None:
    active = overview.active()
    st.header("Now and next")
    if not active:
        st.caption(
            "Nothing is running. A device works on one job at a time; the next ones wait here."
        )
    devices.section(active)
    for folder, status in sorted(
        active, key=lambda job: (job[1].state != "running", job[1].queued)
    ):
        row(folder, status)


def row(folder: Path, status: Status) -> None:
    run = run_names.run_of(folder)
    with st.container(
        border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            states.badge(status)
            title = f": {job_rows.title(folder)}" if status.kind != "train" else ""
            st.markdown(f"**{plain(run_names.label(run))}**{title}")
            if told := standing(status):
                st.caption(plain(told))
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            st.page_link(
                pages.link("live"),
                label="Open",
                icon=":material/monitoring:",
                query_params={"run": run_names.link(run.id)},
            )
            clicked = actions.button(
                "Cancel",
                key=job_rows.key("cancel", folder),
                icon=":material/block:",
                type="tertiary",
            )
        if clicked and states.attempt(actions.cancel, folder):
            st.rerun()


def standing(status: Status) -> str:
    """Where a job works and how long still, or which device it waits for."""
    if status.state == "queued":
        where = "" if overview.taken(status) else overview.told(status)
        return f"for {where}" if where else ""
    left = f"{status.stage}, {duration(status.eta)} left" if status.eta >= 0 else ""
    return ", ".join(filter(None, (f"on {overview.told(status)}", left)))


def forms() -> None:
    """What is to be trained."""
    grid = layout.pair()
    with grid.cell(), st.container(border=True):
        cloning.banner()
        wrong: list[str] = []
        config = cloning.completed(train.form(wrong))
        knobs.told(wrong)
        runs = len(wanted(config))
        clicked = actions.button(
            f"Train {runs} folds" if runs > 1 else "Train",
            type="primary",
            icon=":material/play_arrow:",
            key="train",
            disabled=bool(wrong),
        )
    # what comes and goes has a container that stays: what is below keeps its place, and stays open
    with grid.cell():
        with st.container():
            latest.section()
        summary(config, bool(wrong))
    if clicked:
        start(config)
    with st.container():
        if config.data == "folder":
            own_images.section(config)
    sweep.section(config)


def page() -> None:
    """A welcome as long as there is no run of one's own, the form for who may train, the newest
    result, the queue."""
    with st.container():
        welcome.section()
    if login.may_act():
        forms()
    else:
        st.caption(login.ONLY_LOOKING)
        latest.section()
    st.fragment(queue, run_every="2s" if overview.active() else None)()
