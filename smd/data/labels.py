"""The labels of a file of arrays and the names of its classes, checked."""

import numpy as np

from smd.data import npy
from smd.data.npy import Stored
from smd.errors import UserError


def of(stored: Stored, n: int) -> np.ndarray:
    """(n,) int64; raises UserError unless there is one whole number, not negative, for each of n images."""
    shape, title = stored.shape, stored.title
    if len(shape) == 2 and shape[1] > 1:
        raise UserError(
            f"{title} has {shape[1]} labels an image: only sets with one class an image can be trained, "
            "so choose one column."
        )
    if shape not in ((n,), (n, 1)):
        raise UserError(f"{title} has the shape {shape}, but there are {n} images: save one label for each.")
    if stored.dtype.kind not in "iub":
        raise UserError(f"{title} holds {stored.dtype} values: labels are whole numbers from 0.")
    found = npy.whole(stored).reshape(n)
    if n and (found.min() < 0 or found.max() > np.iinfo(np.int64).max):
        raise UserError(f"{title} holds the label {found.min() if found.min() < 0 else found.max()}: count from 0.")
    return found.astype(np.int64)


def classes(names: Stored | None, all_labels: np.ndarray, training: np.ndarray, where: str) -> tuple[str, ...]:
    """The names of the classes: as given, or "0", "1", ....

    Raises UserError if a class has no training image, or if there is only one.
    """
    count = int(all_labels.max()) + 1
    given = _names(names) if names else None
    if given is not None and count > len(given):
        raise UserError(f"{where} has the label {count - 1}, but names only {len(given)} classes: name all of them.")
    count = len(given) if given is not None else count
    seen = np.unique(training)
    if len(seen) < count:
        missing = next(label for label, found in enumerate([*seen.tolist(), count]) if label != found)
        raise UserError(f"{where} has no training image with the label {missing}: number the classes from 0, no gaps.")
    if count == 1:
        raise UserError(f"There is only one class in {where}: add images of another one.")
    return given if given is not None else tuple(map(str, range(count)))


def _names(stored: Stored) -> tuple[str, ...]:
    if len(stored.shape) != 1 or stored.dtype.kind != "U":
        raise UserError(f"{stored.title} is no list of strings: save the names of the classes, in order of the labels.")
    found = tuple(map(str, npy.whole(stored)))
    if len(set(found)) < len(found) or not all(name.strip() for name in found):
        raise UserError(f"{stored.title} holds a name twice or an empty one: name each class differently.")
    return found
