"""The form of a training run; every field keeps its value when the page is left."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from smd import registry
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.registry.recipes import COMMON, Choice

from .. import actions
from ..sections import own_sizes
from ..sections.own_import import CHANNELS, SIZE, SKIP
from . import knobs

DEVICES = ("auto", "cpu", "cuda")
WHERE = (
    "Class folders, or train/ val/ test/ with class folders in each; a folder, .zip, .tar or"
    " .tar.gz. Or arrays, images or volumes: a .npz or .npy file. Without test/ a fifth of the"
    " images is kept for testing, image by image: if several images are of one patient, lay out"
    " train/ and test/ yourself, so that nobody is in both."
)
COLOURS = {"": "as they are", "rgb": "all in RGB", "gray": "all in gray"}
RESIZE = (
    "Suggested from your images. Every image becomes a square of this side; others are squeezed,"
    " not cut. 0 leaves them as they are."
)


def net_key(data: str) -> str:
    """The field of the network: one a data set, as each has a default of its own."""
    return f"train-net-{data}"


def epochs_key(data: str, defense: str, recipe: str) -> str:
    """The field of the epochs."""
    return f"train-epochs-{data}" + (f"-{defense}" if recipe == "official" else "")


def batch_key(defense: str, recipe: str) -> str:
    """The field of the batch size."""
    return "train-batch" + (f"-{defense}" if recipe == "official" else "")


def knob_key(defense: str, name: str) -> str:
    """The field of a defense's knob."""
    return f"train-{defense}-{name}"


def form(wrong: list[str]) -> TrainConfig:
    """Draw the form; what is typed wrong is told in `wrong`, and stands as it is by default."""
    data = _choose(
        "Data set",
        registry.DATASETS,
        "digits",
        "train-data",
        "Images are looked for in the data folder.",
    )
    own = _own_images() if data == "folder" else {}
    left, right = st.columns(2)
    with left:
        suits = "The first one suits the data set."
        net = _choose(
            "Network", registry.NETWORKS, registry.DATASETS[data].net, net_key(data), suits
        )
    with right:
        defense = _choose(
            "Defense", registry.DEFENSES, "smd", "train-defense", "How the network is trained."
        )
    params = {
        p.name: knobs.knob(p, knob_key(defense, p.name), wrong)
        for p in registry.DEFENSES[defense].params
        if p.in_form
    }
    if defense == "smd":
        st.caption(
            ":material/auto_awesome: SMD has no noise level to choose: it keeps a margin for every"
            " single image and widens it."
        )
    epochs = _epochs(data, defense)
    recipe = st.session_state.get("train-recipe") or "common"
    return _more(
        TrainConfig(
            data, net=net, defense=defense, params=params, recipe=recipe, epochs=epochs, **own
        )
    )


def _choose(title: str, table: Mapping[str, Any], default: str, key: str, help: str) -> str:
    names = list(table)
    return st.selectbox(
        title,
        names,
        index=names.index(default),
        key=key,
        help=help,
        format_func=lambda n: table[n].title,
        persist_state="session",
    )


def _own_images() -> dict[str, Any]:
    """The fields of a config that are for own images alone.

    Where they are, and what is done with them.

    Each path has a side and a network suggested; what is done with files that are in the way is
    asked anew.
    """
    path = st.text_input(
        "Folder, archive or array file",
        key="train-path",
        placeholder="/path/to/images or images.zip",
        help=WHERE,
        persist_state="session",
    ).strip()
    if st.session_state.get("train-fitted") != path:
        st.session_state["train-fitted"] = path
        st.session_state[SIZE], st.session_state[SKIP], st.session_state[CHANNELS] = (
            _suggested(path),
            False,
            "",
        )
        st.session_state[net_key("folder")] = _suited(path)
    most = max(net.sizes[1] for net in registry.NETWORKS.values())
    left, right = st.columns(2)
    size = left.number_input(
        "Resize to (pixels a side; 0: as they are)",
        0,
        most,
        key=SIZE,
        help=RESIZE,
        persist_state="session",
    )
    channels = right.selectbox(
        "Colours",
        list(COLOURS),
        key=CHANNELS,
        help="Gray and colour images cannot be mixed as they are.",
        format_func=lambda name: COLOURS[name],
        persist_state="session",
    )
    skip = st.checkbox(
        "Leave out broken files",
        key=SKIP,
        help="Files that cannot be read are left out, counted and named.",
        persist_state="session",
    )
    return {
        "data_path": path,
        "image_size": int(size),
        "skip_broken": bool(skip),
        "channels": channels,
    }


def _suggested(path: str) -> int:
    try:
        return own_sizes.suggested(path) if path else 0
    except UserError:  # the section of the images says what is wrong
        return 0


def _suited(path: str) -> str:
    try:
        return actions.suited_net(path)
    except UserError:
        return registry.DATASETS["folder"].net


def _epochs(data: str, defense: str) -> int:
    recipe = st.session_state.get("train-recipe") or "common"
    usual = registry.DEFENSES[defense].official if recipe == "official" else registry.DATASETS[data]
    return int(
        st.number_input(
            "Epochs",
            1,
            10_000,
            usual.epochs,
            key=epochs_key(data, defense, recipe),
            help="Passes over the training images.",
            persist_state="session",
        )
    )


def _more(asked: TrainConfig) -> TrainConfig:
    """The fields that are seldom touched."""
    with st.expander("More", icon=":material/tune:"):
        recipe = st.segmented_control(
            "Recipe",
            get_args(Choice),
            default="common",
            required=True,
            key="train-recipe",
            persist_state="session",
            help="Optimiser and schedule: one for all defenses, so that only the methods differ, or"
            " the one that the defense was published with.",
        )
        a, b, c, d = st.columns(4)
        seed = a.number_input("Seed", 0, 2**31 - 1, 0, key="train-seed", persist_state="session")
        usual = registry.DEFENSES[asked.defense].official if recipe == "official" else COMMON
        batch = b.number_input(
            "Batch size",
            1,
            4096,
            usual.batch,
            help="Images a step.",
            key=batch_key(asked.defense, recipe),
            persist_state="session",
        )
        n_train = c.number_input(
            "Training images",
            0,
            None,
            0,
            key="train-n",
            help="0 takes all of them.",
            persist_state="session",
        )
        device = _device(d)
        n_margins = st.number_input(
            "Test images to estimate margins of",
            0,
            None,
            TrainConfig.n_margins,
            key="train-n-margins",
            persist_state="session",
            help="When the training is over, by a minimum-norm attack: upper bounds of their"
            " distances to the boundary. As many as fit into a fifth of the training's time; 0"
            " skips it.",
        )
    return replace(
        asked,
        recipe=recipe,
        seed=int(seed),
        batch=int(batch),
        n_train=int(n_train),
        n_margins=int(n_margins),
        device=device,
    )


def _device(place: DeltaGenerator) -> str:
    """Where to train; a cloned run's own device is offered beside the usual ones."""
    other = st.session_state.get("train-device")
    options = [*DEVICES, other] if other and other not in DEVICES else list(DEVICES)
    help = "auto: a GPU if there is one."
    return str(
        place.selectbox("Device", options, key="train-device", help=help, persist_state="session")
    )
