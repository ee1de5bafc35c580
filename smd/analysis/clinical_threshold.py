"""The threshold from which on the second of two classes is said."""

import math
from dataclasses import replace

import numpy as np

from smd.analysis import clinical
from smd.analysis.clinical_sources import Asked, Images, images_of, scored
from smd.errors import UserError
from smd.program import PROGRAM


def chosen(
    asked: Asked, images: Images, threshold: str | float | None
) -> tuple[float | None, list[str]]:
    """The threshold as log-odds of the second class, and what is to be said of it."""
    if threshold is None:
        return None, []
    if len(images.classes) != 2:
        raise UserError(f"A threshold is for two classes: this run has {len(images.classes)}.")
    name, how = images.classes[1], "as it was given"
    if threshold == "youden":
        cut, how = _youden(asked)
    elif isinstance(threshold, float | int) and 0 < threshold < 1:
        cut = math.log(threshold / (1 - threshold))
    else:
        raise UserError(f"The threshold {threshold} is none: write youden or a number in (0, 1).")
    at = clinical.probabilities(np.array(cut))
    return cut, [f"{name} is said where its probability is at least {at:.4g}, {how}."]


def _youden(asked: Asked) -> tuple[float, str]:
    val = replace(asked, split="val")
    images = images_of(asked.store, "val")
    scores = scored(val, 0.0, images)
    if not scores:
        raise UserError(
            "Youden's threshold is chosen on scores of validation images: `"
            f"{PROGRAM} score {asked.run} --split val --eps 0` finds them."
        )
    cut = clinical.youden(images.labels.loc[scores.idx].to_numpy() == 1, scores.log_odds[:, 1])
    if math.isnan(cut):
        raise UserError("The scored validation images are of one class: they choose no threshold.")
    said = f"Youden's choice on {len(scores.idx)} validation images"
    if asked.split == "val":
        said += ": on these very images, so sensitivity and specificity together are too high"
    return cut, said
