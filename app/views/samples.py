"""Samples: the images that are meant, and one of them closely.

Its margin over the epochs, its adversarial twin.
"""

import pandas as pd
import streamlit as st

from smd import export
from smd.core.kinds import MEANING, MISCLASSIFIED
from smd.store import reader
from smd.units import level_title, show_length

from .. import data
from ..charts import basic
from ..components import gallery, going_back, slices, standing, ui
from ..components.plain import plain
from ..sections import adversarial_examples
from ..selection import selected

run = ui.picked()
ui.broken(run)
meta = data.value(reader.meta, run.store)
images = data.images(run)
classes = data.value(reader.class_names, run.store)
if "images" not in meta:
    standing.show(run.status, "Images appear", "the run has begun")
    st.stop()
chosen = selected.of(run)
split = chosen.asked.split


def detail(idx: int) -> None:
    table = data.read(reader.samples, run.store, split)
    row = table[table["idx"] == nearest(table["idx"], idx)]
    if row.empty:
        st.info(
            f"This run has no {selected.SPLITS[split]}: choose others in the sidebar.",
            icon=":material/info:",
        )
        return
    if row["idx"].iloc[0] != idx:
        ends = f"{table['idx'].min()} to {table['idx'].max()}"
        idx, missing = int(row["idx"].iloc[0]), idx
        st.info(
            f"There is no image {missing:,} among the {selected.SPLITS[split]} of this run, whose"
            f" ids go from {ends}: this is the nearest one, image {idx:,}.",
            icon=":material/info:",
        )
    label, source = int(row["label"].iloc[0]), int(row["source"].iloc[0])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Image {idx} · class {plain(classes[label])}", width="content")
        files = data.read(reader.sample_paths, run.store, split)
        named = files.loc[files["idx"] == idx, "path"]
        names = [plain(name) for name in named] or (
            [gallery.NAMELESS] if gallery.has_files(run) else []
        )
        st.caption(" · ".join([f"{split} split of {run.config.data}", *names]))
    pixels = images.pixels[source] if images is not None else None
    at = (
        slices.chooser(pixels.shape[1], "slice")
        if pixels is not None and pixels.ndim == 4
        else None
    )
    grid = ui.pair()
    with grid.cell():
        if pixels is None:
            gallery.gone(run)
        else:
            adversarial_examples.section(run, split, idx, pixels, at)
    with grid.cell():
        history(idx)
        verdicts = data.read(reader.sample_verdicts, run.store, split, idx)
        if not verdicts.empty:
            st.subheader("What became of it under attack")
            shown = verdict_table(verdicts)
            ui.table(shown, key="verdicts")
            ui.downloads(shown, f"{ui.name(run.id)}-{split}-{idx}")


def nearest(known: "pd.Series[int]", asked: int) -> int | None:
    """The id that comes closest to the asked one; None if there is none at all."""
    return None if known.empty else int(known.loc[(known - asked).abs().idxmin()])


def history(idx: int) -> None:
    if split != "train":
        return
    rows = data.read(reader.sample_history, run.store, idx)
    if rows.empty:
        return
    st.subheader("Its margin, epoch by epoch")
    last = rows.iloc[-1]
    margin = "" if last["kind"] == MISCLASSIFIED else f" {255 * last['margin']:.1f}/255,"
    said = f"After epoch {last['epoch']}:{margin} {last['kind']}: {MEANING[last['kind']]}."
    st.caption(said)
    st.altair_chart(
        basic.history(rows),
        key="history",
        alt=f"The margin of image {idx} over {len(rows)} epochs. {said}",
    )


def verdict_table(verdicts: pd.DataFrame) -> pd.DataFrame:
    """A row an attack with its settings and level, over all seeds; one for the clean image."""
    rows = []
    attacked = verdicts.assign(
        name=verdicts["name"].where(verdicts["eps"] > 0, ""), steps=verdicts["steps"]
    )
    attacked.loc[attacked["eps"] == 0, ["steps", "note"]] = [0, ""]
    for (eps, name, norm, steps, note), part in attacked.groupby(
        ["eps", "name", "norm", "steps", "note"]
    ):
        worst = part.sort_values(["ok", "distance"]).iloc[0]
        stages = ", ".join(
            dict.fromkeys(stage for stage in part["broken_by"] if stage and stage != "clean")
        )
        rows.append(
            {
                "noise level": level_title(eps, norm),
                "attack": export.attack_title(name, note, steps) if name else "none",
                "withstood": withstood(part["ok"]),
                "broken by": stages,
                "predicted": classes[worst["pred"]],
                "noise": show_length(float(worst["distance"]), norm) if eps else "0",
            }
        )
    return pd.DataFrame(rows)


def withstood(ok: pd.Series) -> str:
    """Of one try yes or no, else of how many."""
    if ok.all() or not ok.any():
        return "yes" if ok.all() else "no"
    return f"{ok.sum()} of {len(ok)} tries"


if chosen.missing:
    st.info(plain(chosen.missing), icon=":material/info:")
first = None if chosen.rows.empty else int(chosen.rows["idx"].iloc[0])
if st.session_state.get("sample") is None and "sample" not in st.query_params and first is not None:
    st.session_state["sample"] = first
begin = going_back.begin("sample", first)
with st.container(border=True):
    asked = st.number_input(
        "Image id", 0, None, value=begin, key="sample", bind="query-params", width=160
    )
    if asked is not None:
        detail(int(asked))
st.subheader(chosen.title)
gallery.show(
    run,
    chosen.rows,
    split,
    "samples",
    "No image matches: widen the filters in the sidebar.",
    here=True,
)
