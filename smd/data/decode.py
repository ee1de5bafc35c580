"""One image file to the pixels that a viewer shows."""

import io
from collections import Counter
from collections.abc import MutableMapping
from functools import cache

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from smd.data.scan import Deep, check_finite
from smd.errors import UserError
from smd.files import foreign

GRAY = ("1", "L", "LA", "La")  # what Pillow calls them; 8 bits a channel, as all others but DEEP
DEEP = ("I", "F")  # and "I;16", ...: more than 8 bits a pixel
MAX_PIXELS = 64_000_000  # of one image: a small file can claim a huge one
# of pixels; others run programs (EPS), call the system (WMF) or hold no image of their own (PDF)
FORMATS = (
    "PNG",
    "JPEG",
    "BMP",
    "DIB",
    "GIF",
    "TIFF",
    "WEBP",
    "PPM",
    "JPEG2000",
    "AVIF",
    "ICO",
    "CUR",
    "PCX",
    "QOI",
    "TGA",
    "SGI",
    "SUN",
    "PSD",
    "DDS",
    "XBM",
)
TURNED = "images were turned as their EXIF orientation says"
ON_WHITE = "images have transparent parts: they were laid on white"
FIRST = "images have several frames or pages: only the first one is used"
NOTES = (TURNED, ON_WHITE, FIRST)


def decode(
    data: bytes, name: str, side: int, told: MutableMapping[str, int] | None = None
) -> np.ndarray:
    """The image as (C, H, W) uint8; C is 1 for gray, 3 for colour or palette images.

    It is what a viewer shows: the first frame, turned as EXIF says, on white where it is
    transparent; what of NOTES was done is counted in `told`. It is resized to (side, side),
    bilinear with antialiasing, unless side is 0. Raises UserError, with the name, if it is no
    image or too large, and Deep if it has more than 8 bits.
    """
    shown = _shown(data, name, told)
    if shown.mode.startswith(DEEP):
        raise Deep(f"'{name}' has more than 8 bits")
    if side and shown.size != (side, side):
        shown = shown.resize((side, side), Image.Resampling.BILINEAR)
    return _channels_first(np.asarray(shown))


def values(data: bytes, name: str, told: MutableMapping[str, int] | None = None) -> np.ndarray:
    """The image as it is stored, (C, H, W): uint8 as above and not resized, or (1, H, W) of more
    bits in its own numbers.

    Raises UserError as above, and where a number is not finite.
    """
    pixels = _channels_first(np.asarray(_shown(data, name, told)))
    check_finite(pixels, f"The image '{name}'")
    return pixels


def _shown(data: bytes, name: str, told: MutableMapping[str, int] | None) -> Image.Image:
    """The image in "L" or "RGB" as a viewer shows it, or one of DEEP turned as EXIF says."""
    if not data:
        raise UserError(f"The image '{name}' is empty (0 bytes): remove or replace it.")
    done: Counter[str] = Counter()
    with foreign.readable(f"The image '{name}' cannot be read", "remove or replace it"):
        try:
            image = opened(data)
        except UnidentifiedImageError:  # its words have the address of an object
            raise ValueError("it is none of the kinds of images that are known") from None
        with image:
            _check(image, name)
            shown = _on_white(_turned(image, done), done)
            done[FIRST] += _has_more(image)
    for note, times in done.items():
        if told is not None:
            told[note] = told.get(note, 0) + times
    return shown


def _channels_first(pixels: np.ndarray) -> np.ndarray:
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def opened(data: bytes) -> Image.Image:
    """The image with its header read, by what it holds and not by its name; raises what Pillow
    does."""
    return Image.open(io.BytesIO(data), formats=_formats())


def resized(pixels: np.ndarray, side: int) -> np.ndarray:
    """(..., H, W) uint8 -> (..., side, side), each slice on its own, as above; as it is if side is
    0."""
    if not side or pixels.shape[-2:] == (side, side):
        return pixels
    slices = pixels.reshape(-1, *pixels.shape[-2:])
    small = [
        np.asarray(Image.fromarray(each).resize((side, side), Image.Resampling.BILINEAR))
        for each in slices
    ]
    return np.stack(small).reshape(*pixels.shape[:-2], side, side)


def in_channels(pixels: np.ndarray, channels: str) -> np.ndarray:
    """(N, C, ...) uint8 -> the same in "gray", C = 1, or "rgb", C = 3; as it is if channels is "".

    Gray is Pillow's: 0.299 R + 0.587 G + 0.114 B, rounded; of float32 it is not rounded.
    """
    if channels == "rgb" and pixels.shape[1] == 1:
        return np.repeat(pixels, 3, axis=1)
    if channels == "gray" and pixels.shape[1] == 3:
        if pixels.dtype == np.float32:
            shares = np.array((0.299, 0.587, 0.114), np.float32)
            return np.tensordot(pixels, shares, (1, 0))[:, None]
        red, green, blue = (pixels[:, c : c + 1].astype(np.uint32) for c in range(3))
        return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(np.uint8)
    return pixels


@cache
def _formats() -> tuple[str, ...]:
    """Those of FORMATS that this Pillow knows."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _check(image: Image.Image, name: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise UserError(
            f"The image '{name}' is {image.width}x{image.height} pixels large: make it smaller."
        )
    if image.mode.startswith(DEEP) and image.has_transparency_data:
        raise UserError(
            f"The image '{name}' has more than 8 bits a pixel and transparent parts: save it"
            " without these."
        )


def _turned(image: Image.Image, done: Counter[str]) -> Image.Image:
    """A copy of the image as its EXIF orientation says; viewers show it as it is where that is
    broken."""
    image.load()
    try:
        turned = ImageOps.exif_transpose(image)
        done[TURNED] += image.getexif().get(0x0112, 1) in range(2, 9)
    except Exception:
        return image.copy()
    return turned


def _on_white(image: Image.Image, done: Counter[str]) -> Image.Image:
    """The image in "L" or "RGB", on white where it is transparent; of DEEP as it is."""
    if image.mode.startswith(DEEP):
        return image
    mode = "L" if image.mode in GRAY else "RGB"
    if not image.has_transparency_data:
        return image.convert(mode)
    # their colours are multiplied by their alpha
    straight = {"La": "LA", "RGBa": "RGBA"}.get(image.mode)
    layer = (image.convert(straight) if straight else image).convert("RGBA")
    if layer.getchannel("A").getextrema() == (255, 255):
        return image.convert(mode)
    done[ON_WHITE] += 1
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert(mode)


def _has_more(image: Image.Image) -> bool:
    """Whether there is a second frame; to count them all can take minutes."""
    try:
        image.seek(1)
    except Exception:  # there is none, or it is broken: the first one is whole
        return False
    return True
