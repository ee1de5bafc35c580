"""The form of a training run; every field keeps its value when the page is left."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from smd import registry
from smd.config.schema import TrainConfig
from smd.registry import Defense, Network
from smd.registry.recipes import COMMON, Choice

from . import knobs, own_fields
from .knobs import KEPT

DEVICES = ("auto", "cpu", "cuda")
NO_LEVEL = (
    ":material/auto_awesome: SMD has no noise level to choose: it keeps a margin for every single"
    " image and widens it."
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
    where = "Images are looked for in the data folder."
    data = _choose("Data set", registry.DATASETS, "digits", "train-data", where)
    own = own_fields.fields() if data == "folder" else {}
    left, right = st.columns(2)
    with left:
        usual, suits = registry.DATASETS[data].net, "The first one suits the data set."
        net = _choose("Network", registry.NETWORKS, usual, net_key(data), suits)
        _described(registry.NETWORKS[net])
    with right:
        how = "How the network is trained."
        defense = _choose("Defense", registry.DEFENSES, "smd", "train-defense", how)
        _described(registry.DEFENSES[defense])
    params = {
        p.name: knobs.knob(p, knob_key(defense, p.name), wrong)
        for p in registry.DEFENSES[defense].params
        if p.in_form
    }
    if defense == "smd":
        st.caption(NO_LEVEL)
    config = TrainConfig(
        data, net=net, defense=defense, params=params, epochs=_epochs(data, defense), **own
    )
    return _more(config)


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


def _epochs(data: str, defense: str) -> int:
    """Passes over the training images: as usual for the data set, or for the defense's own
    recipe."""
    recipe = st.session_state.get("train-recipe") or "common"
    usual = registry.DEFENSES[defense].official if recipe == "official" else registry.DATASETS[data]
    key, help = epochs_key(data, defense, recipe), "Passes over the training images."
    return int(st.number_input("Epochs", 1, 10_000, usual.epochs, key=key, help=help, **KEPT))


@dataclass(frozen=True)
class Number:
    """A field for a whole number that is seldom touched."""

    name: str  # of the config's field
    title: str
    key: str
    minimum: int
    maximum: int | None
    usual: int
    help: str | None = None

    def draw(self, place: DeltaGenerator) -> int:
        """The field, and what it holds."""
        return int(
            place.number_input(
                self.title,
                self.minimum,
                self.maximum,
                self.usual,
                key=self.key,
                help=self.help,
                **KEPT,
            )
        )


SEED = Number("seed", "Seed", "train-seed", 0, 2**31 - 1, 0)
N_TRAIN = Number("n_train", "Training images", "train-n", 0, None, 0, help="0 takes all of them.")
N_MARGINS = Number(
    "n_margins",
    "Test images to estimate margins of",
    "train-n-margins",
    0,
    None,
    TrainConfig.n_margins,
    help="When the training is over, by a minimum-norm attack: upper bounds of their distances to"
    " the boundary. As many as fit into a fifth of the training's time; 0 skips it.",
)


def _more(config: TrainConfig) -> TrainConfig:
    """The fields that are seldom touched."""
    with st.expander("More", icon=":material/tune:"):
        recipe = st.segmented_control(
            "Recipe",
            get_args(Choice),
            default="common",
            required=True,
            key="train-recipe",
            help="Optimiser and schedule: one for all defenses, so that only the methods differ, or"
            " the one that the defense was published with.",
            **KEPT,
        )
        usual = registry.DEFENSES[config.defense].official if recipe == "official" else COMMON
        key = batch_key(config.defense, recipe)
        batch = Number("batch", "Batch size", key, 1, 4096, usual.batch, help="Images a step.")
        *places, last = st.columns(4)
        numbers: dict[str, Any] = {
            field.name: field.draw(place)
            for field, place in zip((SEED, batch, N_TRAIN), places, strict=True)
        }
        device = _device(last)
        numbers[N_MARGINS.name] = N_MARGINS.draw(st.container())
    return replace(config, recipe=recipe, device=device, **numbers)


def _device(place: DeltaGenerator) -> str:
    """Where to train; a cloned run's own device is offered beside the usual ones."""
    other = st.session_state.get("train-device")
    options = [*DEVICES, other] if other and other not in DEVICES else list(DEVICES)
    help = "auto: a GPU if there is one."
    return str(place.selectbox("Device", options, key="train-device", help=help, **KEPT))
