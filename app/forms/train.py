"""The form of a training run; every field keeps its value when the page is left."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from smd import registry
from smd.config import options
from smd.config.schema import TrainConfig
from smd.registry import Defense, Network
from smd.registry.recipes import Choice

from ..sections.own_import import SIZE, SKIP
from . import knobs, own_fields
from .knobs import KEPT

DEVICES = ("auto", "cpu", "cuda")
KEYS = {  # of fields that are not called as the config's
    "data_path": "train-path",
    "image_size": SIZE,
    "skip_broken": SKIP,
    "n_train": "train-n",
}
MOST = {"seed": 2**31 - 1}  # that a field takes
RECIPE = (
    "Optimiser and schedule: one for all defenses, so that only the methods differ, or the one that"
    " the defense was published with."
)
N_MARGINS = (
    "When the training is over, by a minimum-norm attack: upper bounds of their distances to the"
    " boundary. As many as fit into a fifth of the training's time; 0 skips it."
)
NO_LEVEL = (
    ":material/auto_awesome: SMD has no noise level to choose: it keeps a margin for every single"
    " image and widens it."
)


def key(config: TrainConfig, name: str) -> str:
    """The key of the field of the form that holds this field of the config: several data sets,
    defenses and recipes have each a network, epochs and a batch size of their own."""
    official = f"-{config.defense}" if config.recipe == "official" else ""
    own = {
        "net": f"train-net-{config.data}",
        "epochs": f"train-epochs-{config.data}{official}",
        "batch": f"train-batch{official}",
    }
    return (own | KEYS).get(name, f"train-{name.replace('_', '-')}")


def knob_key(defense: str, name: str) -> str:
    """The field of a defense's knob."""
    return f"train-{defense}-{name}"


def form(wrong: list[str]) -> TrainConfig:
    """Draw the form; what is typed wrong is told in `wrong`, and stands as it is by default."""
    where = "Images are looked for in the data folder."
    data = _choose("Data set", registry.DATASETS, "digits", "train-data", where)
    own = own_fields.fields() if data == "folder" else {}
    config = TrainConfig(data, recipe=st.session_state.get("train-recipe") or "common", **own)
    left, right = st.columns(2)
    with left:
        suits = "The first one suits the data set."
        net = _choose("Network", registry.NETWORKS, config.net, key(config, "net"), suits)
        _described(registry.NETWORKS[net])
    with right:
        how = "How the network is trained."
        defense = _choose("Defense", registry.DEFENSES, config.defense, "train-defense", how)
        _described(registry.DEFENSES[defense])
    params = {
        p.name: knobs.knob(p, knob_key(defense, p.name), wrong)
        for p in registry.DEFENSES[defense].params
        if p.in_form
    }
    if defense == "smd":
        st.caption(NO_LEVEL)
    # 0: as is usual for the data set, or for the defense's own recipe
    config = replace(config, net=net, defense=defense, params=params, epochs=0, batch=0)
    epochs = number(st.container(), config, "epochs", "Passes over the training images.")
    return _more(replace(config, epochs=epochs))


def _described(entry: Network | Defense) -> None:
    """What the chosen one is, in a sentence for those who do not know it."""
    if entry.description:
        st.caption(entry.description)


def _choose(title: str, table: Mapping[str, Any], default: str, key: str, help: str) -> str:
    """One entry of a table of the registry, by its name."""
    names = list(table)
    return st.selectbox(
        title,
        names,
        index=names.index(default),
        key=key,
        help=help,
        format_func=lambda n: table[n].title,
        **KEPT,
    )


def number(place: DeltaGenerator, config: TrainConfig, name: str, help: str | None = None) -> int:
    """The field of a whole number, at first as the config has it; its title and bounds are those of
    the config's option."""
    field = options.field(TrainConfig, name)
    most = MOST.get(name, field.option.maximum)
    return int(
        place.number_input(
            field.title,
            int(field.option.minimum or 0),
            None if most is None else int(most),
            int(getattr(config, name)),
            key=key(config, name),
            help=help,
            **KEPT,
        )
    )


def _more(config: TrainConfig) -> TrainConfig:
    """The fields that are seldom touched."""
    with st.expander("More", icon=":material/tune:"):
        st.segmented_control(
            "Recipe",
            get_args(Choice),
            default="common",
            required=True,
            key="train-recipe",
            help=RECIPE,
            **KEPT,
        )
        a, b, c, d = st.columns(4)
        seed = number(a, config, "seed")
        batch = number(b, config, "batch", "Images a step.")
        n_train = number(c, config, "n_train", "0 takes all of them.")
        device = _device(d)
        n_margins = number(st.container(), config, "n_margins", N_MARGINS)
    return replace(
        config, seed=seed, batch=batch, n_train=n_train, device=device, n_margins=n_margins
    )


def _device(place: DeltaGenerator) -> str:
    """Where to train; a cloned run's own device is offered beside the usual ones."""
    other = st.session_state.get("train-device")
    options = [*DEVICES, other] if other and other not in DEVICES else list(DEVICES)
    help = "auto: a GPU if there is one."
    return str(place.selectbox("Device", options, key="train-device", help=help, **KEPT))
