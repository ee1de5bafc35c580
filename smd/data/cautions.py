"""What to know of a set of own images before a network is trained on it: counted, and in words."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from smd.data.images import Images
from smd.data.split import Splits

FEW = 20  # images of a class; with fewer, one of them moves its accuracy by more than five points
UNEVEN = 10  # times as many images in the largest class as in the smallest
NAMED = 3  # classes that a sentence names


def counts(images: Images, splits: Splits) -> pd.DataFrame:
    """Images of each class in each split: class, training, validation, test, all."""
    table = pd.DataFrame({"class": images.classes})
    for name, rows in (
        ("training", splits.train),
        ("validation", splits.val),
        ("test", splits.test),
    ):
        table[name] = np.bincount(images.labels[rows], minlength=len(images.classes))
    return table.assign(all=table[["training", "validation", "test"]].sum(axis=1))


def twins(images: Images, splits: Splits) -> list[int]:
    """Rows of the test images that are also, pixel for pixel, among those for training or
    validation."""
    known = {_digest(images.pixels[row]) for row in np.concatenate([splits.train, splits.val])}
    return [int(row) for row in splits.test if _digest(images.pixels[row]) in known]


def constant(images: Images) -> list[int]:
    """Rows of the images that are of one value throughout, in each of their channels."""
    flat = (pixels.reshape(len(pixels), -1) for pixels in images.pixels)
    return [row for row, pixels in enumerate(flat) if (pixels == pixels[:, :1]).all()]


def _digest(pixels: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16).digest()


def sentences(
    table: pd.DataFrame, twins: Sequence[int], constant: Sequence[int], names: Sequence[str] = ()
) -> list[str]:
    """The cautions, each a sentence. table, twins, constant: as found above; names: of the files,
    by row, if known."""
    said = []
    few = table[table["all"] < FEW]["class"].tolist()
    if few:
        said.append(
            f"{_classes(few)} fewer than {FEW} images: add some, or do not trust the accuracy on "
            f"{'it' if len(few) == 1 else 'them'}."
        )
    sizes = table.set_index("class")["all"]
    least, most = sizes.idxmin(), sizes.idxmax()
    if sizes.max() > UNEVEN * sizes.min():
        said.append(
            f"'{most}' has {sizes.max() / sizes.min():,.0f} times as many images as"
            f" '{least}': the accuracy can be high although the small classes are never"
            " recognised."
        )
    if twins:
        said.append(
            f"{_some(twins, int(table['test'].sum()), 'test images', names)} also among the"
            " training or validation images, pixel for pixel: the test accuracy is too good, remove"
            " them from one side."
        )
    if constant:
        said.append(
            f"{_some(constant, int(table['all'].sum()), 'images', names)} of one colour throughout:"
            " nothing but the class's share can be learned from that, look whether it should"
            " be so."
        )
    return said


def _some(rows: Sequence[int], of: int, what: str, names: Sequence[str]) -> str:
    """A count of images in words: "2 of 30 images (such as 'train/a/1.png') are"."""
    example = f" (such as '{names[rows[0]]}')" if names else ""
    return f"{len(rows):,} of {of:,} {what}{example} {'is' if len(rows) == 1 else 'are'}"


def _classes(names: Sequence[str]) -> str:
    """Classes in words: "The classes 'a', 'b', 'c' and 2 more have"."""
    if len(names) == 1:
        return f"Class '{names[0]}' has"
    shown = ", ".join(f"'{name}'" for name in names[:NAMED])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"The classes {shown}{more} have"
