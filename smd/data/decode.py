"""One image file to pixels."""

import io

import numpy as np
from PIL import Image

from smd.errors import UserError

GRAY = ("1", "L", "LA", "La")  # what Pillow calls them; 8 bits a channel, as all others but DEEP
DEEP = ("I", "F")  # and "I;16", ...: more than 8 bits a pixel
MAX_PIXELS = 64_000_000  # of one image: a small file can claim a huge one


def decode(data: bytes, name: str, side: int) -> np.ndarray:
    """The image as (C, H, W) uint8; C is 1 for gray, 3 for colour, palette or transparent images.

    It is resized to (side, side), bilinear with antialiasing, unless side is 0.
    Raises UserError, with the name, if it is no image, too large, or deeper than 8 bits.
    """
    try:
        opened = Image.open(io.BytesIO(data))
        _check(opened, name)
        image = opened.convert("L" if opened.mode in GRAY else "RGB")
    except UserError:
        raise
    except Exception as error:  # a broken file makes Pillow raise nearly anything
        raise UserError(f"The image '{name}' cannot be read ({error}): remove or replace it.") from None
    if side and image.size != (side, side):
        image = image.resize((side, side), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def resized(pixels: np.ndarray, side: int) -> np.ndarray:
    """(..., H, W) uint8 -> (..., side, side), each slice on its own, as above; as it is if side is 0."""
    if not side or pixels.shape[-2:] == (side, side):
        return pixels
    slices = pixels.reshape(-1, *pixels.shape[-2:])
    small = [np.asarray(Image.fromarray(each).resize((side, side), Image.Resampling.BILINEAR)) for each in slices]
    return np.stack(small).reshape(*pixels.shape[:-2], side, side)


def _check(image: Image.Image, name: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise UserError(f"The image '{name}' is {image.width}x{image.height} pixels large: make it smaller.")
    if getattr(image, "n_frames", 1) > 1:
        raise UserError(f"The image '{name}' has several pages or frames: store each as an image of its own.")
    if image.mode.startswith(DEEP):
        raise UserError(f"The image '{name}' has more than 8 bits a pixel: convert it to 8 bits first.")
