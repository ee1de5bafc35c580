"""Live: how a run is doing now."""

import time

import pandas as pd
import streamlit as st

from smd import export, jobs
from smd.jobs import Status, launch
from smd.runs import folders, notes
from smd.runs.folders import Run
from smd.store import reader
from smd.terminal.progress import duration

from .. import actions as acts
from .. import data
from ..charts import curves
from ..components import curve_controls, standing, ui
from ..components.plain import listed, plain
from ..forms import cloning
from ..sections import notes as notes_section
from ..sections import system_metrics

MOST, LONGEST = 20, 2000  # notes about images that are shown, and characters of one

run = ui.picked()
ui.broken(run)


def actions(run: Run, status: Status) -> None:
    """What can be done with the run now; what cannot be undone asks first."""
    with st.container(horizontal=True):
        if status.state in ("queued", "running"):
            cancelling(run)
        else:
            resuming(run, status)
        if acts.button("Clone into the form", icon=":material/content_copy:", key="clone"):
            ui.attempt(cloning.into_form, run.config)
        if status.state not in ("queued", "running"):
            deleting(run)


def cancelling(run: Run) -> None:
    with st.popover("Cancel", icon=":material/block:"):
        st.write(
            "It stops after the running batch and keeps what it has learnt; you can resume it"
            " later."
        )
        wanted = acts.button("Cancel the run", type="primary", key="confirm-cancel")
        if wanted and ui.attempt(acts.cancel, run.folder):
            st.rerun()


def resuming(run: Run, status: Status) -> None:
    stopped = status.state in ("failed", "cancelled", "lost")
    wanted = stopped and acts.button(
        "Resume", icon=":material/resume:", type="primary", key="resume"
    )
    if wanted and ui.attempt(acts.resume, run.folder):
        st.rerun()


def deleting(run: Run) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.write(
            f"**{plain(ui.label(run))}**: its weights, margins and attack results are removed for"
            " good."
        )
        if acts.button("Delete for good", type="primary", key="confirm-delete") and ui.attempt(
            acts.delete, run
        ):
            st.session_state.pop("run", None)
            st.rerun()


def header(run: Run, status: Status) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        ui.badge(status)
        st.markdown(f"**{plain(ui.label(run))}**")
        notes_section.badges(notes.read(run))
        st.caption(
            run.id + (f", started by {plain(status.started_by)}" if status.started_by else "")
        )
    if where := jobs.elsewhere(status):
        st.caption(f"{status.state.capitalize()} {plain(where)}: cancel it there.")
    if status.state == "failed":
        st.error(
            plain(status.error) or "It failed; the log below says more.", icon=":material/error:"
        )
    if status.state == "lost":
        st.warning(
            "Its process vanished. What it had saved is kept: resume it to go on.",
            icon=":material/help:",
        )
    if status.state in ("queued", "running"):
        share = (status.done + (status.batch / status.batches if status.batches else 0)) / max(
            status.total, 1
        )
        if status.stage.startswith("attacking"):
            share = status.batch / max(status.batches, 1)
        st.progress(min(share, 1.0), text=plain(status.stage) or "waiting for its turn")
    ui.metrics(cards(status))


def cards(status: Status) -> list[tuple[str, str, str]]:
    busy = status.state == "running"
    spent = max(0.0, (status.ended or time.time()) - status.started) if status.started else 0.0
    return [
        ("Epoch", f"{status.done} / {status.total}", "Finished epochs."),
        (
            "Time left",
            duration(status.eta) if busy and status.eta >= 0 else "–",
            "At the speed so far.",
        ),
        ("Time spent", duration(spent) if status.started else "–", "Since the job began."),
        ("Speed", f"{status.rate:,.0f}/s" if status.rate else "–", "Training images a second."),
        (
            "Heartbeat",
            ui.ago(status.heartbeat) if busy else "–",
            "When the job last gave a sign of life.",
        ),
    ]


def figures(run: Run, how: curves.Look) -> None:
    metrics = data.read(reader.metrics, run.store)
    if metrics.empty:
        standing.show(run.status, "Curves appear", "the first epoch is done")
        return
    st.subheader("Accuracy under attack, epoch by epoch")
    st.altair_chart(curves.accuracy(metrics, how), key="fig8", alt=curves.said(metrics))
    grid = ui.pair()
    losses = measured(metrics, {"loss_clean": "clean images", "loss_noisy": "noisy images"})
    for title, names, unit, factor, log, alt in (
        (
            "Loss",
            losses or {"loss": "what it is trained on"},
            "cross-entropy (nats)",
            1,
            True,
            "Training loss",
        ),
        (
            "Mean margin, correct images",
            {"margin_mean": "mean margin"},
            "margin (1/255)",
            255,
            False,
            "Mean margin of correctly classified training images, found and reached ones together",
        ),
        (
            "Where margins move",
            {"expanded": "expanding", "shrunk": "shrinking", "misclassified": "misclassified"},
            "training images",
            1,
            False,
            "How many training images had their margin expanded or shrunk",
        ),
        (
            "How much steps are cut",
            {"gamma1": "γ₁, by the margin", "gamma2": "γ₂, by the gradient"},
            "mean factor",
            1,
            False,
            "Mean decay factors of the margin's expansion step",
        ),
    ):
        if (shown := measured(metrics, names)) and (
            title != "Where margins move" or "expanded" in shown
        ):
            with grid.cell():
                st.subheader(title)
                st.altair_chart(
                    curves.training(metrics, shown, unit, factor, log, how),
                    key=title,
                    alt=f"{alt} over the epochs.",
                )
    st.markdown("**Every number of every epoch**")
    ui.downloads(export.epoch_table(metrics), f"{ui.name(run.id)}-epochs")


def images_told(run: Run) -> None:
    """What the import did to own images, and what to beware of; a store from elsewhere may say
    anything here."""
    meta = data.value(reader.meta, run.store) if ui.readable(run) else {}
    for name, show, icon in (
        ("image_notes", st.info, "info"),
        ("image_cautions", st.warning, "warning"),
    ):
        said = meta.get(name)
        texts = (
            [text[:LONGEST] for text in said if isinstance(text, str)][:MOST]
            if isinstance(said, list)
            else []
        )
        if texts:
            show(listed(texts), icon=f":material/{icon}:")


def measured(metrics: pd.DataFrame, names: dict[str, str]) -> dict[str, str]:
    """Those of these training metrics that the run has: not every defense measures all of them."""
    there = set(metrics[metrics["split"] == "train"]["name"])
    return {name: title for name, title in names.items() if name in there}


def page() -> None:
    status = run.status
    header(run, status)
    actions(run, status)
    how = (
        curve_controls.choose()
        if ui.readable(run) and data.value(reader.last_epoch, run.store)
        else curves.PLAIN
    )
    ui.attempt(figures, run, how)
    ui.attempt(system_metrics.section, run)
    ui.attempt(images_told, run)
    with st.expander(
        "Log", icon=":material/terminal:", expanded=status.state in ("failed", "lost")
    ):
        st.code("\n".join(launch.log_tail(run.folder)) or "Nothing yet.", language=None)
    before = st.session_state.get("active")
    st.session_state["active"] = (run.id, status.state)
    if before and before != (run.id, status.state) and status.state not in ("queued", "running"):
        st.rerun()  # without the timer from now on


def tags_of_others() -> list[str]:
    return sorted({tag for other in folders.all_runs() for tag in notes.read(other).tags})


active = run.status.state in ("queued", "running")
st.fragment(page, run_every="2s" if active else None)()
notes_section.section(run, tags_of_others())
