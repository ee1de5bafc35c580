"""Reading attacks: the accuracy table of a run, how each image fared, stages and flags."""

from pathlib import Path
from typing import TypedDict

import pandas as pd

from smd.config.notes import SOUND
from smd.stats import wilson
from smd.store.connection import together
from smd.store.run_tables import frame
from smd.store.sql import Query

# An attack that was repeated with the same seed counts once, the newest.
NEWEST = """
    SELECT *
    FROM attack
    WHERE NOT picked
    QUALIFY row_number() OVER (
        PARTITION BY name, steps, norm, split, n, eps, seed, note
        ORDER BY created DESC, id DESC
    ) = 1"""


class MeanAccuracyRow(TypedDict):
    """The accuracy under one attack at one noise level, over its seeds."""

    name: str  # as in smd.registry.ATTACKS
    steps: int
    norm: str
    split: str
    n: int  # images attacked
    eps: float  # noise level, unit of x; 0: clean
    accuracy: float  # mean over attack seeds, in [0, 1]
    seeds: int
    # standard deviation over attack seeds; nan for one, and where each takes over those before
    spread: float
    note: str  # what is unusual of its settings, "" if nothing


class AccuracyRow(MeanAccuracyRow):
    """The same with Wilson's 95 % interval for n images, in [0, 1]."""

    lo: float
    hi: float


MEAN_ACCURACIES = Query(
    MeanAccuracyRow,
    f"""
    WITH judged AS (
        SELECT attack_id, avg(ok::INTEGER) AS accuracy
        FROM attack_result
        GROUP BY attack_id
    ), newest AS ({NEWEST})
    SELECT name, steps, norm, split, n, eps,
        avg(accuracy) AS accuracy, count(*) AS seeds,
        CASE WHEN contains(coalesce(note, ''), '{SOUND}') THEN NULL
            ELSE stddev_samp(accuracy) END AS spread,
        note
    FROM newest
    JOIN judged ON attack_id = id
    GROUP BY name, steps, norm, split, n, eps, note
    ORDER BY name, steps, norm, split, n, note, eps""",
)


class OfImageRow(TypedDict):
    """One image under one attack at one noise level."""

    name: str
    steps: int
    norm: str
    split: str
    n: int
    eps: float
    note: str
    idx: int  # sample id
    source: int | None  # row in the image cache
    patient: str | None  # whose it is, a keyed hash; NULL where nothing tells


class SeedsVerdictRow(OfImageRow):
    """How it fared, over the attack's seeds."""

    share: float  # of the attack seeds that it withstood, in [0, 1]
    ok: bool  # it withstood all of them
    seeds: int


class ImageVerdictRow(SeedsVerdictRow):
    """The same with the image cache that `source` is a row of, "" where unknown."""

    images: str


# Images are told apart by their row in the cache of images, so that splits carved by different
# seeds are not taken for the same.
SEEDS_VERDICTS = Query(
    SeedsVerdictRow,
    f"""
    WITH newest AS ({NEWEST})
    SELECT name, steps, norm, a.split, n, eps, note, r.idx, s.source, s.patient,
        avg(r.ok::INTEGER) AS share, bool_and(r.ok) AS ok, count(*) AS seeds
    FROM newest AS a
    JOIN attack_result AS r ON attack_id = id
    LEFT JOIN sample AS s ON s.split = a.split AND s.idx = r.idx
    GROUP BY name, steps, norm, a.split, n, eps, note, r.idx, s.source, s.patient
    ORDER BY name, steps, norm, a.split, n, note, eps, r.idx""",
)


class SeedVerdictRow(OfImageRow):
    """How it fared with one seed."""

    seed: int
    ok: bool


SEED_VERDICTS = Query(
    SeedVerdictRow,
    f"""
    WITH newest AS ({NEWEST})
    SELECT name, steps, norm, a.split, n, eps, note, r.idx, s.source, s.patient, seed, r.ok
    FROM newest AS a
    JOIN attack_result AS r ON attack_id = id
    LEFT JOIN sample AS s ON s.split = a.split AND s.idx = r.idx
    WHERE a.split = $split
    ORDER BY name, steps, norm, n, note, eps, seed, r.idx""",
)


class ValueRow(TypedDict):
    """A value of the run's description, in JSON."""

    value: str


IMAGE_CACHE = Query(ValueRow, "SELECT value FROM meta WHERE key = 'images'")


class AttackRow(TypedDict):
    """One attack at one noise level and seed: a row of the table `attack`, see AttackRecord."""

    id: str
    name: str
    eps: float
    norm: str
    steps: int
    seed: int
    split: str
    n: int
    package: str
    version: str
    seconds: float
    note: str
    job: str
    created: float  # Unix seconds
    picked: bool  # images chosen by hand


ATTACKS = Query(
    AttackRow,
    """
    SELECT id, name, eps, norm, steps, seed, split, n, package, version, seconds, note, job,
        created, picked
    FROM attack
    ORDER BY created, id""",
)


class StageRow(TypedDict):
    """One stage of an attack, on the samples that withstood those before."""

    attack_id: str
    stage: int  # from 1
    name: str
    attacked: int  # images
    broken: int  # images
    seconds: float


STAGES = Query(
    StageRow,
    """
    SELECT attack_id, stage, name, attacked, broken, seconds
    FROM attack_stage
    ORDER BY attack_id, stage""",
)


class FlagRow(TypedDict):
    """A reason why an attack may have missed something."""

    name: str
    steps: int
    norm: str
    split: str
    n: int
    eps: float
    seed: int
    note: str
    flag: str  # a key of smd.analysis.flags.FLAGS
    detail: str


FLAGS = Query(
    FlagRow,
    f"""
    WITH newest AS ({NEWEST})
    SELECT a.name, a.steps, a.norm, a.split, a.n, a.eps, a.seed, a.note, d.name AS flag, d.detail
    FROM attack_doubt AS d
    JOIN newest AS a ON d.attack_id = a.id
    ORDER BY a.created, a.eps, a.seed, d.name""",
)


def attack_table(path: Path) -> pd.DataFrame:
    """The accuracies of a run (AccuracyRow); images picked by hand are left out."""
    return with_intervals(frame(path, MEAN_ACCURACIES))


def with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """The accuracies (MeanAccuracyRow) with their intervals (AccuracyRow)."""
    low, high = wilson(table["accuracy"].to_numpy(), table["n"].to_numpy())
    return table.assign(lo=low, hi=high)


def image_verdicts(path: Path) -> pd.DataFrame:
    """How each image fared under each attack and level (ImageVerdictRow).

    images and source say in any run which image it is. Images picked by hand are left out; the mean
    of share over the images is attack_table's accuracy.
    """
    return _with_images(path, SEEDS_VERDICTS)


def seed_verdicts(path: Path, split: str) -> pd.DataFrame:
    """How each image of a split fared under each attack, level and seed
    (SeedVerdictRow, and images).

    images, source, and what is left out: as in image_verdicts.
    """
    return _with_images(path, SEED_VERDICTS, split=split)


def _with_images(path: Path, query: Query, **values: str) -> pd.DataFrame:
    with together(path):
        key, rows = frame(path, IMAGE_CACHE)["value"], frame(path, query, **values)
    return rows.assign(images=key.iloc[0] if len(key) else "")


def attack_runs(path: Path) -> pd.DataFrame:
    """Every attack at every level and seed, the oldest first (AttackRow)."""
    return frame(path, ATTACKS)


def attack_stages(path: Path) -> pd.DataFrame:
    """The stages of all attacks (StageRow)."""
    return frame(path, STAGES)


def attack_flags(path: Path) -> pd.DataFrame:
    """Why attacks may have missed something (FlagRow)."""
    return frame(path, FLAGS)
