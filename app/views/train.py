"""Train: choose what to train, see what it will take, start it; below, what is queued and running."""

from pathlib import Path
from typing import get_args

import probing
import streamlit as st
import sweep_form
import ui

from smd import commands, jobs, registry, runs
from smd.config import TrainConfig, Value
from smd.errors import UserError
from smd.jobs import Status, launch
from smd.progress import duration
from smd.recipes import COMMON, Choice
from smd.runs import Run
from smd.units import parse_level, show_level


def choose(title: str, table: dict, default: str, key: str, help: str) -> str:  # type: ignore[type-arg]
    names = list(table)
    return st.selectbox(
        title, names, index=names.index(default), key=key, help=help, format_func=lambda n: table[n].title
    )


def knobs(defense: str) -> dict[str, Value]:
    """The defense's own parameters; SMD shows none."""
    shown = [p for p in registry.DEFENSES[defense].params if p.in_form]
    values: dict[str, Value] = {}
    for p in shown:
        key = f"train-{defense}-{p.name}"
        title = p.name.capitalize()
        if p.kind == "choice":
            values[p.name] = st.selectbox(title, p.choices, key=key, help=p.help)
        elif p.kind == "level":
            text = st.text_input(title, show_level(float(p.default)), key=key, help=f"{p.help}; like 8/255 or 0.031")
            values[p.name] = parse_level(text)
        elif p.kind == "int":
            values[p.name] = int(st.number_input(title, int(p.minimum), None, int(p.default), key=key, help=p.help))
        else:
            values[p.name] = st.number_input(title, p.minimum, None, float(p.default), key=key, help=p.help)
    return values


def form() -> TrainConfig:
    data = choose("Data set", registry.DATASETS, "digits", "train-data", "Images are looked for in the data folder.")
    path, size = "", 0
    if data == "folder":
        path = st.text_input(
            "Folder or archive", key="train-path", placeholder="/path/to/images or images.zip",
            help="Class folders, or train/ val/ test/ with class folders in each; a folder, .zip, .tar or .tar.gz. "
            "Without test/ a fifth of the images is kept for testing, image by image: if several images are of one "
            "patient, lay out train/ and test/ yourself, so that nobody is in both.",
        )  # fmt: skip
        size = st.number_input(
            "Resize to (pixels a side)",
            0,
            64,
            32,
            key="train-size",
            help="Every image becomes a square of this side; others are squeezed, not cut. 0 leaves them as they are.",
        )
    entry = registry.DATASETS[data]
    left, right = st.columns(2)
    with left:
        net = choose("Network", registry.NETWORKS, entry.net, f"train-net-{data}", "The first one suits the data set.")
    with right:
        defense = choose("Defense", registry.DEFENSES, "smd", "train-defense", "How the network is trained.")
    params = knobs(defense)
    if defense == "smd":
        st.caption(
            ":material/auto_awesome: SMD has no noise level to choose: it finds a margin for every single image."
        )
    official = st.session_state.get("train-recipe") == "official"
    usual = registry.DEFENSES[defense].official if official else None
    epochs = st.number_input(
        "Epochs", 1, 10_000, usual.epochs if usual else entry.epochs, help="Passes over the training images.",
        key=f"train-epochs-{data}" + (f"-{defense}" if usual else ""),
    )  # fmt: skip
    with st.expander("More", icon=":material/tune:"):
        recipe = st.segmented_control(
            "Recipe", get_args(Choice), default="common", required=True, key="train-recipe",
            help="Optimiser and schedule: one for all defenses, so that only the methods differ, or the one that the "
            "defense was published with.",
        )  # fmt: skip
        a, b, c, d = st.columns(4)
        seed = a.number_input("Seed", 0, 2**31 - 1, 0, key="train-seed")
        batch = b.number_input(
            "Batch size", 1, 4096, usual.batch if usual else COMMON.batch, help="Images a step.",
            key="train-batch" + (f"-{defense}" if usual else ""),
        )  # fmt: skip
        n_train = c.number_input("Training images", 0, None, 0, key="train-n", help="0 takes all of them.")
        device = d.selectbox("Device", ["auto", "cpu", "cuda"], key="train-device", help="auto: a GPU if there is one.")
    return TrainConfig(
        data=data, data_path=path, image_size=int(size), net=net, defense=defense, params=params,
        recipe=recipe, epochs=int(epochs), batch=int(batch), seed=int(seed), device=device, n_train=int(n_train),
    )  # fmt: skip


def estimate(asked: TrainConfig) -> str:
    """How long a run would take, in words; raises UserError with the reason if that cannot be told."""
    answer = probing.probe(asked)
    busy = " Another job uses the device now, so this is too long." if answer["busy"] else ""
    return (
        f"About **{duration(answer['seconds'])}** on {answer['device']}: {answer['samples_per_s']:,.0f} images/s, "
        f"{duration(answer['seconds_per_epoch'])} an epoch.{busy}"
    )


@st.fragment
def summary(asked: TrainConfig) -> None:
    st.markdown("**What happens**")
    st.caption(
        "Training runs in the background: you can close this page. After every epoch its accuracy, clean and under "
        "attack, and the margin of every image are stored. At the end the network is attacked on test images."
    )
    st.markdown("**The same from the shell**")
    st.code(commands.train_command(asked), language="bash", wrap_lines=True)
    if st.button("Estimate the time", icon=":material/timer:", key="probe", help="Takes a few steps and scales up."):
        with st.spinner("Taking a few steps"):
            ui.attempt(lambda: st.success(estimate(asked)))


def start(asked: TrainConfig) -> None:
    try:
        run = runs.create(asked)
        launch.submit(run.folder)
    except UserError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.switch_page("views/live.py", query_params={"run": ui.name(run.id)})


def waiting_or_running() -> list[tuple[Run, Path, Status]]:
    return [
        (run, folder, status)
        for run in runs.all_runs()
        for folder in (run.folder, *runs.jobs_of(run))
        if (status := jobs.read(folder)).state in ("queued", "running")
    ]


def queue() -> None:
    active = waiting_or_running()
    st.subheader("Now and next")
    if not active:
        st.caption("Nothing is running. A device works on one job at a time; the next ones wait here.")
    for run, folder, status in sorted(active, key=lambda job: (job[2].state != "running", job[2].created)):
        row(run, folder, status)


def row(run: Run, folder: Path, status: Status) -> None:
    with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            ui.badge(status)
            st.markdown(f"**{ui.label(run)}**" + (f", {jobs.NOUN[status.kind]}" if status.kind != "train" else ""))
            if status.state == "running" and status.eta >= 0:
                st.caption(f"{status.stage}, {duration(status.eta)} left")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            st.page_link(
                "views/live.py", label="Open", icon=":material/monitoring:", query_params={"run": ui.name(run.id)}
            )
            clicked = st.button("Cancel", key=f"cancel-{folder.name}", icon=":material/block:", type="tertiary")
        if clicked and ui.attempt(launch.cancel, folder):
            st.rerun()


grid = ui.pair()
with grid.cell(), st.container(border=True):
    try:
        asked = form()
    except UserError as error:  # a level that is none
        st.error(str(error), icon=":material/error:")
        st.stop()
    clicked = st.button("Train", type="primary", icon=":material/play_arrow:", key="train")
with grid.cell():
    summary(asked)
if clicked:
    start(asked)
sweep_form.section(asked)
st.fragment(queue, run_every="2s" if waiting_or_running() else None)()
