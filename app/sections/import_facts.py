"""What an import has found, as its store says it; a store from elsewhere may say anything."""

from dataclasses import dataclass
from typing import Any

from smd.config import types
from smd.runs.folders import Run
from smd.store import reader

from .. import data

MOST, LONGEST = 20, 2000  # sentences that are shown, and characters of one


@dataclass(frozen=True)
class Tried:
    """A preprocessing, and the share of clean test images that the network got right with it."""

    title: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool  # red and blue changed places
    accuracy: float  # in [0, 1]
    n: int  # test images


@dataclass(frozen=True)
class Facts:
    """All that is known of an imported network before it is attacked further."""

    tried: tuple[Tried, ...] = ()  # the chosen one first
    better: Tried | None = None  # one that is better than the chosen one, and that is no chance
    advice: str = ""  # on the preprocessing
    cautions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what was unwrapped, and the like


def read(run: Run) -> Facts:
    """What the run's store says of its import; only sentences where its numbers are broken."""
    about = data.value(reader.meta, run.store)
    notes, cautions = (_sentences(about.get(k)) for k in ("weights_notes", "network_cautions"))
    advice = "".join(_sentences([about.get("preprocessing_advice")]))
    try:
        tried = tuple(_tried(row) for row in about["preprocessing"])
        best = tried[_count(about.get("preprocessing_better", 0))]
    except (KeyError, IndexError, TypeError, ValueError):
        return Facts(advice=advice, cautions=cautions, notes=notes)
    return Facts(tried, None if best is tried[0] else best, advice, cautions, notes)


def _tried(row: dict[str, Any]) -> Tried:
    """One row as the import has stored it; raises where it is not."""
    mean, std, share, n = row["mean"], row["std"], row["accuracy"], _count(row["n"])
    fits = types.FITS["floats"]
    if not (types.text(row["title"]) and fits(mean) and fits(std) and 0 <= share <= 1 <= n):
        raise ValueError("no outcome of a preprocessing")
    return Tried(row["title"], tuple(mean), tuple(std), row["bgr"] is True, float(share), n)


def _count(value: object) -> int:
    if not (isinstance(value, int) and types.count(value)):
        raise ValueError("no count")
    return value


def _sentences(said: object) -> tuple[str, ...]:
    texts = said if isinstance(said, list) else []
    return tuple(text[:LONGEST] for text in texts if isinstance(text, str))[:MOST]
