"""Adversarial examples of a run, a file for each attack and level: `<run>/adv/<name>.npz`.

Each image is kept bit for bit, so that the saved weights misclassify it again: as its float32
noise, which compresses best, where clean + noise is that very image, else as the image itself.
Files of earlier versions have noise rounded to float16: they are read, and `Examples.rounded` says
so.
"""

import zipfile
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from smd.errors import UserError
from smd.files import durable, foreign
from smd.units import show_bytes

LIMIT = 512 * 2**20  # bytes of one file's arrays, also for files that come from elsewhere
SUFFIX = ".npz"
FORM = {  # array -> (kinds of numbers, dimensions); noise is that of images or of volumes
    "idx": ("iu", {1}),
    "label": ("iu", {1}),
    "eps": ("f", {1}),
    "noise": ("f", {4, 5}),
    "p_clean": ("f", {2}),
    "p_adv": ("f", {2}),
    "whole": ("b", {1}),
}
LATER = ("whole", "norm")  # arrays that files of earlier versions lack


@dataclass(frozen=True, eq=False)
class Examples:
    """Adversarial examples of n samples; `image` gives one of them, `difference` its noise."""

    split: str
    attack: str
    idx: np.ndarray  # (n,) int32, sample ids
    label: np.ndarray  # (n,) integers
    eps: np.ndarray  # (n,) float32, the noise level or margin that was used, unit of x
    # (n, C, H, W) or (n, C, D, H, W) float32, unit of x: adversarial - clean, or the image if whole
    noise: np.ndarray
    p_clean: np.ndarray  # (n, K) float, softmax on the clean images
    p_adv: np.ndarray  # (n, K) float, softmax on the adversarial images
    whole: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # (n,) bool; (0,): none
    norm: str = ""  # "Linf" or "L2"; "": a file of an earlier version, which does not say it

    @property
    def rounded(self) -> bool:
        """Whether the noise is only near what the attack found, in a file of an earlier version."""
        return self.noise.dtype != np.float32

    def image(self, position: int, clean: np.ndarray) -> np.ndarray:
        """The adversarial image, float32 in [0, 1], bit for bit unless `rounded`; clean: uint8."""
        if self.whole[position : position + 1].any():
            return self.noise[position]
        return in_unit(clean) + self.noise[position].astype(np.float32)

    def difference(self, position: int, clean: np.ndarray) -> np.ndarray:
        """Adversarial - clean, float32, unit of x."""
        if self.whole[position : position + 1].any():
            return self.noise[position] - in_unit(clean)
        return self.noise[position].astype(np.float32)


def in_unit(pixels: np.ndarray) -> np.ndarray:
    """uint8 -> float32 in [0, 1], as networks get them."""
    return pixels.astype(np.float32) / np.float32(255)


def packed(images: np.ndarray, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Examples.noise and whole of adversarial images, (n, ...) float32; clean: uint8."""
    x = in_unit(clean)
    noise = images - x
    whole = (x + noise != images).reshape(len(images), -1).any(axis=1)
    noise[whole] = images[whole]
    return noise, whole


def name_of(attack_run: str) -> str:
    """The name, without suffix, of the file for an attack's level and seed, by its store's id."""
    return attack_run.replace(":", "_").replace("/", "-")


def space(count: int, values: int, classes: int) -> int:
    """The most bytes of a file of `count` images of `values` numbers each, less if compressible."""
    return count * (4 * values + 8 * classes + 64) + 2048


def write(path: Path, examples: Examples) -> None:
    """Store the examples, in place of what the file held; raises UserError if they are too many."""
    arrays = {f.name: np.asarray(getattr(examples, f.name)) for f in fields(Examples)}
    arrays["whole"] = examples.whole if len(examples.whole) else np.zeros(len(examples.idx), bool)
    size = sum(array.nbytes for array in arrays.values())
    if size > LIMIT:
        count, most = len(examples.idx), show_bytes(LIMIT)
        raise UserError(
            f"{count} adversarial images take {show_bytes(size)}, more than {most}: keep fewer."
        )
    foreign.refuse_link(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    with durable.replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read(path: Path) -> Examples:
    """The examples in a file; raises UserError if it is missing, broken or larger than LIMIT."""
    arrays = _arrays(path, ["split", "attack", *FORM], LATER)
    norm = str(arrays.pop("norm", ""))
    arrays.setdefault("whole", np.zeros(len(arrays["noise"]) if arrays["noise"].ndim else 0, bool))
    if not _fit(arrays):
        raise UserError(
            f"{path} is broken (its arrays do not fit together): delete it and attack again."
        )
    return Examples(str(arrays.pop("split")), str(arrays.pop("attack")), norm=norm, **arrays)


def _fit(arrays: dict[str, np.ndarray]) -> bool:
    right = all(
        arrays[name].dtype.kind in kinds and arrays[name].ndim in dims
        for name, (kinds, dims) in FORM.items()
    )
    lengths = {len(arrays[name]) for name in FORM} if right else set()
    return len(lengths) == 1 and arrays["p_clean"].shape == arrays["p_adv"].shape


def names(folder: Path) -> list[str]:
    """The names of a run's files of adversarial examples, the newest last."""
    if (folder / "adv").is_symlink():  # it leads out of the run
        return []
    files = [
        path
        for path in (folder / "adv").glob("*" + SUFFIX)
        if path.name.isprintable() and not path.is_symlink()
    ]
    return [
        path.stem for path in sorted(files, key=lambda path: (path.lstat().st_mtime_ns, path.stem))
    ]


def find(folder: Path, split: str, idx: int) -> list[tuple[str, int]]:
    """Where a run has adversarial examples of one sample: (name of the file, position in it)."""
    places = []
    for name in names(folder):
        arrays = _arrays(folder / "adv" / (name + SUFFIX), ["split", "idx"])
        if str(arrays["split"]) == split:
            places += [(name, int(position)) for position in np.flatnonzero(arrays["idx"] == idx)]
    return places


def _arrays(path: Path, wanted: list[str], later: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """The arrays of those names; those of `later` may be missing."""
    broken = foreign.readable(
        f"{path} is broken", "delete it and attack again", but=(FileNotFoundError,)
    )
    try:
        with broken:
            foreign.refuse_link(path.parent)
            _refuse_large(path)
            with foreign.opened(path) as opened, np.load(opened, allow_pickle=False) as file:
                there = {*wanted, *later} - ({*later} - {*file.files})
                return {name: np.asarray(file[name]) for name in there}
    except FileNotFoundError:
        raise UserError(f"{path} is missing: attack the run again.") from None


def _refuse_large(path: Path) -> None:
    with foreign.opened(path) as opened, zipfile.ZipFile(opened) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > LIMIT:
        raise UserError(
            f"{path} holds {show_bytes(size)}, more than {show_bytes(LIMIT)}: delete it and"
            " keep fewer images."
        )
