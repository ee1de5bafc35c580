"""`smd.estimate_margins`: the margins of any network on any images."""

from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch import nn

from smd import estimators, registry
from smd.api import checks
from smd.api.inputs import FloatImages, classes_of, device_of, gathered, on_loan
from smd.config.schema import EstimateConfig, Value
from smd.config.validation import made, of_estimate
from smd.core.kinds import CERTIFIED, REACHED, kinds, of_smoothing
from smd.core.lp import Norm
from smd.errors import UserError
from smd.estimators.measure import Measured, measure
from smd.registry import Estimator


def estimate_margins(
    model: nn.Module,
    x: Any,
    y: Any = None,
    method: str = "min-norm",
    *,
    norm: Norm = "Linf",
    seed: int = 0,
    batch_size: int = 64,
    device: torch.device | str | None = None,
    **settings: Value,
) -> pd.DataFrame:
    """How far each image is from the decision boundary, as far as a search can tell: a row each.

    method: "min-norm" (Auto-PGD in the smallest ball, and DDN for L2), "fab" (Croce and Hein 2020),
    "gem" (paper, Sec. 3.1) or "pgd" (Sec. 2.5; as far as eps=8/255), settings are its own, see
    smd.registry.ESTIMATORS; all else is as in `smd.attack`. "certified" proves lower bounds, of
    small networks; "smoothing" (L2) is of the smoothed one. Columns, lengths in the unit of x:

    - idx, label: the position in x, and y
    - margin: how far the search came within the true class
    - kind: "found" (it met the boundary), "reached" (it met none), "misclassified" (margin 0), or
      "certified" (proven: no adversarial example is nearer than the margin)
    - crossed: whether a misclassified image was met, x itself included
    - upper_bound of the true margin: margin where found ("gem" and "pgd": to 1/1024 of the searched
      way), 0 where misclassified, nan elsewhere, as a search that met nothing bounds nothing

    Raises UserError for what does not fit.
    """
    asked = {"method": method, "params": settings, "norm": norm, "seed": seed, "batch": batch_size}
    config = made(EstimateConfig, {"run": "", **asked})
    if wrong := of_estimate(config):
        raise UserError(" ".join(wrong))
    return _measured(model, (x, y), config, device_of(model, device))


def _measured(
    model: nn.Module, given: tuple[Any, Any], config: EstimateConfig, device: torch.device
) -> pd.DataFrame:
    """Search from every image; given: x and y as the caller has them."""
    far = registry.range_of(config.method)
    params = {**config.params, **({far.name: config.levels[0]} if far else {})}
    estimator, norm = estimators.build(config.method, params), cast(Norm, config.norm)
    images = gathered(*given, device, checks.network(model))
    with on_loan(model, device):
        classes_of(model, images)  # refuses what does not fit
        ids = torch.arange(len(images), device=device)
        result = measure(model, images, ids, estimator, norm, config.seed, config.batch)
    return _table(images, result, registry.ESTIMATORS[config.method])


def _table(images: FloatImages, result: Measured, entry: Estimator) -> pd.DataFrame:
    """The rows of an estimate, see `estimate_margins`."""
    kind = kinds(result.clean_ok, result.crossed, entry.certifying)
    if entry.smooths:
        kind = of_smoothing(result.clean_ok, result.crossed)
    none = np.isin(kind, (REACHED, CERTIFIED)) | bool(entry.smooths)
    return pd.DataFrame(
        {
            "idx": range(len(images)),
            "label": images.labels.cpu().numpy(),
            "margin": result.margin,
            "kind": kind,
            "crossed": result.crossed,
            "upper_bound": np.where(none, np.float32(np.nan), result.margin),
        }
    )
