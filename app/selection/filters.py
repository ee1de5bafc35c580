"""The filters that Embedding, Margins, Samples and Attacks share, as one value; no Streamlit here.

`Filters.from_query` reads the keys of the sidebar's widgets, which are those of the address;
`Filters.to_query` writes them.
"""

from collections.abc import Mapping
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
}
# titles that older addresses have
RENAMED = {"margin says safe, attack says broken": FINDS["overestimated"]}
HOW_MANY = (10, 24, 100)  # images that are closest to the boundary
MOST = 24
OVER_TIME = ("shrank", "grew")  # need margins of two epochs
ATTACKED = ("autoattack", "overestimated")  # need verdicts at a noise level


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
    eps: float = 0.0  # noise level, unit of x, for ATTACKED
    region: Region | None = None
    most: int = MOST  # images, for "closest"

    @property
    def everything(self) -> bool:
        """Whether no image of the split is left out."""
        return not (self.labels or self.span or self.find or self.region)

    @classmethod
    def from_query(cls, query: Mapping[str, Any], known: Choices) -> "Filters":
        """What the widgets say, by their keys; what the run does not have filters nothing."""
        find = next((key for key, title in FINDS.items() if title == query.get("find")), "")
        names = query.get("class") or ()
        return cls(
            split=known.split,
            epoch=known.epoch(query.get("epoch")) if known.source else 0,
            estimate=known.source.estimate if known.source else "",
            labels=tuple(known.classes.index(name) for name in names if name in known.classes),
            span=_span(query.get("range"), known) if known.source else None,
            find=find,
            between=known.between(query.get("between")) if known.source else (0, 0),
            eps=known.levels.get(str(query.get("level")), 0.0) if find in ATTACKED else 0.0,
            region=_region(query.get("region"), known),
            most=query.get("closest") or MOST,
        )

    def to_query(self, known: Choices) -> dict[str, Any]:
        """The values of the widgets that say this."""
        level = next((shown for shown, eps in known.levels.items() if eps == self.eps), None)
        return {
            "split": self.split,
            "class": [known.classes[label] for label in self.labels],
            "epoch": self.epoch or None,
            "range": self.span or (0.0, known.top),
            "find": FINDS.get(self.find),
            "closest": self.most,
            "between": self.between if any(self.between) else None,
            "level": level,
            "region": self.region.text() if self.region else None,
        }


def _span(ends: tuple[float, float] | None, known: Choices) -> tuple[float, float] | None:
    """None where the range is the whole axis."""
    if not ends or tuple(ends) == (0.0, known.top):
        return None
    return float(ends[0]), float(ends[1])


def _region(text: str | None, known: Choices) -> Region | None:
    """None where it was drawn in an embedding of another split or run."""
    region = regions.parse(text or "")
    return region if region and region.map in known.maps else None


def asks_epochs(find: str | None) -> bool:
    """Whether the question with this title is one about two epochs."""
    return find in {FINDS[key] for key in OVER_TIME}


def asks_level(find: str | None) -> bool:
    """Whether the question with this title is one about a noise level."""
    return find in {FINDS[key] for key in ATTACKED}
