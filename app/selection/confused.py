"""Which class is taken for which, the most frequent confusion first: one choice sets both the class
and the one that it is taken for."""

import streamlit as st

from smd.frames import tuples
from smd.store import reader

from .. import data
from . import selected, verdicts
from .selected import Selection

KEY = "confused"  # of the list; what it sets is in the address
MOST = 20  # confusions that are offered

Pair = tuple[int, int]  # true class, predicted class


def show(chosen: Selection, disabled: bool, help: str | None) -> None:
    """The list, where misclassified images are asked for and there are some."""
    known = pairs(chosen) if chosen.filters.find == "misclassified" else {}
    if not known:
        return
    now = now_chosen(chosen)
    names = chosen.known.classes
    st.session_state[KEY] = now if now in known else None
    st.selectbox(
        "Taken for another",
        list(known),
        index=None,
        key=KEY,
        format_func=lambda pair: f"{names[pair[0]]} → {names[pair[1]]} · {known[pair]:,}",
        placeholder="any class for any other",
        on_change=_choose,
        args=(chosen,),
        disabled=disabled,
        help=help or "True class → predicted class · images.",
    )


def now_chosen(chosen: Selection) -> Pair | None:
    """The pair that the filters mean, if they mean a single one."""
    labels, taken_for = chosen.filters.labels, chosen.filters.taken_for
    return (labels[0], taken_for[0]) if len(labels) == len(taken_for) == 1 else None


def _choose(chosen: Selection) -> None:
    pair = st.session_state[KEY]
    labels, taken_for = ((pair[0],), (pair[1],)) if pair else ((), ())
    selected.change(chosen, labels=labels, taken_for=taken_for)


def pairs(chosen: Selection) -> dict[Pair, int]:
    """The confusions of the split's images by the strongest attack at the level, and how often."""
    meant = chosen.filters
    asked = meant.split, meant.eps, meant.eps_norm
    rows = data.read(reader.predicted_classes, chosen.run.store, *asked)
    if rows.empty:
        return {}
    _, rows = verdicts.strongest(rows)
    wrong = rows[~rows["ok"].astype(bool)]
    counts = wrong.groupby(["label", "pred"]).size().rename("n").reset_index()
    counts = counts.sort_values("n", ascending=False, kind="stable").head(MOST)
    classes = len(chosen.known.classes)
    return {
        (int(row.label), int(row.pred)): int(row.n)
        for row in tuples(counts)
        if max(row.label, row.pred) < classes
    }
