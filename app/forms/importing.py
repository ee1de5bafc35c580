"""The form that imports a network's weights: the file, the network that they are of, the images."""

from dataclasses import replace

import streamlit as st

from smd import registry
from smd.config import options
from smd.config.schema import ImportConfig, TrainConfig
from smd.registry.open_networks import WHOLE

from . import fields, network, normalisation, own_fields
from .knobs import KEPT

FILE = (
    "On the machine that this dashboard runs on: .safetensors, .pt, .pth, .bin or .ckpt with"
    " weights, or a whole network as .pt2 or .onnx. It is copied into the run and never run as a"
    " program."
)
CLONED = "cloned-import"  # in the session: the config that the form was filled with
EXAMPLE = "/path/to/weights.safetensors"
IS_WHOLE = "This file holds the whole network: none needs to be named."
NEW_HEAD = (
    "Leave the file's last layer out where it has another number of classes; the new one is drawn"
    " by chance, so accuracy means nothing until the network is trained."
)
NORMALISATION = (
    "Most published networks were trained on pixels that had been normalised: shifted and scaled by"
    " fixed numbers. Choose what this one was trained with; if you are not sure, the usual ones are"
    " tried after the import and a better one is pointed out."
)


def form(wrong: list[str]) -> ImportConfig:
    """Draw the form; what is typed wrong is told in `wrong`, and stands as it is by default."""
    title = options.field(ImportConfig, "file").title
    file = st.text_input(title, key="import-file", placeholder=EXAMPLE, help=FILE, **KEPT).strip()
    data = fields.entry(TrainConfig, "data", key="import-data", help="To judge it on.", **KEPT)
    own = own_fields.fields(training=False) if data == "folder" else {}
    usual = registry.DATASETS[data].net
    whole = file.lower().endswith(tuple(WHOLE))
    if whole:
        st.caption(IS_WHOLE)
    net = "" if whole else network.field("import-net", usual, wrong)
    mean, std = normalisation.fields("import", wrong)
    st.caption(NORMALISATION)
    head = not whole and st.toggle(
        options.field(ImportConfig, "new_head").title, key="import-new-head", help=NEW_HEAD, **KEPT
    )
    config = ImportConfig(data, net=net, mean=mean, std=std, file=file, new_head=bool(head), **own)
    return _completed(config)


def _completed(config: ImportConfig) -> ImportConfig:
    """The form's config with those settings of the cloned import that the form has no field for."""
    cloned = st.session_state.get(CLONED)
    shown = ("data", "net", "mean", "std", "file", "new_head", *own_fields.NAMES)
    return replace(cloned, **{name: getattr(config, name) for name in shown}) if cloned else config
