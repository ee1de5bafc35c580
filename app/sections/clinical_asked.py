"""Which clinical numbers of a run a page shows: of which attack, at which threshold, of which
class."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from smd import registry
from smd.analysis.clinical_sources import Asked
from smd.config.notes import noted
from smd.runs.folders import Run
from smd.store import reader

from .. import data
from ..components.plain import plain

STRONGEST = "the strongest at each level"
LIKELIEST, YOUDEN, CHOSEN = "likeliest class", "Youden", "a probability"
THRESHOLD_HELP = (
    "From which predicted probability on the second class is said. Youden: that of the largest"
    " sensitivity + specificity on scored validation images. Other thresholds than the likeliest"
    " class need scores."
)
POSITIVE_HELP = "Sensitivity, specificity, PPV and NPV are of this class against the other."


@dataclass(frozen=True)
class Wanted:
    """What is to be shown."""

    asked: Asked
    threshold: str | float | None = None
    positive: str = ""  # of two classes; "" of more


def stored(run: Run) -> pd.DataFrame:
    """What clinical numbers can be made of: split, norm, weights, attack ("": scores), eps."""
    attacks = data.read(reader.attack_table, run.store)
    averaged = noted(attacks["note"], reader.AVERAGED)
    weights = averaged.map({True: "ema", False: "last"})
    attacks = attacks.assign(attack=attacks["name"], weights=weights)
    scores = data.read(reader.score_runs, run.store).assign(attack="")
    columns = ["split", "norm", "weights", "attack", "eps"]
    return pd.concat([attacks[columns], scores[columns]], ignore_index=True)


def choose(run: Run, split: str, classes: tuple[str, ...], known: pd.DataFrame) -> Wanted:
    """As the controls say; known: the rows of `stored` of that split, at least one."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        asked = _attack(run, split, known)
        if len(classes) != 2:
            return Wanted(asked)
        positive = st.segmented_control(
            "Positive class",
            [0, 1],
            format_func=lambda k: plain(classes[k]),
            default=1,
            required=True,
            key="clinical-positive",
            help=POSITIVE_HELP,
        )
        return Wanted(asked, _threshold(), classes[1 if positive is None else positive])


def _attack(run: Run, split: str, known: pd.DataFrame) -> Asked:
    """Whose verdicts count, in which norm and of which weights."""
    ranks = {name: k for k, name in enumerate(registry.by_strength())}
    options: dict[str, tuple[str, str, str]] = {}
    several = known["norm"].nunique() > 1
    own_first = known.sort_values("norm", key=lambda norm: norm != run.config.norm, kind="stable")
    for (weights, norm), part in own_first.groupby(["weights", "norm"], sort=False):
        norm, weights = str(norm), str(weights)
        more = [norm.replace("Linf", "L∞")] * (several or norm != "Linf")
        more += ["averaged weights"] * (weights == "ema")
        names = sorted({*part["attack"]} - {""}, key=lambda name: -ranks.get(name, -1))
        for name in ["", *names]:
            entry = registry.ATTACKS.get(name)
            title = (entry.title if entry else name) if name else STRONGEST
            options[", ".join([title, *more])] = (norm, weights, name)
    chosen = st.selectbox("Attack", list(options), key="clinical-attack", width=240)
    norm, weights, name = options.get(chosen, next(iter(options.values())))
    return Asked(run.store, run.id, split, norm, weights, name, run.config.norm)


def _threshold() -> str | float | None:
    """The field of the threshold, and what it says."""
    shown = st.segmented_control(
        "Threshold",
        (LIKELIEST, YOUDEN, CHOSEN),
        default=LIKELIEST,
        required=True,
        key="clinical-threshold",
        help=THRESHOLD_HELP,
    )
    if shown == CHOSEN:
        value = st.number_input(
            "Probability", 0.01, 0.99, 0.5, 0.01, key="clinical-probability", width=120
        )
        return round(float(value), 6)
    return "youden" if shown == YOUDEN else None
