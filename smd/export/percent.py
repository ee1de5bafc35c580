"""Percentages with two decimals, the same in every table."""

import math


def rounded(percent: float) -> float:
    """To two decimals; a half goes up, as in print: 71.755, which no float holds exactly, becomes 71.76."""
    return math.floor(percent * 100 + 0.5 + 1e-6) / 100 if math.isfinite(percent) else math.nan


def shown(percent: float) -> str:
    """As text with two decimals; "" where nothing was measured."""
    return f"{rounded(percent):.2f}" if math.isfinite(percent) else ""
