"""Samples: the images that are meant, and one of them closely: its margin over the epochs, its adversarial twin."""

import charts
import data
import gallery
import pandas as pd
import selection
import slices
import streamlit as st
import twins
import ui

from smd import export
from smd.kinds import MEANING, MISCLASSIFIED
from smd.store import reader
from smd.units import level_title, show_length

run = ui.picked()
ui.broken(run)
meta = data.value(reader.meta, run.store)
images = data.images(meta.get("images", ""))
classes = data.value(reader.class_names, run.store)
if "images" not in meta:
    st.info("Images appear when the run has begun.", icon=":material/hourglass_top:")
    st.stop()
chosen = selection.of(run)
split = chosen.asked.split


def detail(idx: int) -> None:
    table = data.read(reader.samples, run.store, split)
    row = table[table["idx"] == idx]
    if row.empty:
        st.info(f"There is no image {idx} among the {split} images of this run.", icon=":material/info:")
        return
    label, source = int(row["label"].iloc[0]), int(row["source"].iloc[0])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Image {idx} · class {classes[label]}", width="content")
        st.caption(f"{split} split of {run.config.data}")
    pixels = images.pixels[source] if images is not None else None
    at = slices.chooser(pixels.shape[1], "slice") if pixels is not None and pixels.ndim == 4 else None
    grid = ui.pair()
    with grid.cell():
        if pixels is None:
            st.caption(gallery.GONE)
        else:
            twins.section(run, split, idx, pixels, at)
    with grid.cell():
        history(idx)
        verdicts = data.read(reader.sample_verdicts, run.store, split, idx)
        if not verdicts.empty:
            st.subheader("What became of it under attack")
            shown = verdict_table(verdicts)
            ui.table(shown, key="verdicts")
            ui.downloads(shown, f"{ui.name(run.id)}-{split}-{idx}")


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
        charts.history(rows), key="history", alt=f"The margin of image {idx} over {len(rows)} epochs. {said}"
    )


def verdict_table(verdicts: pd.DataFrame) -> pd.DataFrame:
    """A row an attack with its settings and level, over all seeds; one for the clean image."""
    rows = []
    attacked = verdicts.assign(name=verdicts["name"].where(verdicts["eps"] > 0, ""), steps=verdicts["steps"])
    attacked.loc[attacked["eps"] == 0, ["steps", "note"]] = [0, ""]
    for (eps, name, norm, steps, note), part in attacked.groupby(["eps", "name", "norm", "steps", "note"]):
        worst = part.sort_values(["ok", "distance"]).iloc[0]
        stages = ", ".join(dict.fromkeys(stage for stage in part["broken_by"] if stage and stage != "clean"))
        rows.append({
            "noise level": level_title(eps, norm),
            "attack": export.attack_title(name, note, steps) if name else "none",
            "withstood": withstood(part["ok"]), "broken by": stages, "predicted": classes[worst["pred"]],
            "noise": show_length(float(worst["distance"]), norm) if eps else "0",
        })  # fmt: skip
    return pd.DataFrame(rows)


def withstood(ok: pd.Series) -> str:
    """Of one try yes or no, else of how many."""
    if ok.all() or not ok.any():
        return "yes" if ok.all() else "no"
    return f"{ok.sum()} of {len(ok)} tries"


if chosen.missing:
    st.info(chosen.missing, icon=":material/info:")
if st.session_state.get("sample") is None and "sample" not in st.query_params and not chosen.rows.empty:
    st.session_state["sample"] = int(chosen.rows["idx"].iloc[0])
with st.container(border=True):
    asked = st.number_input("Image id", 0, None, value=None, key="sample", bind="query-params", width=160)
    if asked is not None:
        detail(int(asked))
st.subheader(chosen.title)
gallery.show(run, chosen.rows, split, "samples", "No image matches: widen the filters in the sidebar.", here=True)
