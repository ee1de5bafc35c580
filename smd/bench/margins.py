"""Which margin is nearer the truth: EPGD's, or that of its variant `first-crossing`?

The truth is unknown; the nearest adversarial image that anything here has found stands in for it: a
minimum-norm attack, EPGD and its variant. Reaches are multiples of the
minimum-norm distance, as margins in a run come to lie near the boundary.
"""

from dataclasses import replace

import torch
from torch import Tensor

from smd.bench.part import Part, Row
from smd.bench.step import CASES, QUICK, prepared
from smd.core import lp
from smd.core.epgd import epgd
from smd.core.margin import Rules
from smd.estimators.min_norm import MinNorm

SAMPLES = 64
REACHES = (1.05, 1.25, 1.5, 2.0, 3.0)


def measure(quick: bool) -> Part:
    """A row for each reach and search, on correctly classified samples."""
    case = QUICK[0] if quick else replace(CASES[0], batch=SAMPLES)
    ready = prepared(case)
    model, x, y = ready.model.eval(), ready.batch.x, ready.batch.y
    right = model(x).argmax(1) == y
    x, y = x[right], y[right]
    attack = MinNorm(steps=10, targets=1) if quick else MinNorm()
    least = attack.estimate(model, x, y, "Linf", torch.Generator().manual_seed(0)).margin
    results: dict[tuple[float, str], tuple[Tensor, Tensor]] = {}
    for reach in REACHES:
        for search in ("bisect", "first-crossing"):
            out = epgd(model, x, y, reach * least, Rules(search=search), torch.Generator())
            results[reach, search] = lp.length(out.x - x, "Linf"), out.crossed
    for distance, crossed in results.values():
        least = torch.where(crossed, torch.minimum(least, distance), least)
    rows = [_row(*key, *value, least) for key, value in results.items()]
    note = (
        f"{case.net}, {ready.images}, {len(x)} samples; nearest known boundary: median"
        f" {255 * least.median():.2f}/255."
    )
    return Part(
        "margins", "Margins of crossed samples against the nearest known boundary", rows, note
    )


def _row(reach: float, search: str, distance: Tensor, crossed: Tensor, least: Tensor) -> Row:
    """How far beyond the nearest known boundary the margins of those lie that crossed."""
    excess = (distance / least.clamp_min(1e-6) - 1)[crossed]
    none = not len(excess)
    return {
        "reach": reach,
        "search": search,
        "crossed": int(crossed.sum()),
        "of": len(crossed),
        "median_excess_percent": 0.0 if none else 100 * float(excess.median()),
        "mean_excess_percent": 0.0 if none else 100 * float(excess.mean()),
        "within_1_percent": int((excess < 0.01).sum()),
    }
