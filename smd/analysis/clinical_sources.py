"""What a run's store has for clinical numbers: scores of each class, and predictions of attacks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from smd import registry
from smd.analysis.agreement import thoroughness
from smd.errors import UserError
from smd.export.titles import attack_title
from smd.frames import groups
from smd.store import reader

SAME = 1e-6  # levels that differ by less are one


@dataclass(frozen=True)
class Asked:
    """Which numbers of a run are asked for."""

    store: Path
    run: str  # its id, for the commands that messages name
    split: str = "test"
    norm: str = "Linf"
    weights: str = "last"  # or "ema", the averaged ones
    attack: str = ""  # registry name, whose verdicts count; "": the strongest
    own: str = "Linf"  # the norm that the run was trained in, which commands need not name


@dataclass(frozen=True, eq=False)
class Images:
    """A split's images: labels (N,) by sample id, and whose they are."""

    labels: pd.Series
    patients: pd.Series | None  # None: of none it is known
    unknown: int  # images of which it is not known, where it is of others
    classes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores that one search found: log-odds (n, K) of the samples of idx (n,)."""

    idx: np.ndarray
    log_odds: np.ndarray
    title: str


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predictions (n,) of the samples of idx (n,)."""

    idx: np.ndarray
    predicted: np.ndarray
    title: str


@dataclass(frozen=True, eq=False)
class Level:
    """What is known at one noise level."""

    eps: float  # unit of x; 0: clean
    title: str
    scored: Scored | None
    predicted: Predicted | None


def images_of(store: Path, split: str) -> Images:
    """Labels and patients of a split; raises UserError where there are none, or no class has
    one."""
    facts, classes = reader.sample_facts(store, split), reader.class_names(store)
    if facts.empty:
        raise UserError(f"The {split} split has no images: choose another.")
    facts = facts.set_index("idx")
    labels = facts["label"]
    if labels.isna().any() or not labels.between(0, len(classes) - 1).all():
        raise UserError(f"A label in {store} is none of its {len(classes)} classes: it is broken.")
    if not facts.index.is_unique:
        raise UserError(f"An image of the {split} split stands twice in {store}: it is broken.")
    whose, labels = patients_of(facts["patient"]), labels.astype(np.int64)
    unknown = 0 if whose is None else int(facts["patient"].isna().sum())
    return Images(labels, whose, unknown, classes)


def patients_of(patient: pd.Series) -> pd.Series | None:
    """Whose each image is, by sample id; one of an unknown patient is of its own. None where no
    patient is known."""
    if patient.isna().all():
        return None
    own = pd.Series([f"image {idx}" for idx in patient.index], patient.index)
    return ("patient " + patient.astype(object)).where(patient.notna(), own)


def scored(asked: Asked, eps: float, images: Images) -> Scored | None:
    """The scores at a level, of the search on most images, the newest of these; None without."""
    runs = score_runs(asked)
    runs = runs[(runs["eps"] - eps).abs() < SAME]
    if runs.empty:
        return None
    best = runs.sort_values(["n", "created"], kind="stable").iloc[-1]
    rows = reader.scores(asked.store, str(best["id"]))
    once = not rows.duplicated(["idx", "class"]).any() and rows.notna().all(axis=None)
    table = rows.drop_duplicates(["idx", "class"]).pivot(
        index="idx", columns="class", values="score"
    )
    whole = [*table.columns] == [*range(len(images.classes))] and table.notna().all(axis=None)
    if not (once and whole and table.index.isin(images.labels.index).all()):
        raise UserError(f"The scores in {asked.store} do not fit its images: it is broken.")
    title = "clean scores" if eps < SAME else f"worst scores, {int(best['steps'])} steps"
    return Scored(table.index.to_numpy(), table.to_numpy(np.float64), title)


def score_runs(asked: Asked) -> pd.DataFrame:
    """The searches that fit, a row a level and search."""
    runs = reader.score_runs(asked.store)
    fits = (runs["split"] == asked.split) & (runs["weights"] == asked.weights)
    return runs[fits & ((runs["norm"] == asked.norm) | (runs["eps"] == 0))]


def verdicts(asked: Asked) -> pd.DataFrame:
    """The predictions of the attacks that fit."""
    rows = reader.predictions(asked.store, asked.split)
    averaged = rows["note"].str.contains(reader.AVERAGED, regex=False)
    rows = rows[averaged == (asked.weights == "ema")]
    rows = rows[(rows["norm"] == asked.norm) | (rows["eps"] == 0)]
    return rows[rows["name"] == asked.attack] if asked.attack else rows


def predicted(rows: pd.DataFrame, eps: float, images: Images) -> Predicted | None:
    """What the strongest attack at a level made of its images, the worst over its seeds.

    rows: those of `verdicts`. Of clean images the attack on most of them counts. None without any.
    """
    rows = rows[(rows["eps"] - eps).abs() < SAME]
    if rows.empty:
        return None
    ranks = {name: k for k, name in enumerate(registry.by_strength())}
    found = dict(groups(rows, ["name", "steps", "note", "n"]))

    def strength(key: tuple[object, ...]) -> tuple[float, ...]:
        name, steps, note, n = str(key[0]), float(str(key[1])), str(key[2]), float(str(key[3]))
        hard = (ranks.get(name, -1), thoroughness(name, note), steps)
        return (n,) if eps < SAME else (*hard, n)

    name, steps, note, _ = best = max(found, key=strength)
    part = found[best].sort_values(["ok", "seed"], kind="stable").drop_duplicates("idx")
    part = part.sort_values("idx")
    called = _called(part, images)
    seeds = found[best]["seed"].nunique()
    title = attack_title(str(name), str(note), int(steps)) if eps >= SAME else "clean predictions"
    title += f", worst of {seeds} seeds" if seeds > 1 and eps >= SAME else ""
    return Predicted(part["idx"].to_numpy(), called, title)


def _called(verdicts: pd.DataFrame, images: Images) -> np.ndarray:
    """The predicted classes (n,), which agree with whether the image is still right; raises
    UserError where they cannot be."""
    known = verdicts["idx"].isin(images.labels.index) & verdicts[["ok", "pred"]].notna().all(axis=1)
    if known.all():
        labels = images.labels.loc[verdicts["idx"]].to_numpy()
        ok = verdicts["ok"].to_numpy(bool)
        other = verdicts["pred"].to_numpy(np.int64)
        if (other[~ok] < 0).any() and len(images.classes) > 2:
            raise UserError(
                "The network answers some images with nan or inf, so that they have no predicted"
                " class: clinical numbers need one of each."
            )
        if len(images.classes) == 2:  # what is not right is the other one
            other = 1 - labels
        called = np.where(ok, labels, other)
        if ((called == labels) == ok).all() and np.isin(called, range(len(images.classes))).all():
            return called
    raise UserError("The verdicts in the store do not fit its images: it is broken.")


def levels_of(asked: Asked, rows: pd.DataFrame) -> tuple[float, ...]:
    """The levels that scores or attacks have, the smallest first."""
    known = sorted({*score_runs(asked)["eps"].astype(float), *rows["eps"].astype(float)})
    apart = [b for a, b in zip([-1.0, *known], known, strict=False) if b - a >= SAME]
    return tuple(apart)
