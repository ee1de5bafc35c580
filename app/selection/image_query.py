"""Which images are meant: a question about one split of a run, and the images that answer it.

No Streamlit here.

Every filter narrows what the one before has left; the last may also put the images into an order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from smd.analysis import agreement
from smd.core.kinds import FOUND, MISCLASSIFIED, REACHED
from smd.errors import UserError
from smd.store import reader
from smd.units import show_level

MOST_CORNERS = 40  # of a region, in an address
ROUNDING = 1e-3  # 1/255; margins are float32, and a brush ends between two of them

FINDS = {  # what can be asked for with one click
    "closest": "closest to the boundary",
    "shrank": "margin shrank most",
    "grew": "margin grew most",
    "autoattack": "fooled by AutoAttack only",
    "overestimated": "margin says safe, attack says broken",
}
HOW_MANY = (10, 24, 100)  # images that are closest to the boundary
MOST = 24
OVER_TIME = ("shrank", "grew")  # need margins of two epochs
ATTACKED = ("autoattack", "overestimated")  # need verdicts at a noise level


@dataclass(frozen=True)
class Region:
    """What was drawn around on a map of the features."""

    map: str  # id of the map
    corners: tuple[tuple[float, float], ...]  # of a polygon, in the map's coordinates

    def text(self) -> str:
        """As it stands in the address."""
        return "~".join(
            [self.map, *(f"{value:.2f}" for corner in self.corners for value in corner)]
        )

    def holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which points lie inside, (n,), (n,) -> (n,) bool: a ray to the right crosses an odd
        number of sides."""
        inside = np.zeros(len(x), bool)
        for (x0, y0), (x1, y1) in zip(
            self.corners, self.corners[1:] + self.corners[:1], strict=True
        ):
            crosses = (y0 > y) != (y1 > y)
            with np.errstate(divide="ignore", invalid="ignore"):  # a level side is never crossed
                inside ^= crosses & (x < x0 + (x1 - x0) * (y - y0) / (y1 - y0))
        return inside


def drawn(map_id: str, corners: Sequence[Sequence[float]]) -> Region | None:
    """The region with these corners, with fewer of them where a lasso has hundreds: an address is
    short."""
    every = -(-len(corners) // MOST_CORNERS)
    kept = tuple((float(x), float(y)) for x, y in corners[::every]) if corners else ()
    return Region(map_id, kept) if len(kept) > 2 else None


def region(text: str) -> Region | None:
    """Read what `Region.text` has written; None for anything else."""
    name, *values = text.split("~")
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return None
    if len(numbers) < 6 or len(numbers) % 2 or not np.isfinite(numbers).all():
        return None
    return Region(name, tuple(zip(numbers[::2], numbers[1::2], strict=True)))


@dataclass(frozen=True)
class Question:
    """What is asked of a split; the defaults ask for all of its images."""

    split: str = "train"
    # whose margins of training images count; 0: the run keeps none, or they do not matter
    epoch: int = 0
    estimate: str = ""  # the estimation whose margins count instead
    labels: tuple[int, ...] = ()  # (): all classes
    span: tuple[float, float] | None = None  # margins from .. to, 1/255
    find: str = ""  # a key of FINDS
    between: tuple[int, int] = (0, 0)  # epochs, for OVER_TIME
    eps: float = 0.0  # noise level, unit of x, for ATTACKED
    region: Region | None = None
    most: int = MOST  # images, for "closest"


def everything(store: Path, split: str, epoch: int, estimate: str) -> pd.DataFrame:
    """All images of a split: idx, label, source.

    Where margins are known, margin_255, clean_ok, crossed, kind.

    A misclassified image has no margin: margin_255 is nan.
    """
    rows = reader.samples(store, split)
    if not (estimate or epoch):
        return rows
    found = reader.estimate_results(store, estimate) if estimate else reader.margins(store, epoch)
    margin = (255 * found["margin"].astype(float)).where(found["kind"] != MISCLASSIFIED)
    found = found.assign(margin_255=margin, clean_ok=found["clean_ok"].astype(bool))
    return rows.merge(
        found[["idx", "margin_255", "clean_ok", "crossed", "kind"]], on="idx", how="left"
    )


def answer(store: Path, asked: Question) -> pd.DataFrame:
    """The images that are meant, as from `everything`, with change_255 or broken_by where the
    question brings them.

    Raises UserError where the store has not what the question needs.
    """
    rows = everything(store, asked.split, asked.epoch, asked.estimate)
    if asked.labels:
        rows = rows[rows["label"].isin(asked.labels)]
    if asked.span and "margin_255" in rows:
        low, high = asked.span
        rows = rows[rows["margin_255"].between(low - ROUNDING, high + ROUNDING)]
    if asked.region:
        rows = _inside(store, rows, asked.region)
    return (HOW[asked.find](store, rows, asked) if asked.find else rows).reset_index(drop=True)


def _inside(store: Path, rows: pd.DataFrame, region: Region) -> pd.DataFrame:
    points = reader.embedding_points(store, region.map)
    points = points[~points["adversarial"].astype(bool)]
    there = points.loc[
        region.holds(points["x"].to_numpy(float), points["y"].to_numpy(float)), "idx"
    ]
    return rows[rows["idx"].isin(there)]


def _closest(_store: Path, rows: pd.DataFrame, asked: Question) -> pd.DataFrame:
    """The correct images of smallest margin; first those whose search met a boundary, as the others
    give bounds."""
    _need_margins(rows)
    right = rows[rows["kind"].isin((FOUND, REACHED))]  # neither misclassified nor never measured
    right = right.assign(unmet=right["kind"].ne(FOUND))
    return right.sort_values(["unmet", "margin_255", "idx"]).drop(columns="unmet").head(asked.most)


def _moved(sign: int) -> Callable[[Path, pd.DataFrame, Question], pd.DataFrame]:
    def moved(store: Path, rows: pd.DataFrame, asked: Question) -> pd.DataFrame:
        start, end = asked.between
        if asked.split != "train" or not end:
            raise UserError(
                "Only training images have a margin in every epoch: choose them, in a run that"
                " keeps it."
            )
        flow = reader.flow(store, start, end)
        change = pd.Series(
            255 * (flow["after"] - flow["before"]).astype(float).to_numpy(), flow["idx"].to_numpy()
        )
        rows = rows.assign(change_255=rows["idx"].map(change))
        order = ["change_255", "idx"]
        return rows[sign * rows["change_255"] > ROUNDING].sort_values(
            order, ascending=[sign < 0, True]
        )

    return moved


def _only_autoattack(store: Path, rows: pd.DataFrame, asked: Question) -> pd.DataFrame:
    outcomes = reader.outcomes(store, asked.split, asked.eps)
    names = set(outcomes["name"])
    if "autoattack" not in names or len(names) < 2:
        raise UserError(
            f"This needs AutoAttack and a weaker attack on the same {asked.split} images"
            f"{f' at {show_level(asked.eps)}' if asked.eps else ''}: start them on Attacks."
        )
    found = agreement.patterns(outcomes)
    only = found[found["pattern"].isin(agreement.AUTOATTACK.values())]
    stages = (
        outcomes[outcomes["name"] == "autoattack"]
        .sort_values("n")
        .drop_duplicates("idx", keep="last")
    )
    rows = rows[rows["idx"].isin(only["idx"])]
    return rows.assign(broken_by=rows["idx"].map(stages.set_index("idx")["broken_by"]))


def _overestimated(store: Path, rows: pd.DataFrame, asked: Question) -> pd.DataFrame:
    _need_margins(rows)
    outcomes = reader.outcomes(store, asked.split, asked.eps)
    if outcomes.empty:
        raise UserError(
            f"No {asked.split} image was attacked: start an attack on them on Attacks, or choose"
            " others."
        )
    verdicts = agreement.judged_by(outcomes, agreement.judges(outcomes)[0])
    known = rows.dropna(subset="margin_255")
    joined, _ = agreement.joined(
        known.assign(margin=(known["margin_255"] / 255).astype(np.float32)), verdicts
    )
    return agreement.disagreeing(joined, asked.eps, "overestimated").drop(columns=["margin", "ok"])


def _need_margins(rows: pd.DataFrame) -> None:
    if "margin_255" not in rows:
        raise UserError(
            "No margins of these images are known: estimate them on Margins, or choose others."
        )


HOW: dict[str, Callable[[Path, pd.DataFrame, Question], pd.DataFrame]] = {
    "closest": _closest,
    "shrank": _moved(-1),
    "grew": _moved(1),
    "autoattack": _only_autoattack,
    "overestimated": _overestimated,
}
