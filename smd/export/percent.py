"""Percentages with two decimals, the same in every table."""

import math

from smd.stats import wilson_of_one


def rounded(percent: float) -> float:
    """To two decimals; a half goes up, as in print: 71.755, which no float holds exactly, becomes
    71.76."""
    return math.floor(percent * 100 + 0.5 + 1e-6) / 100 if math.isfinite(percent) else math.nan


def shown(percent: float) -> str:
    """As text with two decimals; "" where nothing was measured."""
    return f"{rounded(percent):.2f}" if math.isfinite(percent) else ""


def interval(share: float, n: int) -> str:
    """The 95 % interval of a share in [0, 1] of n sampled images, as text in %: "71.4 to 80.2 %";
    "" where unknown."""
    if not n or not math.isfinite(share):
        return ""
    low, high = wilson_of_one(share, n)
    return f"{100 * low:.1f} to {100 * high:.1f} %"
