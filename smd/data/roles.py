"""What the arrays in an .npz are, by their names: MedMNIST's, Keras' and such as people give them.

A name is what is in the array and, if there are splits, which one: train_images, x_train, X_test,
val_labels, y, ....
"""

from collections.abc import Iterable
from dataclasses import dataclass

from smd.data.split import TEST, TRAIN, VAL
from smd.errors import UserError

IMAGES = frozenset({"images", "image", "imgs", "x"})
LABELS = frozenset({"labels", "label", "y", "targets", "target"})
SPLITS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VAL,
    "valid": VAL,
    "validation": VAL,
    "test": TEST,
    "testing": TEST,
}
LISTED = 8  # names that a message tells


@dataclass(frozen=True)
class Pair:
    """The names of the arrays that hold a split's images and their labels."""

    images: str
    labels: str  # "" where there are none
    split: int


def pairs(names: Iterable[str], where: str, tabled: bool = False) -> list[Pair]:
    """The splits that arrays of these names hold, those to train on first.

    Images without a split are these. tabled: a table tells labels, so that all may lack here.

    Raises UserError if two arrays are for the same, or if images or labels are missing.
    """
    held = sorted(names)
    images, labels = _by_split(held, IMAGES, where), _by_split(held, LABELS, where)
    if TRAIN not in images:
        shown = ", ".join(held[:LISTED]) or "nothing"
        raise UserError(
            f"{where} has no array train_images, nor images, nor x_train: it holds {shown}. Name"
            " the arrays so."
        )
    for split, name in images.items():
        if split not in labels and not (tabled and not labels):
            raise UserError(f"{where} has no array {_partner(name)}, the labels of {name}: add it.")
    for split, name in labels.items():
        if split not in images:
            raise UserError(
                f"{where} has {name}, but no images for these labels: add them, or leave it out."
            )
    return [Pair(images[split], labels.get(split, ""), split) for split in sorted(images)]


def has_role(name: str) -> bool:
    """Whether an array of that name holds the images or the labels of a split."""
    return _split_of(name, IMAGES | LABELS) is not None


def _by_split(names: list[str], kinds: frozenset[str], where: str) -> dict[int, str]:
    roles: dict[int, str] = {}
    for name in names:
        split = _split_of(name, kinds)
        if split is None:
            continue
        if split in roles:
            raise UserError(
                f"{where} holds both {roles[split]} and {name}, which are for the same: leave one"
                " out."
            )
        roles[split] = name
    return roles


def _split_of(name: str, kinds: frozenset[str]) -> int | None:
    """The split of an array of that kind; None for any other array."""
    parts = name.lower().split("_")
    if len(parts) == 1:
        return TRAIN if parts[0] in kinds else None
    if len(parts) != 2:
        return None
    for kind, split in (parts, parts[::-1]):
        if kind in kinds and split in SPLITS:
            return SPLITS[split]
    return None


def _partner(name: str) -> str:
    """How the labels of images of that name are called."""
    called = {"x": "y", "X": "y", "image": "label"}
    split = [
        part if part.lower() in SPLITS else called.get(part, "labels") for part in name.split("_")
    ]
    return "_".join(split)
