"""The field of the weights that a training starts from: random ones, a library's, a run's, a
file's."""

from itertools import islice

import streamlit as st

from smd import registry
from smd.config import options
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.runs import folders
from smd.runs.folders import Run

from ..components import run_names
from .knobs import KEPT

KEY = "train-init"
PRETRAINED = "pretrained"
TITLES = {"": "Random weights", PRETRAINED: "The library's pretrained weights"}
LIBRARIES = ("torchvision", "timm")  # sources of networks that come with weights
MOST = 50  # runs that are offered, the newest
HELP = (
    "Random weights, a trained run of this network, or the path of a file of weights, typed:"
    " .safetensors, .pt, .pth. Networks of torchvision and timm come with pretrained ones."
)
GENTLE = "The recipe finetune, under More, goes gently with weights that are there."


def field(config: TrainConfig, wrong: list[str]) -> str:
    """What the config's `init` shall be; what cannot be is told in `wrong`.

    config: what is chosen so far, the network included.
    """
    library = registry.find_network(config.net).source in LIBRARIES
    runs = {run.id: run for run in fitting(config)}
    held = str(st.session_state.get(KEY) or "")
    offered = dict.fromkeys(["", *[PRETRAINED] * library, *runs, held])
    title = options.field(TrainConfig, "init").title
    chosen = st.selectbox(
        title,
        list(offered),
        key=KEY,
        format_func=lambda value: _title(value, runs),
        accept_new_options=True,
        help=HELP,
        **KEPT,
    )
    init = str(chosen or "").strip()
    if init == PRETRAINED and not library:
        wrong.append(f"{title}: {config.net} has no pretrained weights: choose others.")
    if init and config.recipe == "common":
        st.caption(GENTLE)
    return init


def fitting(config: TrainConfig) -> list[Run]:
    """Runs with weights of that network, behind the same normalisation, the newest first."""
    fit = (run for run in folders.all_runs() if run.weights.exists() and _fits(run, config))
    return list(islice(fit, MOST))


def _fits(run: Run, config: TrainConfig) -> bool:
    try:
        theirs = run.config
    except UserError:  # broken, or of a newer version
        return False
    alike = (theirs.net, theirs.mean, theirs.std) == (config.net, config.mean, config.std)
    return alike and theirs.data == config.data


def _title(value: str, runs: dict[str, Run]) -> str:
    return run_names.label(runs[value]) if value in runs else TITLES.get(value, value)
