"""An image beside its adversarial example: the two, their difference, and what the network says
about each."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from smd import export, jobs
from smd.config.schema import AttackConfig
from smd.evaluation import examples as adv
from smd.frames import tuples
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader
from smd.units import level_title

from .. import actions, data
from ..charts import probabilities as probability_chart
from ..components import pictures, standing, states
from ..components.plain import plain

SIDE = 360  # pixels of a picture
ROUNDED = (
    "Kept by an earlier version, with its noise rounded to 16 bits: the answer is that to the"
    " unrounded image. Attack it again for the exact one."
)
MISCLASSIFIED = (
    "The network misclassifies this image without any noise: there is nothing to attack."
)
NONE_KEPT = (
    "No adversarial example of this image is kept: of an attack on a whole split only some are."
)


@dataclass(frozen=True)
class View:
    """How images are looked at: the slice of a volume, and the intensities from black to white."""

    cut: pictures.Cut = pictures.MIDDLE
    window: tuple[int, int] = (0, 255)

    def link(self, pixels: np.ndarray) -> str:
        """The picture of an image (C, H, W) or volume (C, D, H, W), uint8."""
        return pictures.link(pictures.windowed(pictures.flat(pixels, self.cut), *self.window), SIDE)


def section(run: Run, split: str, idx: int, clean: np.ndarray, view: View) -> None:
    """One of the kept adversarial examples of an image, or what would make one.

    clean: (C, H, W) or (C, D, H, W), uint8.
    """
    st.header("Its adversarial example")
    places = _found(run, split, idx)
    if not places:
        st.image(view.link(clean), width=240, alt=f"Image {idx}", caption="clean")
        _none_yet(run, split, idx)
        return
    titles = list(places)
    chosen = st.selectbox(
        "Attack", titles, len(titles) - 1, key="twin", label_visibility="collapsed", width=300
    )
    path, position = places.get(chosen, places[titles[-1]])
    _side_by_side(
        data.examples(path), position, clean, view, data.value(reader.class_names, run.store)
    )


def _side_by_side(
    examples: adv.Examples,
    position: int,
    clean: np.ndarray,
    view: View,
    classes: tuple[str, ...],
) -> None:
    """Clean, adversarial, difference; and the predicted probabilities."""
    noise, factor = pictures.difference(examples.difference(position, clean))
    captions = (
        f"clean: {best(examples.p_clean[position], classes)}",
        f"adversarial: {best(examples.p_adv[position], classes)}",
        f"difference × {factor:.0f}",
    )
    adversarial, whole = pictures.to_bytes(examples.image(position, clean)), View(view.cut)
    shown = (view.link(clean), view.link(adversarial), whole.link(noise))
    for column, picture, caption in zip(st.columns(3), shown, captions, strict=True):
        column.image(picture, caption=plain(caption), width="stretch", alt=caption)
    if examples.rounded:
        st.caption(ROUNDED)
    st.altair_chart(
        probability_chart.probabilities(probabilities(examples, position, classes)),
        key="probabilities",
        alt=f"Predicted probabilities: {captions[0]}; {captions[1]}.",
    )


def _found(run: Run, split: str, idx: int) -> dict[str, tuple[Path, int]]:
    """Where an image's adversarial examples are stored: title -> (file, position), the smallest
    level first."""
    attacks = data.read(reader.attack_runs, run.store)
    rows = dict(zip(attacks["id"].map(adv.name_of), tuples(attacks), strict=True))
    kept = [(run.adv / f"{name}.npz", at) for name, at in data.adversarial(run.adv, split, idx)]
    kept.sort(key=lambda place: float(data.examples(place[0]).eps[place[1]]))
    titles = [_title(data.examples(path), at, rows.get(path.stem)) for path, at in kept]
    places = {}
    for place, title in zip(kept, titles, strict=True):
        own = rows.get(place[0].stem)
        name = f"{title}, seed {own.seed}" if own and titles.count(title) > 1 else title
        places[name if name not in places else f"{name} ({place[0].stem})"] = place
    return places


def _title(examples: adv.Examples, position: int, attack: Any) -> str:
    """Which attack it is of, with the settings that its row in the store tells (None: there is
    none), and at which noise level."""
    norm = examples.norm or (attack.norm if attack else "Linf")  # earlier files do not say it
    level = level_title(float(examples.eps[position]), norm)
    if attack is None:
        return f"{export.attack_title(examples.attack)} at {level}"
    steps = int(attack.steps) if attack.steps == attack.steps else 0
    return f"{export.attack_title(attack.name, attack.note or '', steps)} at {level}"


def _none_yet(run: Run, split: str, idx: int) -> None:
    """Why there is no adversarial example, and what would make one."""
    verdicts = data.read(reader.sample_verdicts, run.store, split, idx)
    if "clean" in set(verdicts["broken_by"]):
        st.caption(MISCLASSIFIED)
    elif _busy(run):
        _waiting(run)
    elif run.trained:
        st.caption(NONE_KEPT)
        wanted = actions.button("Attack this image", icon=":material/bolt:", key="attack-one")
        if wanted and states.attempt(_attack, run, split, idx):
            st.rerun()
    else:
        standing.show(run.status, "Adversarial examples are made", "the training is over")


def _busy(run: Run) -> bool:
    return any(
        jobs.read(folder).state in ("queued", "running")
        for folder in folders.jobs_of(run, "attack")
    )


@st.fragment(run_every="2s")
def _waiting(run: Run) -> None:
    if not _busy(run):
        st.rerun()
    st.info(
        "The attack is on its way; the picture appears when it is done.",
        icon=":material/hourglass_top:",
    )


def _attack(run: Run, split: str, idx: int) -> None:
    how = AttackConfig(run.id, params={"steps": 20}, norm=run.config.norm, levels=run.config.levels)
    config = replace(how, split=split, ids=(idx,), seeds=(0,))
    actions.start(run, config)


def best(p: np.ndarray, classes: tuple[str, ...]) -> str:
    """The likeliest class with its probability; p (C,)."""
    return f"{classes[int(p.argmax())]}, {100 * float(p.max()):.0f} %"


def probabilities(examples: adv.Examples, position: int, classes: tuple[str, ...]) -> pd.DataFrame:
    """Rows for probability_chart.probabilities: class, image, percent."""
    parts = [("clean", examples.p_clean[position]), ("adversarial", examples.p_adv[position])]
    return pd.concat(
        pd.DataFrame({"class": classes, "image": image, "percent": 100 * p.astype(float)})
        for image, p in parts
    )
