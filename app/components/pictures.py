"""Image arrays as PNGs for the browser, enlarged without smoothing."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

SMALL = 48  # pixels: the longer side of a picture among hundreds


def png(pixels: np.ndarray, side: int = 112) -> bytes:
    """(C, H, W) uint8, C is 1 or 3 -> a PNG at least `side` pixels wide."""
    factor = max(1, -(-side // pixels.shape[2]))
    big = pixels.repeat(factor, axis=1).repeat(factor, axis=2)
    image = Image.fromarray(big[0] if len(big) == 1 else np.moveaxis(big, 0, 2))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@dataclass(frozen=True)
class Cut:
    """Which slice of a volume: its place along one of the axes, from 0; None: the middle one."""

    at: int | None = None
    axis: int = 0  # 0: depth, 1: height, 2: width


MIDDLE = Cut()


def flat(pixels: np.ndarray, cut: Cut = MIDDLE) -> np.ndarray:
    """An image (C, H, W) as it is; of a volume (C, D, H, W) one slice, (C, rows, columns)."""
    if pixels.ndim == 3:
        return pixels
    at = pixels.shape[1 + cut.axis] // 2 if cut.at is None else cut.at
    return pixels.take(at, axis=1 + cut.axis)


def windowed(pixels: np.ndarray, low: int, high: int) -> np.ndarray:
    """uint8 -> uint8: what lies from low to high takes the whole range from black to white."""
    if (low, high) == (0, 255):
        return pixels
    spread = (pixels.astype(np.float32) - low) / max(1, high - low)
    return to_bytes(spread)


def link(pixels: np.ndarray, side: int = 112) -> str:
    """The PNG as an address that holds it whole.

    Given bytes, Streamlit would send a lossy JPEG, from an address that is gone after the next
    rerun.
    """
    return "data:image/png;base64," + base64.b64encode(png(pixels, side)).decode()


def small(pixels: np.ndarray) -> str:
    """The same for hundreds at once: an image of up to SMALL pixels as it is, a larger one
    reduced, and lossy."""
    if max(pixels.shape[1:]) <= SMALL:
        return link(pixels, 1)
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, 2))
    image.thumbnail((SMALL, SMALL))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def to_bytes(x: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] -> uint8."""
    return np.round(255 * np.clip(x, 0, 1)).astype(np.uint8)


def difference(noise: np.ndarray) -> tuple[np.ndarray, float]:
    """Noise around 0 -> a picture around mid-gray, and how many times it was amplified."""
    largest = float(np.abs(noise).max())
    factor = 0.5 / largest if largest else 1.0
    return to_bytes(0.5 + factor * noise.astype(np.float32)), factor
