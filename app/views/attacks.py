"""Attacks: attack trained networks at chosen noise levels and put the accuracies side by side."""

from pathlib import Path

import data
import pandas as pd
import streamlit as st
import ui

from smd import commands, export, jobs, registry, runs
from smd.config import AttackConfig
from smd.errors import UserError
from smd.jobs import Status, launch
from smd.progress import duration
from smd.runs import Run
from smd.store import reader
from smd.units import parse_levels, show_levels

known = {run.id: run for run in runs.all_runs()}
if not known:
    ui.nothing_yet()


def trained() -> dict[str, Run]:
    """Runs with weights whose config can be read."""
    return {i: r for i, r in known.items() if r.weights.exists() and ui.readable(r)}


ready = trained()
if not ready:
    st.info("No run has finished training yet: attacks need trained weights.", icon=":material/hourglass_top:")
    st.stop()
newest = next(iter(ready.values()))
alike = [i for i, r in ready.items() if r.config.data == newest.config.data][:6]
if "runs" not in st.session_state and "runs" not in st.query_params:
    st.session_state["runs"] = alike
chosen = [
    ready[i]
    for i in st.multiselect("Runs", list(ready), key="runs", bind="query-params", format_func=ui.name)
    if i in ready
]
if not chosen:
    st.info("Choose one run or more.", icon=":material/arrow_upward:")
    st.stop()


def form() -> None:
    levels = chosen[0].config.levels
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(registry.ATTACKS)
        name = st.selectbox("Attack", names, key="attack", format_func=lambda n: registry.ATTACKS[n].title, width=160)
        text = st.text_input(
            "Noise levels", show_levels(levels), key=f"eps-{chosen[0].config.data}", width=220,
            help="Like 2/255,4/255,8/255 or 0.031; pixels are in [0, 1].",
        )  # fmt: skip
        steps = st.number_input("Steps", 1, 1000, 100, key="steps", width=130, help="Gradient steps of the attack.")
        n = st.number_input("Test images", 1, None, 500, key="n", width=140, help="Spread over the test split.")
        started = st.button("Attack", type="primary", icon=":material/bolt:", key="start-attack")
    try:
        configs = [
            AttackConfig(run=r.id, attack=name, params={"steps": int(steps)}, levels=parse_levels(text), n=int(n))
            for r in chosen
        ]
    except UserError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.code("\n".join(commands.attack_command(c) for c in configs), language="bash", wrap_lines=True)
    if started:
        queued = [ui.attempt(queue, run, config) for run, config in zip(chosen, configs, strict=True)]
        if all(queued):
            st.rerun()


def queue(run: Run, config: AttackConfig) -> None:
    launch.submit(runs.create_attack(run, config))


def attack_jobs() -> list[tuple[Run, Path, Status]]:
    return [(run, folder, jobs.read(folder)) for run in chosen for folder in runs.attacks(run)]


def under_way() -> None:
    attacks = attack_jobs()
    busy = [job for job in attacks if job[2].state in ("queued", "running")]
    before = st.session_state.get("busy-attacks", 0)
    st.session_state["busy-attacks"] = len(busy)
    if len(busy) < before:
        st.rerun()
    for run, folder, status in busy:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            ui.badge(status)
            left = f", {duration(status.eta)} left" if status.eta >= 0 else ""
            share = (status.done + status.batch / max(status.batches, 1)) / max(status.total, 1)
            st.progress(min(share, 1.0), text=f"{ui.label(run)}{left}")
            if st.button("Cancel", key=f"cancel-{folder.name}", type="tertiary", icon=":material/block:"):
                ui.attempt(launch.cancel, folder)
    for run, folder, status in attacks:
        if status.state in ("failed", "lost", "cancelled"):
            ended(run, folder, status)


def ended(run: Run, folder: Path, status: Status) -> None:
    """An attack that did not come to its end: go on with it, or put it away."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        ui.badge(status)
        st.markdown(f"Attack on **{ui.name(run.id)}**. {status.error}")
        if st.button("Resume", key=f"resume-{folder.name}", icon=":material/resume:") and ui.attempt(
            launch.resume, folder
        ):
            st.rerun()
        if st.button("Put away", key=f"dismiss-{folder.name}", type="tertiary") and ui.attempt(runs.dismiss, folder):
            st.rerun()


def table(attack: str, steps: int, split: str, rows: dict[str, pd.DataFrame]) -> None:
    """One table in the paper's shape: rows are runs, columns noise levels."""
    st.subheader(f"{export.attack_title(attack)}, {steps} steps, {split} images")
    everything = export.accuracy_table({ui.name(i): (known[i].config, part) for i, part in rows.items()})
    shown = everything.drop(columns=["attack", "steps", "split", "seeds"])
    numbers = [column for column in shown.columns if column not in ("run", "defense", "n")]
    styled = shown.style.format("{:.2f}", subset=numbers, na_rep="")
    if shown["n"].nunique() == 1 and len({known[i].config.data for i in rows}) == 1:
        styled = styled.apply(best_in_bold, subset=numbers)
    st.dataframe(styled, hide_index=True, key=f"table-{attack}-{steps}-{split}")
    ui.downloads(shown, f"accuracy-{attack}-{steps}-{split}")


def best_in_bold(column: "pd.Series[float]") -> list[str]:
    return ["font-weight: bold" if value == column.max() else "" for value in column]


form()
busy = any(status.state in ("queued", "running") for _, _, status in attack_jobs())
st.fragment(under_way, run_every="2s" if busy else None)()
results = {r.id: data.read(reader.attack_table, r.store) for r in chosen}
kinds = {(t.name, t.steps, t.split) for part in results.values() for t in part.itertuples() if t.split != "train"}
if not kinds:
    st.info("Nothing has been attacked yet: press Attack.", icon=":material/bolt:")
for attack, steps, split in sorted(kinds, key=lambda k: (k[0], -k[1])):
    picked = {
        i: part[(part["name"] == attack) & (part["steps"] == steps) & (part["split"] == split)]
        for i, part in results.items()
    }
    table(attack, steps, split, {i: part for i, part in picked.items() if not part.empty})
st.caption(
    "Accuracy in % at each noise level; 0 is clean. Avg. is the mean of clean and the levels that the run watched. "
    "The best of a column is bold where all rows are on the same number of images. "
    "An image that is misclassified when clean counts as broken at every level."
)
