"""The filters that Embedding, Margins, Samples and Attacks share, as one value; no Streamlit here.

`Filters.from_query` reads the keys of the widgets, which are those of the address;
`Filters.to_query` writes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import region as regions
from .choices import Choices
from .region import Region

SPLITS = {"train": "training images", "val": "validation images", "test": "test images"}
FINDS = {  # what can be asked for with one click
    "closest": "closest to the boundary",
    "shrank": "margin shrank most",
    "grew": "margin grew most",
    "autoattack": "fooled by AutoAttack only",
    "overestimated": "robust by margin, yet fooled",
    "misclassified": "misclassified",
    "correct": "classified correctly",
}
# titles that older addresses have
RENAMED = {"margin says safe, attack says broken": FINDS["overestimated"]}
HOW_MANY = (10, 24, 100)  # images that are closest to the boundary
MOST = 24
OVER_TIME = ("shrank", "grew")  # need margins of two epochs
ATTACKED = ("autoattack", "overestimated")  # need verdicts at a noise level
PREDICTED = ("misclassified", "correct")  # need predictions at a noise level, or of clean images
CLEAN = "clean"  # beside the noise levels of PREDICTED


@dataclass(frozen=True)
class Within:
    """A named set of images."""

    name: str
    ids: str  # comma-separated: a text is quickly told from another, however long

    @classmethod
    def of(cls, name: str, ids: Sequence[int]) -> "Within":
        """The set with that name and these images."""
        return cls(name, ",".join(map(str, ids)))

    @property
    def numbers(self) -> tuple[int, ...]:
        """Its images."""
        return tuple(int(idx) for idx in self.ids.split(",") if idx)


@dataclass(frozen=True)
class Filters:
    """Which images of one split are meant; the defaults mean all of them."""

    split: str = "train"
    # whose margins of training images count; 0: the run keeps none, or they do not matter
    epoch: int = 0
    estimate: str = ""  # the estimate whose margins count instead
    labels: tuple[int, ...] = ()  # (): all classes
    span: tuple[float, float] | None = None  # margins from .. to, 1/255
    find: str = ""  # a key of FINDS
    between: tuple[int, int] = (0, 0)  # epochs, for changes of margins
    eps: float = 0.0  # noise level, unit of x, for ATTACKED and PREDICTED; 0: clean
    region: Region | None = None
    most: int = MOST  # images, for "closest"
    taken_for: tuple[int, ...] = ()  # classes that misclassified images are taken for; (): any
    within: Within | None = None  # the images of a set
    norm: str = "Linf"  # of the margins that count
    eps_norm: str = "Linf"  # of the noise level

    @property
    def everything(self) -> bool:
        """Whether no image of the split is left out."""
        return not (self.labels or self.span or self.find or self.region or self.within)

    @classmethod
    def from_query(cls, query: Mapping[str, Any], known: Choices) -> "Filters":
        """What the widgets say, by their keys; what the run does not have filters nothing."""
        find = key_of(query.get("find"))
        return cls(
            split=known.split,
            epoch=known.epoch(query.get("epoch")) if known.source else 0,
            estimate=known.source.estimate if known.source else "",
            norm=known.source.norm if known.source else "Linf",
            labels=_labels(query.get("class"), known),
            span=_span(query.get("range"), known) if known.source and known.top else None,
            find=find,
            between=known.between(query.get("between")) if known.changes else (0, 0),
            eps=levels_of(find, known).get(str(query.get("level")), 0.0),
            eps_norm=known.norm,
            taken_for=_labels(query.get("predicted"), known) if find == "misclassified" else (),
            region=_region(query.get("region"), known),
            most=query.get("closest") or MOST,
            within=_within(query.get("set"), known),
        )

    def to_query(self, known: Choices) -> dict[str, Any]:
        """The values of the widgets that say this."""
        offered = levels_of(self.find, known)
        level = next((shown for shown, eps in offered.items() if eps == self.eps), None)
        return {
            "split": self.split,
            "class": [known.classes[label] for label in self.labels],
            "epoch": self.epoch or None,
            "range": self.span or (0.0, known.top),
            "find": FINDS.get(self.find),
            "closest": self.most,
            "between": self.between if any(self.between) else None,
            "level": level,
            "predicted": [known.classes[label] for label in self.taken_for],
            "region": self.region.text() if self.region else None,
            "set": self.within.name if self.within else None,
        }


def levels_of(find: str, known: Choices) -> dict[str, float]:
    """The noise levels that a question can be about: as shown -> unit of x."""
    if find in PREDICTED:
        return {CLEAN: 0.0, **known.levels}
    return dict(known.levels) if find in ATTACKED else {}


def _labels(names: Sequence[str] | None, known: Choices) -> tuple[int, ...]:
    return tuple(known.classes.index(name) for name in names or () if name in known.classes)


def _span(ends: tuple[float, float] | None, known: Choices) -> tuple[float, float] | None:
    """None where the range is the whole axis."""
    if not ends or tuple(ends) == (0.0, known.top):
        return None
    return float(ends[0]), float(ends[1])


def _region(text: str | None, known: Choices) -> Region | None:
    """None where it was drawn in an embedding of another split or run."""
    region = regions.parse(text or "")
    return region if region and region.map in known.maps else None


def _within(name: str | None, known: Choices) -> Within | None:
    return Within.of(name, known.sets[name]) if name and name in known.sets else None


def asks_epochs(find: str | None) -> bool:
    """Whether the question with this title is one about two epochs."""
    return find in {FINDS[key] for key in OVER_TIME}


def key_of(find: str | None) -> str:
    """The key in FINDS of the question with this title; "" if there is none."""
    return next((key for key, title in FINDS.items() if title == find), "")
