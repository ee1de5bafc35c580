"""Noise levels are floats inside and written k/255 outside, those of L2 as lengths.

Bytes as people say them.
"""

import math
from typing import TYPE_CHECKING, Any

from smd.errors import UserError

if TYPE_CHECKING:
    import numpy as np

LAST_BIN = 32_767  # the largest that a store keeps
SHIFT = 1e-4  # of a unit; in float32 k/255 times 255 can fall just below k
UNIT = {"Linf": "1/255", "L2": "L2 lengths"}  # what margins and noise are written in, by norm
NOISE = {  # what a noise level bounds, by norm
    "Linf": "The largest change of a pixel.",
    "L2": "The length of the noise over all pixels.",
}


def whole_units(lengths: Any, unit: float = 1 / 255) -> "np.ndarray":
    """How many whole units each length has: (n,) in the unit of x -> (n,) float64, floor(l / unit
    + SHIFT)."""
    import numpy as np

    return np.floor(np.asarray(lengths, np.float64) / unit + SHIFT)


def bin255(margins: Any) -> "np.ndarray":
    """The histogram bin of each margin: (n,) in the unit of x -> (n,) int16, k where it is in
    [k, k + 1) / 255; lengths in L2 may end beyond the last bin, and are in that."""
    return whole_units(margins).clip(max=LAST_BIN).astype("int16")


def px(*levels: int) -> tuple[float, ...]:
    """Noise levels given in pixel steps: 8 is 8/255."""
    return tuple(k / 255 for k in levels)


def parse_level(text: str, most: float = 1.0) -> float:
    """Read one noise level: "8/255", "0.031" or "0".

    most: infinity for L2, a length over all pixels. Returns the level in [0, most]; raises
    UserError for anything else.
    """
    top, _, bottom = text.strip().partition("/")
    try:
        value = float(top) / float(bottom) if bottom else float(top)
    except (ValueError, ZeroDivisionError):
        raise UserError(f"'{text}' is no noise level: write it like 8/255 or 0.031.") from None
    if not (0 <= value <= most and math.isfinite(value)):
        why = (
            "outside [0, 1]: pixels are, write 8/255 for 8"
            if most == 1
            else "no length: write it like 0.5"
        )
        raise UserError(f"The noise level {text} is {why}.")
    return value


def parse_levels(text: str, most: float = 1.0) -> tuple[float, ...]:
    """Read a comma-separated list of noise levels, sorted, each once."""
    levels = [parse_level(part, most) for part in text.split(",") if part.strip()]
    norm = "Linf" if most == 1 else "L2"
    # as written, each once
    return tuple(sorted({show_level(level, norm): level for level in levels}.values()))


def epsilon(norm: str) -> str:
    """What a noise level is called: "ε (L∞)"."""
    return f"ε ({'L∞' if norm == 'Linf' else norm})"


def show_level(value: float, norm: str = "Linf") -> str:
    """Write a level as k/255 where k is a whole number, else as a short decimal.

    An L2 level is a length over all pixels and no number of pixel steps: it is always a decimal,
    "0.5".
    """
    if value == 0:
        return "0"
    if norm != "Linf":
        return f"{value:.6g}"
    k = value * 255
    return f"{round(k)}/255" if abs(k - round(k)) < 1e-3 else f"{value:.4g}"


def show_levels(values: tuple[float, ...] | list[float], norm: str = "Linf") -> str:
    """Write levels as parse_levels reads them."""
    return ",".join(show_level(v, norm) for v in values)


def level_title(value: float, norm: str) -> str:
    """A level where its norm is said nowhere near: "8/255" of Linf, "0.5 L2"."""
    return show_level(value, norm) + (f" {norm}" if value and norm != "Linf" else "")


def show_length(value: float, norm: str = "Linf", decimals: int = 2) -> str:
    """Write what was measured, a margin or the length of noise: "7.93/255", of L2 "0.497"."""
    return f"{255 * value:.{decimals}f}/255" if norm == "Linf" else f"{value:.3g}"


def factor(norm: str) -> float:
    """What a length in the unit of x is multiplied by to be shown in UNIT[norm]."""
    return 255.0 if norm == "Linf" else 1.0


def show_bytes(size: float) -> str:
    """Write a number of bytes as people say it: "3 KiB", "1.5 MiB", "2.0 GiB"."""
    for unit, factor, decimals in (("GiB", 2**30, 1), ("MiB", 2**20, 1)):
        if size >= factor:
            return f"{size / factor:.{decimals}f} {unit}"
    return f"{-(-size // 2**10):.0f} KiB"
