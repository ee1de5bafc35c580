"""The form of a training run; every field keeps its value when the page is left."""

from dataclasses import replace

import streamlit as st

from smd import registry
from smd.config.schema import TrainConfig
from smd.config.validation import of_norm

from ..sections.own_import import SIZE, SKIP
from . import device as device_field
from . import fields, knobs, network, normalisation, own_fields, start, trackers
from .knobs import KEPT

KEYS = {  # of fields that are not called as the config's
    "data_path": "train-path",
    "image_size": SIZE,
    "skip_broken": SKIP,
    "n_train": "train-n",
}
MOST = {"seed": 2**31 - 1}  # that a field takes
RECIPE = (
    "Optimiser and schedule: one for all defenses, so that only the methods differ, or the one that"
    " the defense was published with. The finetune ones go on from weights that are there, gently"
    " and for a few epochs."
)
BALANCE = (
    "loss: an image's loss counts by how rare its class is among the training images, so that all"
    " classes weigh alike. sampling: an epoch draws all classes equally often, images of rare ones"
    " several times and not every image of the others."
)
AVERAGE = (
    "ema: beside the last weights their running average over the steps is kept, and both are"
    " judged; it is often a little better and costs next to no time."
)
NORM = (
    "How noise and margins are measured: Linf by the largest change of a pixel, L2 by the length of"
    " the change over all pixels. The run is watched and attacked in it, too."
)
CHOICES = {"norm": NORM, "average": AVERAGE, "balance": BALANCE}  # of a few each, side by side
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
    recipe = {"common": "", "official": f"-{config.defense}"}.get(
        config.recipe, f"-{config.recipe}"
    )
    own = {
        "net": f"train-net-{config.data}",
        "epochs": f"train-epochs-{config.data}{recipe}",
        "batch": f"train-batch{recipe}",
    }
    return (own | KEYS).get(name, f"train-{name.replace('_', '-')}")


def knob_key(defense: str, name: str) -> str:
    """The field of a defense's knob."""
    return f"train-{defense}-{name}"


def form(wrong: list[str]) -> TrainConfig:
    """Draw the form; what is typed wrong is told in `wrong`, and stands as it is by default."""
    where = "Images are looked for in the data folder."
    data = _entry("data", "train-data", where)
    own = own_fields.fields() if data == "folder" else {}
    config = TrainConfig(data, recipe=st.session_state.get("train-recipe") or "common", **own)
    left, right = st.columns(2)
    with left:
        net = network.field(key(config, "net"), config.net, wrong)
    with right:
        how = "How the network is trained."
        defense = _entry("defense", "train-defense", how)
        st.caption(registry.DEFENSES[defense].description)
    params = {
        p.name: knobs.knob(p, knob_key(defense, p.name), wrong)
        for p in registry.DEFENSES[defense].params
        if p.in_form
    }
    if defense == "smd":
        st.caption(NO_LEVEL)
    # 0: as is usual for the data set, or for the defense's own recipe
    config = replace(config, net=net, defense=defense, params=params, epochs=0, batch=0)
    left, right = st.columns(2)
    with left:
        epochs = number(config, "epochs", "Passes over the training images.")
    config = _more(replace(config, epochs=epochs), wrong)
    wrong += of_norm(config)
    with right:  # last: which runs fit follows from all else
        return replace(config, init=start.field(config, wrong))


def _entry(name: str, key: str, help: str, default: str = "") -> str:
    """One entry of the registry, by its name."""
    return fields.entry(TrainConfig, name, default, key=key, help=help, **KEPT)


def number(config: TrainConfig, name: str, help: str | None = None) -> int:
    """The field of a whole number, at first as the config has it."""
    value, most = getattr(config, name), MOST.get(name)
    return fields.number(
        TrainConfig, name, value, most=most, key=key(config, name), help=help, **KEPT
    )


def _more(config: TrainConfig, wrong: list[str]) -> TrainConfig:
    """The fields that are seldom touched."""
    with st.expander("More", icon=":material/tune:"):
        fields.choice(TrainConfig, "recipe", key="train-recipe", help=RECIPE, **KEPT)
        config = _choices(config)
        a, b, c = st.columns(3)
        with a:
            seed = number(config, "seed")
        with b:
            batch = number(config, "batch", "Images a step.")
        with c:
            n_train = number(config, "n_train", "0 takes all of them.")
        left, right = st.columns([2, 1])
        with left:
            device = device_field.field(key(config, "device"))
        with right:
            devices = device_field.several_field(key(config, "devices"), device)
        left, right = st.columns(2)
        with left:
            n_margins = number(config, "n_margins", N_MARGINS)
        with right:
            mean, std = normalisation.fields("train", wrong)
        log = trackers.field(wrong)
    config = replace(config, seed=seed, batch=batch, n_train=n_train, device=device, log=log)
    return replace(config, devices=devices, n_margins=n_margins, mean=mean, std=std)


def _choices(config: TrainConfig) -> TrainConfig:
    """The fields of a few choices each, which stand side by side."""
    norm, average, balance = (
        fields.choice(TrainConfig, name, key=key(config, name), help=help, **KEPT)
        for name, help in CHOICES.items()
    )
    return replace(config, norm=norm, average=average, balance=balance)
