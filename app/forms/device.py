"""The field of the device: any free one, or one by name, with its memory and who uses it."""

import streamlit as st

from smd import several
from smd.config import options
from smd.config.schema import TrainConfig
from smd.devices import ALL, AUTO
from smd.jobs import overview
from smd.jobs.overview import Device
from smd.units import show_bytes

from .knobs import KEPT

MOST = 8  # counts that are offered; others may be typed
SEVERAL = (
    "Train on several at once, which gives what one gives: all, a count, or GPUs by number such as"
    " 0,1. On the CPU they are processes that share its cores; on a Ray cluster a count of its"
    " devices."
)
HELP = "auto: whichever is free first. A job that names a device waits for that one."


def field(key: str) -> str:
    """Where to work; the device of a cloned run is offered too, be it on another machine."""
    known = {each.name: each for each in overview.described(overview.active())}
    held = st.session_state.get(key)
    offered = dict.fromkeys([AUTO, *known, *([str(held)] if held else [])])
    return str(
        st.selectbox(
            options.field(TrainConfig, "device").title,
            list(offered),
            key=key,
            help=HELP,
            format_func=lambda name: named(name, known.get(name)),
            **KEPT,
        )
    )


def several_field(key: str, device: str) -> str:
    """How many devices: one, all, a count of them, or GPUs by their numbers, which may be typed."""
    field = options.field(TrainConfig, "devices")
    held = st.session_state.get(key)
    offered = dict.fromkeys(["", *counts(device), *([str(held)] if held else [])])
    chosen = st.selectbox(
        field.title,
        list(offered),
        key=key,
        help=SEVERAL,
        format_func=lambda text: text or "one",
        accept_new_options=True,
        **KEPT,
    )
    return str(chosen or "").replace(" ", "")


def counts(device: str) -> list[str]:
    """How many are offered there beside one; a cluster's are not known here."""
    kind = several.cluster_of(device)
    most = {"ray": MOST, "slurm": 1}.get(kind) or min(overview.most(device), MOST)
    return [*([] if kind else [ALL]), *map(str, range(2, most + 1))]


def named(name: str, device: Device | None) -> str:
    """As "cuda:1 · NVIDIA H100, 78.1 of 79.6 GiB free, in use"."""
    if name == AUTO:
        return "auto · any free device"
    if device is None:
        return name
    room = f"{show_bytes(device.free)} of {show_bytes(device.total)} free" if device.total else ""
    use = "in use" if len(device.working) >= device.at_once else ""
    facts = ", ".join(filter(None, (device.what, room, use)))
    return f"{name} · {facts}" if facts else name
