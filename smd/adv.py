"""Adversarial images of a run, a compressed file an attack and noise level: `<run>/adv/<name>.npz`."""

import os
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from smd.errors import UserError
from smd.units import show_bytes

LIMIT = 256 * 2**20  # bytes of one file's arrays, also for files that come from elsewhere
SUFFIX = ".npz"
FORM = {  # array -> (kinds of numbers, dimensions); noise is that of images or of volumes
    "idx": ("iu", {1}), "label": ("iu", {1}), "eps": ("f", {1}), "noise": ("f", {4, 5}),
    "p_clean": ("f", {2}), "p_adv": ("f", {2}),
}  # fmt: skip
BROKEN = (OSError, ValueError, KeyError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class Examples:
    """Adversarial images of n samples, as differences to the clean ones."""

    split: str
    attack: str
    idx: np.ndarray  # (n,) int32, sample ids
    label: np.ndarray  # (n,) integers
    eps: np.ndarray  # (n,) float32, the noise level or margin that was used, unit of x
    noise: np.ndarray  # (n, C, H, W) or (n, C, D, H, W) float16, adversarial - clean, unit of x
    p_clean: np.ndarray  # (n, K) float16, softmax on the clean images
    p_adv: np.ndarray  # (n, K) float16, softmax on the adversarial images


def write(path: Path, examples: Examples) -> None:
    """Store the examples, in place of what the file held; raises UserError if they are too many."""
    arrays = {f.name: np.asarray(getattr(examples, f.name)) for f in fields(Examples)}
    size = sum(array.nbytes for array in arrays.values())
    if size > LIMIT:
        count, most = len(examples.idx), show_bytes(LIMIT)
        raise UserError(f"{count} adversarial images take {show_bytes(size)}, more than {most}: keep fewer.")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read(path: Path) -> Examples:
    """The examples in a file; raises UserError if it is missing, broken or larger than LIMIT."""
    arrays = _arrays(path, ["split", "attack", *FORM])
    if not _fit(arrays):
        raise UserError(f"{path} is broken (its arrays do not fit together): delete it and attack again.")
    return Examples(str(arrays.pop("split")), str(arrays.pop("attack")), **arrays)


def _fit(arrays: dict[str, np.ndarray]) -> bool:
    right = all(arrays[name].dtype.kind in kinds and arrays[name].ndim in dims for name, (kinds, dims) in FORM.items())
    lengths = {len(arrays[name]) for name in FORM} if right else set()
    return len(lengths) == 1 and arrays["p_clean"].shape == arrays["p_adv"].shape


def names(folder: Path) -> list[str]:
    """The names of a run's files of adversarial images, the newest last."""
    files = (folder / "adv").glob("*" + SUFFIX)
    return [path.stem for path in sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.stem))]


def find(folder: Path, split: str, idx: int) -> list[tuple[str, int]]:
    """Where a run has adversarial images of one sample: (name of the file, position in it)."""
    found = []
    for name in names(folder):
        arrays = _arrays(folder / "adv" / (name + SUFFIX), ["split", "idx"])
        if str(arrays["split"]) == split:
            found += [(name, int(position)) for position in np.flatnonzero(arrays["idx"] == idx)]
    return found


def _arrays(path: Path, wanted: list[str]) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > LIMIT:
            raise UserError(
                f"{path} holds {show_bytes(size)}, more than {show_bytes(LIMIT)}: delete it and keep fewer images."
            )
        with np.load(path, allow_pickle=False) as file:
            return {name: np.asarray(file[name]) for name in wanted}
    except FileNotFoundError:
        raise UserError(f"{path} is missing: attack the run again.") from None
    except BROKEN as error:
        raise UserError(f"{path} is broken: delete it and attack again.") from error
