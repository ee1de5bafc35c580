"""The labels of a file of arrays and the names of its classes, checked.

Labels are whole numbers from 0, also as floats; or the names of the classes; or one column a class
with one 1 a row.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smd.data import npy
from smd.data.npy import Stored
from smd.errors import UserError

EXACT = 2**53  # up to here every whole number has a float64 of its own


@dataclass(frozen=True, eq=False)
class Labels:
    """What one array says of n images: a number each, or a name each."""

    title: str
    raw: np.ndarray  # (n,) int64, or (n,) strings
    columns: int = 0  # of one-hot labels; 0: they were none

    @property
    def named(self) -> bool:
        """Whether each label is the name of its class."""
        return self.raw.dtype.kind == "U"


def of(stored: Stored, n: int) -> Labels:
    """The labels of n images; raises UserError unless each image has exactly one that can be a
    class."""
    shape, title = stored.shape, stored.title
    if len(shape) not in (1, 2) or shape[0] != n or 0 in shape[1:]:
        raise UserError(
            f"{title} has the shape {shape}, but there are {n} images: save one label for each."
        )
    if stored.dtype.kind not in "iubfUS":
        raise UserError(
            f"{title} holds {stored.dtype} values: labels are whole numbers from 0, or names of"
            " classes."
        )
    values = npy.whole(stored)
    if len(shape) == 2 and shape[1] > 1:
        return Labels(title, _hot(values, title), shape[1])
    values = values.reshape(n)
    return Labels(
        title, _names_of(values, title) if values.dtype.kind in "US" else _whole(values, title)
    )


def joined(
    parts: Sequence[Labels], given: Stored | None
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """(labels (N,) int64 of all parts one after another, names of the classes if they are known).

    Raises UserError if the parts differ in kind, or name other classes than `given` does.
    """
    first = parts[0]
    for other in parts[1:]:
        if (other.named, other.columns) != (first.named, first.columns):
            raise UserError(
                f"{first.title} and {other.title} hold labels of different kinds: save them alike."
            )
    raw = np.concatenate([part.raw for part in parts])
    names = _names(given) if given else None
    if first.named:
        return _numbered(raw, names, first.title)
    if names is None and first.columns:
        names = tuple(map(str, range(first.columns)))
    return raw, names


def classes(
    names: tuple[str, ...] | None, all_labels: np.ndarray, training: np.ndarray, where: str
) -> tuple[str, ...]:
    """The names of the classes: as given, or "0", "1", ....

    Raises UserError if a class has no training image, or if there is only one.
    """
    count = int(all_labels.max()) + 1
    if names is not None and count > len(names):
        raise UserError(
            f"{where} has the label {count - 1}, but names only {len(names)} classes: name all of"
            " them."
        )
    count = len(names) if names is not None else count
    seen = np.unique(training)
    if len(seen) < count:
        missing = next(
            label for label, given in enumerate([*seen.tolist(), count]) if label != given
        )
        if names is not None and names[missing] != str(missing):
            raise UserError(
                f"{where} has no training image with the label {missing}, '{names[missing]}': add"
                " images of it, or leave the class out."
            )
        raise UserError(
            f"{where} has no training image with the label {missing}: number the classes from 0, no"
            " gaps."
        )
    if count == 1:
        raise UserError(f"There is only one class in {where}: add images of another one.")
    return names if names is not None else tuple(map(str, range(count)))


def _hot(values: np.ndarray, title: str) -> np.ndarray:
    """The column of each row's only 1; raises UserError with the first row that has none, or
    something else."""
    if values.dtype.kind in "US":
        raise UserError(
            f"{title} has {values.shape[1]} names an image: save one, the class that it belongs to."
        )
    plain = ((values == 0) | (values == 1)).all(axis=1) & ((values == 1).sum(axis=1) == 1)
    if not plain.all():
        row = int(np.argmin(plain))
        raise UserError(
            f"{title} has {values.shape[1]} numbers an image, and row {row} is not a single 1 among"
            " zeros: an image can have one class only, so save its number, such as"
            " labels.argmax(axis=1) if the largest counts."
        )
    raw: np.ndarray = values.argmax(axis=1).astype(np.int64)
    return raw


def _whole(values: np.ndarray, title: str) -> np.ndarray:
    """(n,) int64; raises UserError unless all are whole numbers, not negative."""
    if values.dtype.kind == "f":
        values = values.astype(np.float64)
        broken = ~(np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) <= EXACT))
        if broken.any():
            raise UserError(
                f"{title} holds the label {values[broken][0]}: labels are whole numbers from 0, or"
                " names of classes."
            )
    if len(values) and (values.min() < 0 or values.max() > np.iinfo(np.int64).max):
        raise UserError(
            f"{title} holds the label {values.min() if values.min() < 0 else values.max()}: count"
            " from 0."
        )
    return values.astype(np.int64)


def _names_of(values: np.ndarray, title: str) -> np.ndarray:
    """(n,) names, each in one spelling of its letters; raises UserError if one is empty or no
    text."""
    try:
        texts = (
            values.tolist()
            if values.dtype.kind == "U"
            else [value.decode() for value in values.tolist()]
        )
        raw = [unicodedata.normalize("NFC", text).strip() for text in texts]
        "".join(raw).encode()  # half of a surrogate pair is no text
    except (UnicodeError, ValueError):
        raise UserError(
            f"{title} holds a label that is no text in UTF-8: save the names of the classes so."
        ) from None
    if not all(raw):
        raise UserError(
            f"{title} holds an empty label in row {raw.index('')}: name the class of every image."
        )
    return np.array(raw, dtype=str)


def _numbered(
    raw: np.ndarray, names: tuple[str, ...] | None, title: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Names to numbers, counted in the order given, or else in that of the alphabet."""
    seen, numbers = np.unique(raw, return_inverse=True)
    if names is None:
        return numbers.astype(np.int64), tuple(map(str, seen))
    place = {name: number for number, name in enumerate(names)}
    if missing := [str(name) for name in seen if name not in place]:
        raise UserError(
            f"{title} holds the label '{missing[0]}', which classes does not name: add it there."
        )
    return np.array([place[str(name)] for name in seen], np.int64)[numbers], names


def _names(stored: Stored) -> tuple[str, ...]:
    if len(stored.shape) != 1 or stored.dtype.kind not in "US":
        raise UserError(
            f"{stored.title} is no list of strings: save the names of the classes, in order of the"
            " labels."
        )
    values = npy.whole(stored)
    raw = (
        tuple(map(str, _names_of(values, stored.title)))
        if all(map(bool, values.tolist()))
        else ("",)
    )
    if len(set(raw)) < len(raw) or not all(raw):
        raise UserError(
            f"{stored.title} holds a name twice or an empty one: name each class differently."
        )
    return raw
