"""Named sets of images: an image is tagged, a selection is kept, both under names of one's own."""

import pandas as pd
import streamlit as st

from smd.runs import image_sets
from smd.runs.folders import Run
from smd.store import reader

from .. import actions, data
from ..components import downloads, states
from ..selection.selected import Selection
from ..server import login

HELP = (
    "Sets are kept with the run, are a filter above the page, and stand for their images in"
    " `--ids NAME` of `smd attack` and `smd margins`."
)


def of_image(chosen: Selection, idx: int) -> None:
    """The sets that one image is in, to be changed."""
    sets = chosen.known.sets
    now = [name for name, ids in sets.items() if idx in ids]
    key = f"sets-of-{chosen.run.id}-{chosen.split}-{idx}-{'|'.join(now)}"
    st.multiselect(
        "Sets",
        list(sets),
        now,
        key=key,
        accept_new_options=True,
        placeholder="Tag this image: choose or type the name of a set",
        label_visibility="collapsed",
        on_change=_tagged,
        args=(chosen, idx, now, key),
        disabled=not login.may_act(),
        help=None if login.may_act() else login.ONLY_LOOKING,
        width=460,
    )


def _tagged(chosen: Selection, idx: int, before: list[str], key: str) -> None:
    """For callbacks: keep what was added or taken away."""
    after = [" ".join(name.split()) for name in st.session_state[key]]
    about = chosen.split, [idx]
    for name in set(after) - set(before):
        states.attempt(actions.add_to_set, chosen.run, name, *about)
    for name in set(before) - set(after):
        states.attempt(actions.remove_from_set, chosen.run, name, *about)


def of_selection(chosen: Selection) -> None:
    """Where the selected images are put into a set, and the sets are taken away as a table."""
    with st.popover("Sets", icon=":material/label:", key="sets", help=HELP):
        name = st.selectbox(
            "Name",
            list(image_sets.read(chosen.run)),
            index=None,
            placeholder="choose, or type a new one",
            accept_new_options=True,
            key=f"set-name-{chosen.run.id}",
        )
        _buttons(chosen, " ".join((name or "").split()))
        table = listed(chosen.run)
        if len(table):
            st.caption("All sets of this run as a table:")
            downloads.of_table(table, f"{chosen.run.id}-sets")


def _buttons(chosen: Selection, name: str) -> None:
    ids, known = [int(idx) for idx in chosen.rows["idx"]], image_sets.read(chosen.run)
    those = "this image" if len(ids) == 1 else f"these {len(ids):,} images"
    about = chosen.run, name, chosen.split, ids
    inside = set(known.get(name, {}).get(chosen.split, ())) & set(ids)
    add = actions.button(
        f"Add {those}", "set-add", not name or not ids, icon=":material/add:", width="stretch"
    )
    out = actions.button(
        f"Take {those} out", "set-out", not inside, icon=":material/remove:", width="stretch"
    )
    gone = actions.button(
        "Delete the set", "set-gone", name not in known, icon=":material/delete:", width="stretch"
    )
    done = (
        (add and states.attempt(actions.add_to_set, *about))
        or (out and states.attempt(actions.remove_from_set, *about))
        or (gone and states.attempt(actions.delete_set, chosen.run, name))
    )
    if done:
        st.rerun()


def listed(run: Run) -> pd.DataFrame:
    """All sets of a run, a row an image of a set: set, split, id, class, and file where images are
    files."""
    classes = data.value(reader.class_names, run.store)
    parts = []
    for name, by_split in image_sets.read(run).items():
        for split, ids in by_split.items():
            rows = data.read(reader.samples, run.store, split)
            rows = rows[rows["idx"].isin(ids)]
            files = data.read(reader.sample_paths, run.store, split).set_index("idx")["path"]
            about = {"set": name, "split": split, "id": rows["idx"]}
            about |= {"class": [classes[label] for label in rows["label"]]}
            parts.append(pd.DataFrame(about | {"file": rows["idx"].map(files)}))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["set"])
    return table.dropna(axis="columns", how="all")
