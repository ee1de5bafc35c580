"""The devices of this machine: memory, the job at work on each, and how many wait."""

from pathlib import Path

import pandas as pd
import streamlit as st

from smd.errors import UserError
from smd.jobs import kinds, overview
from smd.jobs.overview import Active, Device
from smd.units import show_bytes

from ..components import job_rows, run_names, tables
from ..components.plain import plain


def section(now: Active) -> None:
    """A row a device, and a sentence for what no row tells; now: as overview.active tells."""
    try:
        known = overview.described(now)
    except UserError as error:
        st.error(plain(error), icon=":material/error:")
        return
    rows = pd.DataFrame([row(each) for each in known])
    tables.show(rows, key="devices", column_config=tables.fitting(rows))
    for each in known:
        if each.problem:
            st.caption(f":material/warning: {plain(each.problem)}")
    for told in (queue(overview.for_any(now)), overview.elsewhere(now)):
        if told:
            st.caption(plain(told))


def row(device: Device) -> dict[str, object]:
    """A device as the table has it."""
    room = f"{show_bytes(device.free)} of {show_bytes(device.total)}" if device.total else None
    return {  # on a narrow screen what is first is in sight
        "Device": device.name,
        "Now": "; ".join(job(folder) for folder in device.working) or idle(device),
        "Waiting for it": device.waiting,
        "Memory free": room,
        "What": device.what or None,
    }


def idle(device: Device) -> str:
    """What a device does that no job uses."""
    return "cannot be used" if device.problem else "free"


def job(folder: Path) -> str:
    """A job that works, by its run: "SMD · digits · 12:30 · 0a1b"."""
    label = run_names.label(run_names.run_of(folder))
    return f"{label}: {job_rows.title(folder)}" if kinds.of_folder(folder).folder else label


def queue(waiting: int) -> str:
    """How many wait for any device; "" where none does."""
    if not waiting:
        return ""
    return f"{waiting} {'job waits' if waiting == 1 else 'jobs wait'} for any free device."
