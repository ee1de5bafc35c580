"""The normalisation of a network's input: one of the usual ones by name, or numbers as typed."""

import streamlit as st

from smd.config import options, validation
from smd.config.parsing import decimals
from smd.config.schema import TrainConfig
from smd.registry.normalisations import NORMALISATIONS, OWN, name_of

from . import knobs
from .knobs import KEPT

Pair = tuple[tuple[float, ...], tuple[float, ...]]  # mean and standard deviation
HELP = (
    "What is done with every pixel before the network sees it: (pixel - mean) / standard deviation,"
    " channel by channel. It becomes the network's first layer, so noise is still measured on the"
    " pixels."
)
TITLES = {name: entry.title for name, entry in NORMALISATIONS.items()} | {OWN: "My own numbers"}


def fields(prefix: str, wrong: list[str]) -> Pair:
    """Its mean and standard deviation; where they are typed wrong, that is told in `wrong`.

    prefix: of the keys of the form's fields.
    """
    name = st.selectbox(
        "Normalisation",
        list(TITLES),
        key=f"{prefix}-normalisation",
        format_func=TITLES.__getitem__,
        help=HELP,
        **KEPT,
    )
    if name == OWN:
        return _typed(prefix, wrong)
    entry = NORMALISATIONS[name]
    st.session_state.update(texts(prefix, entry.mean, entry.std))  # to begin with, where own follow
    if entry.mean:
        st.caption(f"Mean {written(entry.mean, ', ')}; deviation {written(entry.std, ', ')}.")
    return entry.mean, entry.std


def filled(prefix: str, mean: tuple[float, ...], std: tuple[float, ...]) -> dict[str, str]:
    """What the fields hold so that they mean these numbers."""
    return {f"{prefix}-normalisation": name_of(mean, std), **texts(prefix, mean, std)}


def texts(prefix: str, mean: tuple[float, ...], std: tuple[float, ...]) -> dict[str, str]:
    """The two fields of own numbers."""
    return {f"{prefix}-mean": written(mean), f"{prefix}-std": written(std)}


def written(values: tuple[float, ...], between: str = ",") -> str:
    """The numbers as the field takes them."""
    return between.join(map(repr, values))


def _typed(prefix: str, wrong: list[str]) -> Pair:
    left, right = st.columns(2)
    with left:
        mean = _numbers("mean", f"{prefix}-mean", "0.49,0.48,0.45", wrong)
    with right:
        std = _numbers("std", f"{prefix}-std", "0.25,0.24,0.26", wrong)
    if wrong:
        return (), ()
    problems = validation.of_normalisation(mean, std)
    wrong.extend(problems)
    return ((), ()) if problems else (mean, std)


def _numbers(name: str, key: str, like: str, wrong: list[str]) -> tuple[float, ...]:
    title = options.field(TrainConfig, name).title
    help = "One number a channel, or one for all, with commas between them; pixels are in [0, 1]."
    text = st.text_input(title, key=key, placeholder=like, help=help, **KEPT)
    return knobs.read(title, decimals, text, (), wrong)
