"""The field of the network: one of the table by its title, or typed, of a library or own file."""

import streamlit as st

from smd import registry
from smd.config.schema import TrainConfig
from smd.registry import Network

from ..components.plain import listed
from . import fields

HELP = (
    "The first one suits the data set. Others are typed: `torchvision:NAME` and `timm:NAME` are"
    " networks of these libraries, `FILE.py:FUNCTION` is your own, in the folder SMD_NETS."
)
SOURCES = {
    "torchvision": "A network of torchvision, fitted to your images and classes.",
    "timm": "A network of the library timm, fitted to your images and classes.",
    "own file": "Your own network, of a file in the folder SMD_NETS: only the job opens it.",
}


def field(key: str, default: str, wrong: list[str]) -> str:
    """The name of the chosen network; of one that cannot be, why not in `wrong`, and `default`."""
    others = [*registry.own_networks(), *_of_torchvision()]
    before = len(wrong)
    name = fields.open_entry(
        TrainConfig, "net", default, others=others, wrong=wrong, key=key, help=HELP
    )
    said = sentence(registry.find_network(name)) if len(wrong) == before else ""
    if texts := [*([said] if said else []), *registry.own_problems()]:
        st.caption(listed(texts))
    return name


def _of_torchvision() -> list[str]:
    """Those of timm are over a thousand: they are typed."""
    return [f"torchvision:{name}" for name in registry.networks_of_library("torchvision")]


def sentence(net: Network) -> str:
    """What a network is, for those who do not know it."""
    return net.description or SOURCES.get(net.source, "")
