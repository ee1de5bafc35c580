"""Do the test images tell what a network has learnt, or what it has seen? Patients in two splits,
and images of which another split has nearly the same.

Nearly the same is looked for by a perceptual hash: 64 low frequencies of the cosine transform, each
above or below its median over the set, so that a bit says how an image differs from the others.
Pairs whose hashes are alike are confirmed by the correlation of their pixels, the mean image of the
set taken away: else all chest X-rays would be alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from smd.data import patients
from smd.data.images import Images
from smd.data.split import Splits
from smd.errors import UserError

SIDE = 32  # pixels of the small image that the hash is of
LOW = 8  # frequencies a side
ORDERS = 16  # of a hash's bits, in each of which the hashes are sorted
NEIGHBOURS = 12  # of the next ones there, that each image is compared with
APART = 10  # bits of 64 that may differ
ALIKE = 0.95  # correlation of the pixels of nearly the same images
MOST = 500_000  # images that are compared; more would take minutes
MOST_PAIRS = 20_000  # that are confirmed, those with the most similar hashes
CHUNK = 2**25  # bytes of pixels at once
NAMED = 3  # pairs that a sentence names
MISSES = (
    "Such images are found where they differ in brightness, contrast, noise, compression or size;"
    " turned, mirrored, cropped and shifted ones are missed, and so are other images of a patient."
)
UNSEEN = "Nearly the same images were not looked for: there are too many."

Parts = Mapping[str, np.ndarray]  # split -> its rows, ascending


@dataclass(frozen=True, eq=False)
class Audit:
    """What was found."""

    shared: int  # patients in more than one split
    patients: Mapping[str, int]  # split -> patients; {} where none are known
    near: tuple[tuple[int, int], ...]  # rows of two splits that are nearly, but not just, the same
    compared: bool  # whether near ones were looked for


def audit(images: Images, splits: Splits, compare: bool = True) -> Audit:
    """Look for leaks between the splits; compare: whether to look for nearly the same images, which
    takes seconds for 60,000."""
    parts = parts_of(splits)
    known = images.facts.patients
    units = images.facts.units if known else np.zeros(0, np.int64)
    counts = {name: len(np.unique(units[rows])) for name, rows in parts.items()} if known else {}
    shared = patients.shared(units, parts) if known else 0
    compare = compare and len(images.labels) <= MOST
    return Audit(shared, counts, tuple(near(images, splits)) if compare else (), compare)


def parts_of(splits: Splits) -> Parts:
    """The rows of each split by what it is called in sentences."""
    return {"training": splits.train, "validation": splits.val, "test": splits.test}


def refuse_shared(images: Images, splits: Splits, allowed: bool) -> None:
    """Raise UserError where patients are in two splits, unless that is allowed."""
    if allowed or not images.facts.patients:
        return
    if n := patients.shared(images.facts.units, parts_of(splits)):
        raise UserError(
            f"{_patients(n)} in more than one of training, validation and test, so the test would"
            " tell what was seen rather than what was learnt: change the table's splits, leave them"
            " out with 'split=' in --columns to have them drawn by patient, or train all the same"
            " with --allow-leaks."
        )


def _patients(n: int) -> str:
    return f"{n:,} patient{'s are' if n != 1 else ' is'}"


def notes(found: Audit) -> list[str]:
    """What to know of the patients in each split, and whether images were compared, in words."""
    said = [] if found.compared else [UNSEEN]
    if found.patients:
        counts = ", ".join(f"{n:,} in {name}" for name, n in found.patients.items())
        said.append(f"Patients: {counts}{'' if found.shared else '; none is in two of them'}.")
    return said


def sentences(found: Audit, names: Sequence[str] = ()) -> list[str]:
    """The cautions, each a sentence; names: of the files, by row, if known."""
    said = []
    if found.shared:
        said.append(
            f"{_patients(found.shared)} in more than one of training, validation and test: the test"
            " accuracy is likely too good."
        )
    if found.near:
        n = len({two for _, two in found.near})
        pairs = [tuple(names[row] for row in pair) for pair in found.near[:NAMED]] if names else []
        some = ", ".join(f"'{two}' and '{one}'" for one, two in pairs)
        said.append(
            f"{n:,} image{'s are' if n != 1 else ' is'} nearly the same as one of another split"
            f"{f' (such as {some})' if some else ''}: look at them, and keep each such pair on one"
            f" side. {MISSES}"
        )
    return said


def near(images: Images, splits: Splits) -> list[tuple[int, int]]:
    """Pairs of rows of two splits whose images are nearly the same, but not pixel for pixel, those
    of the test split first; of each pair the second is tested or validated with."""
    place = np.full(len(images.labels), -1, np.int8)
    for number, rows in enumerate(parts_of(splits).values()):
        place[rows] = number
    small, hashes, blank = _hashes(images.pixels)
    place[blank] = -1  # each is like any other
    pairs = _candidates(hashes, place)
    order = place[pairs].argsort(axis=1, kind="stable")
    pairs = np.take_along_axis(pairs, order, 1)
    pairs = pairs[np.lexsort((pairs[:, 0], pairs[:, 1], -place[pairs[:, 1]]))]
    return [(int(one), int(two)) for one, two in pairs[_alike(images.pixels, small, pairs)]]


def _middle(pixels: np.ndarray) -> np.ndarray:
    """(n, C, H, W) of images, of volumes (n, C, D, H, W) their middle slices, as (n, H, W)
    float32."""
    flat = pixels[:, :, pixels.shape[2] // 2] if pixels.ndim == 5 else pixels
    return flat.mean(axis=1, dtype=np.float32)


def _shrunk(flat: np.ndarray) -> np.ndarray:
    """Means over SIDE x SIDE fields of (n, H, W), (n, SIDE * SIDE); smaller ones are enlarged."""
    for axis in (1, 2):
        size = flat.shape[axis]
        edges = np.arange(SIDE) * size // SIDE
        widths = np.maximum(np.diff(np.append(edges, size)), 1)
        sums = np.add.reduceat(flat, edges, axis=axis)
        flat = sums / widths.reshape((-1, 1) if axis == 1 else (-1,))
    return flat.reshape(len(flat), -1)


def _hashes(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Small images (N, SIDE * SIDE) uint8, their hashes (N, 64) bool, and which are blank."""
    small = np.empty((len(pixels), SIDE * SIDE), np.uint8)
    low = np.empty((len(pixels), LOW * LOW), np.float32)
    blank = np.empty(len(pixels), bool)
    waves = np.cos(np.pi * np.outer(np.arange(LOW + 1), 2 * np.arange(SIDE) + 1) / (2 * SIDE))
    down, across = waves[:LOW].astype(np.float32), waves[1:].astype(np.float32)
    step = max(1, CHUNK // max(SIDE * SIDE, pixels[:1].nbytes))
    for begin in range(0, len(pixels), step):
        part = slice(begin, begin + step)
        shrunk = _shrunk(_middle(pixels[part]))
        small[part] = np.rint(shrunk)
        blank[part] = shrunk.std(axis=1) < 1
        # without the mean across, which the brightness changes
        waved = down @ shrunk.reshape(-1, SIDE, SIDE) @ across.T
        low[part] = waved.reshape(-1, LOW * LOW)
    return small, low > np.median(low, axis=0), blank


def _candidates(bits: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Pairs (k, 2) of two splits whose hashes (N, 64) begin alike in some order of their bits and
    differ in few, each once, the most similar ones if there are too many. place: the split of each
    row, -1 for none."""
    rows = np.flatnonzero(place >= 0)
    hashes, side = _packed(bits[rows]), place[rows]
    found = [np.zeros((0, 3), np.int64)]
    for one, two in _neighbours(bits[rows]):
        differ = np.bitwise_count(hashes[one] ^ hashes[two]).astype(np.int64)
        wanted = (differ <= APART) & (side[one] != side[two])
        pair = np.sort(np.stack([rows[one[wanted]], rows[two[wanted]]], axis=1), axis=1)
        found.append(np.column_stack([differ[wanted], pair]))
    pairs = np.unique(np.concatenate(found), axis=0)  # the most similar first
    return pairs[:MOST_PAIRS, 1:]


def _packed(bits: np.ndarray) -> np.ndarray:
    """(N, 64) bool as (N,) numbers whose order is that of the bits."""
    packed = np.ascontiguousarray(np.packbits(bits, axis=1))
    return packed.view(">u8").ravel().astype(np.uint64)


def _neighbours(bits: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of hashes (N, 64) that are near each other when they are sorted, (k,) and (k,)."""
    drawn = np.random.default_rng(0)
    for _ in range(ORDERS):
        order = np.argsort(_packed(bits[:, drawn.permutation(bits.shape[1])]), kind="stable")
        for step in range(1, min(NEIGHBOURS + 1, len(order))):
            yield order[step:], order[:-step]


def _alike(pixels: np.ndarray, small: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Which of the pairs (k, 2) are nearly, but not just, the same, (k,) bool."""
    mean = small.mean(axis=0, dtype=np.float64).astype(np.float32)
    one, two = (small[side] - mean for side in pairs.T)
    kept = _correlation(one, two) >= ALIKE
    step = max(1, CHUNK // max(1, 2 * pixels[:1].nbytes))
    for begin in range(0, len(pairs), step):
        some = pairs[begin : begin + step]
        one, two = (np.asarray(pixels[side]).reshape(len(some), -1) for side in some.T)
        kept[begin : begin + step] &= (one != two).any(axis=1)
    return kept


def _correlation(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Of each row of (k, m) with that of the other, (k,) in [-1, 1]; 0 where one is constant."""
    one, two = (each - each.mean(axis=1, keepdims=True) for each in (one, two))
    norm = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    return (one * two).sum(axis=1) / np.where(norm > 0, norm, np.inf)
