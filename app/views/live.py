"""Live: how a run is doing now."""

import time
from functools import partial

import streamlit as st

from smd import export, jobs
from smd.jobs import Status, launch
from smd.report.page import report
from smd.runs import folders, notes
from smd.runs.folders import Run
from smd.store import reader
from smd.terminal.progress import duration

from .. import actions as acts
from .. import data
from ..charts import curves
from ..components import curve_controls, downloads, layout, notices, run_names, standing, states
from ..components.plain import listed, plain
from ..forms import cloning
from ..sections import epoch_curves, imported, system_metrics
from ..sections import notes as notes_section

SPEED = "Training images a second."
IMPORTED = (
    "Imported: it was trained elsewhere, so there are no epochs and no curves here. Attack it on"
    " Attacks, estimate its margins on Margins."
)
MOST, LONGEST = 20, 2000  # notes about images that are shown, and characters of one


def actions(run: Run, status: Status) -> None:
    """What can be done with the run now; what cannot be undone asks first."""
    with st.container(horizontal=True):
        if status.state in ("queued", "running"):
            cancelling(run)
            notices.offer()
        else:
            resuming(run, status)
        if acts.button("Clone into the form", icon=":material/content_copy:", key="clone"):
            states.attempt(cloning.into_form, run.config)
        if status.state == "finished" and states.readable(run):
            downloads.one("Report", f"{run.id}-report.html", "text/html", partial(report, run))
        if status.state not in ("queued", "running"):
            deleting(run)


def cancelling(run: Run) -> None:
    """A button that stops the run, after a question."""
    with st.popover("Cancel", icon=":material/block:"):
        st.write(
            "It stops after the running batch and keeps what it has learnt; you can resume it"
            " later."
        )
        wanted = acts.button("Cancel the run", type="primary", key="confirm-cancel")
        if wanted and states.attempt(acts.cancel, run.folder):
            st.rerun()


def resuming(run: Run, status: Status) -> None:
    """A button that goes on with a run which has stopped before its end."""
    stopped = status.state in ("failed", "cancelled", "lost")
    wanted = stopped and acts.button(
        "Resume", icon=":material/resume:", type="primary", key="resume"
    )
    if wanted and states.attempt(acts.resume, run.folder):
        st.rerun()


def deleting(run: Run) -> None:
    """A button that deletes the run, after a question."""
    with st.popover("Delete", icon=":material/delete:"):
        st.write(
            f"**{plain(run_names.label(run))}**: its weights, margins and attack results are"
            " removed for good."
        )
        if acts.button("Delete for good", type="primary", key="confirm-delete") and states.attempt(
            acts.delete, run
        ):
            st.session_state.pop("run", None)
            st.rerun()


def header(run: Run, status: Status) -> None:
    """What the run is and how it stands."""
    with st.container(horizontal=True, vertical_alignment="center"):
        states.badge(status)
        st.markdown(f"**{plain(run_names.label(run))}**")
        notes_section.badges(notes.read(run))
        where = f", on {plain(status.device)}" if status.started else ""
        who = f", started by {plain(status.started_by)}" if status.started_by else ""
        st.caption(run.id + where + who)
    trouble(status)
    if status.state in ("queued", "running"):
        st.progress(share(status), text=plain(status.stage) or "waiting for its turn")
    layout.cards(cards(status))


def trouble(status: Status) -> None:
    """Where the run cannot be cancelled from here, why it failed, what is left of a lost one."""
    if where := jobs.elsewhere(status):
        st.caption(f"{status.state.capitalize()} {plain(where)}: cancel it there.")
    if status.state == "failed":
        st.error(
            plain(status.error) or "It failed; the log below says more.", icon=":material/error:"
        )
    if status.state == "lost":
        st.warning(
            f"{plain(status.error)} What it had saved is kept.",
            icon=":material/help:",
        )


def share(status: Status) -> float:
    """How much of the present stage is done, in [0, 1]: of the training, or of the attacks after
    it."""
    batches = status.batch / status.batches if status.batches else 0.0
    if status.stage.startswith("attacking"):
        return min(batches, 1.0)
    return min((status.done + batches) / max(status.total, 1), 1.0)


def cards(status: Status) -> list[layout.Card]:
    """How far it is, and how fast."""
    busy = status.state == "running"
    spent = max(0.0, (status.ended or time.time()) - status.started) if status.started else 0.0
    taken = duration(spent) if status.started else export.EMPTY
    left = duration(status.eta) if busy and status.eta >= 0 else export.EMPTY
    rate = f"{status.rate:,.0f}/s" if status.rate else export.EMPTY
    beat = f"{duration(max(0.0, time.time() - status.heartbeat))} ago" if busy else export.EMPTY
    return [
        done_card(status),
        layout.Card("Time left", left, "At the speed so far."),
        layout.Card("Time spent", taken, "Since the job began."),
        *([] if status.kind == "import" else [layout.Card("Speed", rate, SPEED)]),
        layout.Card("Heartbeat", beat, "When the job last gave a sign of life."),
    ]


def done_card(status: Status) -> layout.Card:
    """Finished epochs; of an import, which has none, finished steps."""
    done = f"{status.done} / {status.total}"
    if status.kind == "import":
        return layout.Card("Step", done, "Images, file, preprocessings, attack and margins.")
    return layout.Card("Epoch", done, "Finished epochs.")


def measured(run: Run) -> None:
    """Curves of what is measured every epoch; of an import, what it has found."""
    if not imported.is_import(run):
        look = (
            curve_controls.choose()
            if states.readable(run) and data.value(reader.last_epoch, run.store)
            else curves.PLAIN
        )
        epoch_curves.section(run, look)
    elif run.status.state == "finished":
        st.caption(IMPORTED)
        imported.result(run)
    else:
        standing.show(run.status, "Its clean accuracy appears", "the import is over")


def images_told(run: Run) -> None:
    """What the import did to own images, and what to beware of, also of the network; a store from
    elsewhere may say anything here."""
    meta = data.value(reader.meta, run.store) if states.readable(run) else {}
    for name, show, icon in (
        ("image_notes", st.info, "info"),
        ("image_cautions", st.warning, "warning"),
        ("network_cautions", st.warning, "warning"),
        ("log_cautions", st.warning, "warning"),
    ):
        if texts := sentences(meta.get(name)):
            show(listed(texts), icon=f":material/{icon}:")


def sentences(said: object) -> list[str]:
    """What of a stored value are texts, cut where there are too many or too long ones."""
    if not isinstance(said, list):
        return []
    return [text[:LONGEST] for text in said if isinstance(text, str)][:MOST]


def log(run: Run, status: Status) -> None:
    """The last lines of the job's log."""
    with st.expander(
        "Log", icon=":material/terminal:", expanded=status.state in ("failed", "lost")
    ):
        st.code("\n".join(launch.log_tail(run.folder)) or "Nothing yet.", language=None)


def progress(run: Run) -> None:
    """How the run stands now; drawn again and again while it is at work."""
    status = run.status
    header(run, status)
    actions(run, status)
    states.attempt(measured, run)
    states.attempt(system_metrics.section, run)
    states.attempt(images_told, run)
    log(run, status)
    before = st.session_state.get("active")
    st.session_state["active"] = (run.id, status.state)
    if before and before != (run.id, status.state) and status.state not in ("queued", "running"):
        st.rerun()  # without the timer from now on


def tags_of_others() -> list[str]:
    """Every tag that some run has."""
    return sorted({tag for other in folders.all_runs() for tag in notes.read(other).tags})


def page(run: Run) -> None:
    """How the run stands, and the notes about it."""
    active = run.status.state in ("queued", "running")
    st.fragment(progress, run_every="2s" if active else None)(run)
    notes_section.section(run, tags_of_others())
