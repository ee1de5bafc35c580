"""Images of a run as PNGs inside the page."""

import base64
import io

import numpy as np
from PIL import Image

from smd.data.images import Images
from smd.report.markup import Markup, element

SMALL, LARGE = (
    96,
    192,
)  # pixels: smaller images are enlarged to the one, larger ones reduced to the other


def picture(images: Images, row: int, alt: str) -> Markup:
    """One image, of a volume its middle slice."""
    pixels = np.asarray(images.pixels[row])
    if pixels.ndim == 4:
        pixels = pixels[:, pixels.shape[1] // 2]
    data = base64.b64encode(png(pixels)).decode()
    return element("img", src=f"data:image/png;base64,{data}", alt=alt, width=SMALL, height=SMALL)


def png(pixels: np.ndarray) -> bytes:
    """(C, H, W) uint8, C is 1 or 3 -> a PNG; small images are enlarged without smoothing."""
    gray = len(pixels) == 1
    image = Image.fromarray(np.ascontiguousarray(pixels[0] if gray else np.moveaxis(pixels, 0, 2)))
    longest = max(image.size)
    if longest < SMALL:
        factor = -(-SMALL // longest)
        image = image.resize(
            (image.width * factor, image.height * factor), Image.Resampling.NEAREST
        )
    image.thumbnail((LARGE, LARGE))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
