"""The images that filters mean; no Streamlit here.

Every filter narrows what the one before has left; the last may also put the images into an order.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from smd import registry
from smd.analysis import agreement
from smd.core.kinds import CERTIFIED, FOUND, MISCLASSIFIED, NOT_DRAWN, REACHED
from smd.errors import UserError
from smd.store import reader
from smd.units import factor, level_title

from . import changes, verdicts
from .filters import Filters
from .lengths import MARGIN
from .region import Region

ROUNDING = 1e-3  # as margins are shown; they are float32, and a brush ends between two of them
NO_CHANGES = (
    "Only training images have a margin in every epoch: choose them, in a run that keeps it."
)
NO_MARGINS = "No margins of these images are known: estimate them on Margins, or choose others."
OTHER_NORM = (
    "These margins are in {} and the attacks in {}, so neither can be held against the other:"
    " attack the images in the norm of the margins, or estimate margins in that of the attacks."
)


def everything(
    store: Path, split: str, epoch: int, estimate: str, norm: str = "Linf"
) -> pd.DataFrame:
    """All images of a split: idx, label, source; where margins are known, MARGIN[norm], clean_ok,
    crossed, kind.

    A misclassified image has no margin, nor one that the epoch did not draw: it is nan.
    """
    rows = reader.samples(store, split)
    if not (estimate or epoch):
        return rows
    margins = reader.estimate_results(store, estimate) if estimate else reader.margins(store, epoch)
    margin = (factor(norm) * margins["margin"].astype(float)).where(
        margins["kind"] != MISCLASSIFIED
    )
    margins = margins.assign(clean_ok=margins["clean_ok"].astype(bool))
    margins[MARGIN[norm]] = margin
    columns = ["idx", MARGIN[norm], "clean_ok", "crossed", "kind"]
    rows = rows.merge(margins[columns], on="idx", how="left")
    return rows if estimate else rows.assign(kind=rows["kind"].fillna(NOT_DRAWN))


def answer(store: Path, filters: Filters) -> pd.DataFrame:
    """The images that are meant, as from `everything`, with CHANGE[norm], broken_by or pred where
    the filter brings them.

    Raises UserError where the store has not what a filter needs.
    """
    rows = everything(store, filters.split, filters.epoch, filters.estimate, filters.norm)
    if filters.labels:
        rows = rows[rows["label"].isin(filters.labels)]
    if filters.span and MARGIN[filters.norm] in rows:
        low, high = filters.span
        rows = rows[rows[MARGIN[filters.norm]].between(low - ROUNDING, high + ROUNDING)]
    if filters.region:
        rows = _inside(store, rows, filters.region)
    if filters.within:
        rows = rows[rows["idx"].isin(filters.within.numbers)]
    if filters.find:
        rows = HOW[filters.find](store, rows, filters)
    return rows.reset_index(drop=True)


def _inside(store: Path, rows: pd.DataFrame, region: Region) -> pd.DataFrame:
    points = reader.embedding_points(store, region.map)
    points = points[~points["adversarial"].astype(bool)]
    inside = region.holds(points["x"].to_numpy(float), points["y"].to_numpy(float))
    return rows[rows["idx"].isin(points.loc[inside, "idx"])]


def _closest(_store: Path, rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The correct images of smallest margin; first those whose search met a boundary, as the others
    give bounds."""
    _need_margins(rows, filters)
    # neither misclassified nor never measured
    right = rows[rows["kind"].isin((FOUND, REACHED, CERTIFIED))]
    right = right.assign(unmet=right["kind"].ne(FOUND))
    right = right.sort_values(["unmet", MARGIN[filters.norm], "idx"])
    return right.drop(columns="unmet").head(filters.most)


def _shrank(store: Path, rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    return changes.moved(_with_change(store, rows, filters), -1, filters.norm)


def _grew(store: Path, rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    return changes.moved(_with_change(store, rows, filters), 1, filters.norm)


def _with_change(store: Path, rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    start, end = filters.between
    if filters.split != "train" or not end:
        raise UserError(NO_CHANGES)
    return rows.merge(changes.between_epochs(store, start, end, filters.norm), on="idx", how="left")


def _only_autoattack(store: Path, rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    outcomes = reader.outcomes(store, filters.split, filters.eps, filters.eps_norm)
    names = set(outcomes["name"].unique())
    if "autoattack" not in names or len(names) < 2:
        at = f" at {level_title(filters.eps, filters.eps_norm)}" if filters.eps else ""
        raise UserError(
            f"This needs AutoAttack and a weaker attack on the same {filters.split} images{at}:"
            " start them on Attacks."
        )
    weakest = agreement.patterns(outcomes)
    strongest = {stage.pattern for stage in registry.ATTACKS["autoattack"].stages}
    only = weakest.loc[weakest["pattern"].isin(strongest), "idx"]
    stages = verdicts.of_each_image(verdicts.of_attack(outcomes, "autoattack")).set_index("idx")
    rows = rows[rows["idx"].isin(only)]
    return rows.assign(broken_by=rows["idx"].map(stages["broken_by"]))


def _overestimated(store: Path, rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    _need_margins(rows, filters)
    if filters.norm != filters.eps_norm:
        raise UserError(OTHER_NORM.format(filters.norm, filters.eps_norm))
    outcomes = reader.outcomes(store, filters.split, filters.eps, filters.eps_norm)
    if outcomes.empty:
        raise UserError(
            f"No {filters.split} image was attacked: start an attack on them on Attacks, or choose"
            " others."
        )
    known = rows.dropna(subset=MARGIN[filters.norm])
    length = known[MARGIN[filters.norm]] / factor(filters.norm)
    known = known.assign(margin=length.astype(np.float32))
    if not filters.estimate:
        known = agreement.searched(known, reader.margins(store, filters.epoch - 1))
    joined, _ = agreement.joined(known, verdicts.strongest(outcomes)[1])
    wrong = agreement.disagreeing(joined, filters.eps, "overestimated")
    return wrong.drop(columns=["margin", "ok"])


def _misclassified(store: Path, rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    rows = _with_prediction(store, rows, filters)
    wrong = rows[~rows["ok"]]
    meant = wrong[wrong["pred"].isin(filters.taken_for)] if filters.taken_for else wrong
    return meant.drop(columns="ok")


def _correct(store: Path, rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    rows = _with_prediction(store, rows, filters)
    return rows[rows["ok"]].drop(columns="ok")


def _with_prediction(store: Path, rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The images of which the strongest attack at the level tells it, with pred and ok."""
    known = reader.predicted_classes(store, filters.split, filters.eps, filters.eps_norm)
    if known.empty:
        raise UserError(
            f"No {filters.split} image was attacked: start an attack on them on Attacks, or choose"
            " others."
        )
    _, known = verdicts.strongest(known)
    return rows.merge(known[["idx", "pred", "ok"]], on="idx")


def _need_margins(rows: pd.DataFrame, filters: Filters) -> None:
    if MARGIN[filters.norm] not in rows:
        raise UserError(NO_MARGINS)


HOW: dict[str, Callable[[Path, pd.DataFrame, Filters], pd.DataFrame]] = {
    "closest": _closest,
    "shrank": _shrank,
    "grew": _grew,
    "autoattack": _only_autoattack,
    "overestimated": _overestimated,
    "misclassified": _misclassified,
    "correct": _correct,
}
