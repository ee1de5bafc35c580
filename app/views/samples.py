"""Samples: single images, their margin over the epochs and their adversarial twins."""

from pathlib import Path

import charts
import data
import numpy as np
import pandas as pd
import pictures
import streamlit as st
import ui

from smd import adv, export, jobs, runs
from smd.config import AttackConfig
from smd.jobs import launch
from smd.store import reader
from smd.units import show_level

run = ui.picked()
ui.broken(run)
PER_PAGE = 24
ORDERS = {"margin": "smallest margin first", "-margin": "largest margin first", "idx": "by id"}

meta = data.value(reader.meta, run.store)
images = data.images(meta.get("images", ""))
classes = data.value(reader.class_names, run.store)
if images is None:
    ready = "images" in meta
    st.info(
        "The imported images are gone from the cache: start any run on this data set to import them again."
        if ready
        else "Images appear when the run has begun.",
        icon=":material/hourglass_top:",
    )
    st.stop()
pixels = images.pixels
last = data.value(reader.last_epoch, run.store)
has_margins = not data.read(reader.margin_summary, run.store).empty


def filters() -> tuple[str, list[int], float, float, str]:
    """(split, labels, lowest and highest margin, order)."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            "Images", ["train", "test"], default="train", required=True, key="split", bind="query-params"
        )
        names = st.multiselect("Class", classes, key="class", placeholder="all classes", width=320)
        labels = [classes.index(n) for n in names]
        if split != "train" or not has_margins:
            return split, labels, -1.0, 2.0, "idx"
        top = float(np.ceil(255 * data.read(reader.margin_summary, run.store)["max"].max()))
        low, high = st.slider("Margin (1/255)", 0.0, top, (0.0, top), key=f"range-{run.id}", width=300)
        order = st.selectbox("Order", list(ORDERS), format_func=ORDERS.__getitem__, key="order", width=220)
    return split, labels, low / 255 - 1e-6, high / 255 + 1e-6, order


def select(idx: int) -> None:
    st.session_state["sample"] = idx


def gallery(split: str, labels: list[int], low: float, high: float, order: str) -> None:
    total = data.value(reader.gallery_count, run.store, last, split, tuple(labels), low, high)
    if not total:
        st.info("No image matches: widen the filters.", icon=":material/filter_alt_off:")
        return
    pages = -(-total // PER_PAGE)
    page = min(st.session_state.get("page", 1), pages)
    rows = data.read(
        reader.gallery, run.store, last, split, tuple(labels), low, high, order, PER_PAGE, (page - 1) * PER_PAGE
    )
    with st.grid(columns="auto", min_column_width=118, gap="small"):
        for row in rows.itertuples():
            with st.container(key=f"tile-{split}-{row.idx}", gap=None):
                st.image(pictures.link(pixels[row.source]), width=112, alt=f"{classes[row.label]}, image {row.idx}")
                margin = "" if pd.isna(row.margin) else f" · {255 * row.margin:.1f}"
                st.button(
                    f"{classes[row.label]}{margin}", key=f"open-{split}-{row.idx}", type="tertiary",
                    on_click=select, args=(int(row.idx),), help=f"Open image {row.idx}; its margin is in 1/255.",
                )  # fmt: skip
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(f"{total:,} images")
        st.pagination(pages, key="page")


def found(split: str, idx: int) -> dict[str, tuple[Path, int]]:
    """What is stored of a sample's adversarial images: title -> (file, position)."""
    places = {}
    for name, position in data.adversarial(run.adv, split, idx):
        examples = data.examples(run.adv / f"{name}.npz")
        places[f"{export.attack_title(examples.attack)} at {show_level(float(examples.eps[position]))}"] = (
            run.adv / f"{name}.npz",
            position,
        )
    return dict(sorted(places.items(), key=lambda item: float(data.examples(item[1][0]).eps[item[1][1]])))


def ask(split: str, idx: int) -> None:
    asked = AttackConfig(
        run=run.id, split=split, ids=(idx,), levels=run.config.levels, params={"steps": 20}, seeds=(0,)
    )
    launch.submit(runs.create_attack(run, asked))


@st.fragment(run_every="2s")
def waiting() -> None:
    busy = [f for f in runs.attacks(run) if jobs.read(f).state in ("queued", "running")]
    if not busy:
        st.rerun()
    st.info("The attack is on its way; the picture appears when it is done.", icon=":material/hourglass_top:")


def twins(split: str, idx: int, source: int) -> None:
    """Clean, adversarial, difference; and the predicted probabilities."""
    st.subheader("Its adversarial twin")
    places = found(split, idx)
    if not places:
        verdicts = data.read(reader.sample_verdicts, run.store, split, idx)
        if "clean" in set(verdicts["broken_by"]):
            st.caption("The network misclassifies this image without any noise: there is nothing to attack.")
        elif any(jobs.read(f).state in ("queued", "running") for f in runs.attacks(run)):
            waiting()
        elif run.weights.exists():
            st.caption("No adversarial image of this one is kept: of an attack on a whole split only some are.")
            wanted = st.button("Attack this image", icon=":material/bolt:", key="attack-one")
            if wanted and ui.attempt(ask, split, idx):
                st.rerun()
        else:
            st.caption("Adversarial images are made when the training is over.")
        return
    titles = list(places)
    chosen = st.selectbox("Attack", titles, len(titles) - 1, key="twin", label_visibility="collapsed", width=300)
    path, position = places.get(chosen, places[titles[-1]])
    examples = data.examples(path)
    noise = examples.noise[position].astype(np.float32)
    clean = pixels[source]
    picture, factor = pictures.difference(noise)
    shown = [
        (clean, f"clean: {best(examples.p_clean[position])}"),
        (pictures.to_bytes(clean / 255 + noise), f"adversarial: {best(examples.p_adv[position])}"),
        (picture, f"difference × {factor:.0f}"),
    ]
    for column, (picture, caption) in zip(st.columns(3), shown, strict=True):
        column.image(pictures.link(picture, 360), caption=caption, width="stretch", alt=caption)
    st.altair_chart(
        charts.probabilities(probabilities(examples, position)), key="probabilities",
        alt="Predicted probability of each class on the clean and on the adversarial image.",
    )  # fmt: skip


def best(p: np.ndarray) -> str:
    return f"{classes[int(p.argmax())]}, {100 * float(p.max()):.0f} %"


def probabilities(examples: adv.Examples, position: int) -> pd.DataFrame:
    parts = [("clean", examples.p_clean[position]), ("adversarial", examples.p_adv[position])]
    return pd.concat(
        pd.DataFrame({"class": classes, "image": image, "percent": 100 * p.astype(float)}) for image, p in parts
    )


def detail(split: str, idx: int) -> None:
    table = data.read(reader.samples, run.store, split)
    row = table[table["idx"] == idx]
    if row.empty:
        st.info(f"There is no image {idx} among the {split} images of this run.", icon=":material/info:")
        return
    label, source = int(row["label"].iloc[0]), int(row["source"].iloc[0])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Image {idx} · class {classes[label]}", width="content")
        st.caption(f"{split} split of {run.config.data}")
    grid = ui.pair()
    with grid.cell():
        twins(split, idx, source)
    with grid.cell():
        if split == "train" and has_margins:
            st.subheader("Its margin, epoch by epoch")
            history = data.read(reader.sample_history, run.store, idx)
            st.altair_chart(charts.history(history), key="history", alt=f"Margin of image {idx} over the epochs.")
        verdicts = data.read(reader.sample_verdicts, run.store, split, idx)
        if not verdicts.empty:
            st.subheader("What became of it under attack")
            shown = verdict_table(verdicts)
            st.dataframe(shown, hide_index=True, key="verdicts")
            ui.downloads(shown, f"{ui.name(run.id)}-{split}-{idx}")


def verdict_table(verdicts: pd.DataFrame) -> pd.DataFrame:
    """A row an attack and level, over all seeds; one for the clean image."""
    rows = []
    attacked = verdicts.assign(name=verdicts["name"].where(verdicts["eps"] > 0, ""), steps=verdicts["steps"])
    for (eps, name, norm), part in attacked.groupby(["eps", "name", "norm"]):
        worst = part.sort_values(["ok", "distance"]).iloc[0]
        stages = ", ".join(dict.fromkeys(stage for stage in part["broken_by"] if stage and stage != "clean"))
        rows.append({
            "noise level": show_level(eps) + (f" {norm}" if norm != "Linf" else ""),
            "attack": export.attack_title(name) if name else "none",
            "withstood": withstood(part["ok"]), "broken by": stages, "predicted": classes[worst["pred"]],
            "noise (1/255)": round(255 * float(worst["distance"]), 2),
        })  # fmt: skip
    return pd.DataFrame(rows)


def withstood(ok: pd.Series) -> str:
    """Of one try yes or no, else of how many."""
    if ok.all() or not ok.any():
        return "yes" if ok.all() else "no"
    return f"{ok.sum()} of {len(ok)} tries"


split, labels, low, high, order = filters()
first = data.read(reader.gallery, run.store, last, split, tuple(labels), low, high, order, 1, 0)
if st.session_state.get("sample") is None and "sample" not in st.query_params and not first.empty:
    st.session_state["sample"] = int(first["idx"].iloc[0])
with st.container(border=True):
    chosen = st.number_input("Image id", 0, None, value=None, key="sample", bind="query-params", width=160)
    if chosen is not None:
        detail(split, int(chosen))
gallery(split, labels, low, high, order)
