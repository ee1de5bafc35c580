"""Samples: the selected images, and one of them closely: its margin over the epochs, its
adversarial example, the verdicts of attacks."""

import numpy as np
import pandas as pd
import streamlit as st

from smd import export
from smd.core.kinds import MEANING, MISCLASSIFIED
from smd.runs.folders import Run
from smd.store import reader
from smd.units import show_length

from .. import data
from ..charts import history
from ..components import gallery, going_back, image_files, layout, slices, standing
from ..components.pictures import MIDDLE
from ..components.plain import plain
from ..sections import adversarial_examples, bounds_words, image_sets, one_by_one, sample_verdicts
from ..sections.adversarial_examples import View
from ..selection.selected import Selection

NO_IMAGE = "No image matches: widen the filters above."


def page(run: Run, chosen: Selection) -> None:
    """One image closely, then all selected ones."""
    if "images" not in data.value(reader.meta, run.store):
        standing.show(run.status, "Images appear", "the run has begun")
        return
    if chosen.missing:
        st.info(plain(chosen.missing), icon=":material/info:")
    with st.container(border=True, key="closely"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            wanted = choose(chosen)
            idx = None if wanted is None else there(chosen, wanted)
            if idx is not None:
                one_by_one.show(chosen, idx)
        say_if_another(chosen, wanted, idx)
        if idx is not None:
            detail(chosen, idx)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(chosen.title, width="content")
        image_sets.of_selection(chosen)
    gallery.show(run, chosen.rows, chosen.split, "samples", NO_IMAGE, here=True)


def choose(chosen: Selection) -> int | None:
    """The id that is asked for; the first selected image as long as nobody asks."""
    first = None if chosen.rows.empty else int(chosen.rows["idx"].iloc[0])
    unset = st.session_state.get("sample") is None and "sample" not in st.query_params
    if unset and first is not None:
        st.session_state["sample"] = first
    begin = going_back.begin("sample", first)
    wanted = st.number_input(
        "Image id", 0, None, value=begin, key="sample", bind="query-params", width=160
    )
    return None if wanted is None else int(wanted)


def there(chosen: Selection, wanted: int) -> int | None:
    """The id itself, or the nearest one that the split has."""
    return nearest(data.read(reader.samples, chosen.run.store, chosen.split)["idx"], wanted)


def say_if_another(chosen: Selection, wanted: int | None, idx: int | None) -> None:
    """A word about an id that the split does not have."""
    if wanted is None or idx == wanted:
        return
    if idx is None:
        said = f"This run has no {chosen.images}: choose others above."
    else:
        known = data.read(reader.samples, chosen.run.store, chosen.split)["idx"]
        said = (
            f"There is no image {wanted:,} among the {chosen.images} of this run, whose ids go from"
            f" {known.min()} to {known.max()}: this is the nearest one, image {idx:,}."
        )
    st.info(said, icon=":material/info:")


def nearest(known: "pd.Series[int]", wanted: int) -> int | None:
    """The id that comes closest to the wanted one; None if there is none at all."""
    return None if known.empty else int(known.iloc[int((known - wanted).abs().argmin())])


ABOUT = ("label", "source")  # of an image, from reader.samples


def detail(chosen: Selection, idx: int) -> None:
    """Everything that is known of one image."""
    run, split = chosen.run, chosen.split
    table = data.read(reader.samples, run.store, split)
    known = {name: int(table.loc[table["idx"] == idx, name].iloc[0]) for name in ABOUT}
    heading(chosen, idx, chosen.known.classes[known["label"]])
    image_sets.of_image(chosen, idx)
    images = data.images(run)
    pixels = images.pixels[known["source"]] if images is not None else None
    view = look(pixels) if pixels is not None else View()
    grid = layout.pair()
    with grid.cell():
        if pixels is None:
            image_files.gone(run)
        else:
            adversarial_examples.section(run, split, idx, pixels, view)
    with grid.cell():
        if split == "train":
            over_epochs(run, idx)
        for norm in ("Linf", "L2"):
            if said := bounds_words.of_image(run, split, idx, norm):
                st.caption(said)
        sample_verdicts.section(run, split, idx)


def heading(chosen: Selection, idx: int, name: str) -> None:
    """Which image it is: its class, its split, the name of its file."""
    run = chosen.run
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"Image {idx} · class {plain(name)}", width="content")
        files = data.read(reader.sample_paths, run.store, chosen.split)
        names = [plain(path) for path in files.loc[files["idx"] == idx, "path"]]
        if not names and image_files.has_files(run):
            names = [image_files.NAMELESS]
        st.caption(
            " · ".join([f"{chosen.split} split of {plain(export.data_name(run.config))}", *names])
        )


def look(pixels: np.ndarray) -> View:
    """How the image is looked at: its window, and the slice of a volume."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        window = slices.window()
        cut = slices.chooser(pixels.shape[1:]) if pixels.ndim == 4 else MIDDLE
    return View(cut, window)


def over_epochs(run: Run, idx: int) -> None:
    """The margin of a training image, epoch by epoch."""
    rows = data.read(reader.sample_history, run.store, idx)
    if rows.empty:
        return
    st.header("Its margin, epoch by epoch")
    last, norm = rows.iloc[-1], run.config.norm
    length = show_length(last["margin"], norm, 1) + " L2" * (norm == "L2")
    margin = "" if last["kind"] == MISCLASSIFIED else f" {length},"
    said = f"After epoch {last['epoch']}:{margin} {last['kind']}: {MEANING[last['kind']]}."
    st.caption(said)
    st.altair_chart(
        history.of_sample(rows, norm),
        key="history",
        alt=f"The margin of image {idx} over {len(rows)} epochs. {said}",
    )
