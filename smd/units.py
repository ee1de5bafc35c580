"""Noise levels: a float in [0, 1] inside, written k/255 outside."""

from smd.errors import UserError


def px(*levels: int) -> tuple[float, ...]:
    """Noise levels given in pixel steps: 8 is 8/255."""
    return tuple(k / 255 for k in levels)


def parse_level(text: str) -> float:
    """Read one noise level: "8/255", "0.031" or "0".

    Returns the level in [0, 1]; raises UserError for anything else.
    """
    top, _, bottom = text.strip().partition("/")
    try:
        value = float(top) / float(bottom) if bottom else float(top)
    except (ValueError, ZeroDivisionError):
        raise UserError(f"'{text}' is no noise level: write it like 8/255 or 0.031.") from None
    if not 0 <= value <= 1:
        raise UserError(f"The noise level {text} is outside [0, 1]: pixels are, write 8/255 for 8.")
    return value


def parse_levels(text: str) -> tuple[float, ...]:
    """Read a comma-separated list of noise levels, sorted, each once."""
    return tuple(sorted({parse_level(part) for part in text.split(",") if part.strip()}))


def show_level(value: float) -> str:
    """Write a level as k/255 where k is a whole number, else as a short decimal."""
    if value == 0:
        return "0"
    k = value * 255
    return f"{round(k)}/255" if abs(k - round(k)) < 1e-3 else f"{value:.4g}"


def show_levels(values: tuple[float, ...] | list[float]) -> str:
    """Write levels as parse_levels reads them."""
    return ",".join(show_level(v) for v in values)
