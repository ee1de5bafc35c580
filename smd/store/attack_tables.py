"""Reading verdicts: the accuracy table of a run, its attacks, and every attack's word on one
sample."""

from pathlib import Path

import numpy as np
import pandas as pd

from smd.store.run_tables import frame

Z = 1.959964  # two-sided 95 %

# An attack that was repeated with the same seed counts once, the newest.
TABLE = """
    WITH judged AS (
        SELECT attack_id, avg(ok::INTEGER) AS accuracy FROM attack_result GROUP BY attack_id
    ), newest AS (
        SELECT * FROM attack JOIN judged ON attack_id = id WHERE NOT picked
        QUALIFY row_number() OVER (
            PARTITION BY name, steps, norm, split, n, eps, seed, note ORDER BY created DESC, id
                DESC) = 1
    )
    SELECT name, steps, norm, split, n, eps, avg(accuracy) AS accuracy, count(*) AS seeds,
        stddev_samp(accuracy) AS spread, note
    FROM newest GROUP BY name, steps, norm, split, n, eps, note ORDER BY name, steps, norm, split,
        n, note, eps"""

# How each image fared, over all seeds; images are told apart by their row in the cache of images,
# so that splits carved by different seeds are not taken for the same.
IMAGES = """
    WITH newest AS (
        SELECT * FROM attack WHERE NOT picked
        QUALIFY row_number() OVER (
            PARTITION BY name, steps, norm, split, n, eps, seed, note ORDER BY created DESC, id
                DESC) = 1
    )
    SELECT name, steps, norm, a.split, n, eps, note, r.idx, s.source, avg(r.ok::INTEGER) AS share,
        bool_and(r.ok) AS ok, count(*) AS seeds
    FROM newest AS a JOIN attack_result AS r ON attack_id = id
    LEFT JOIN sample AS s ON s.split = a.split AND s.idx = r.idx
    GROUP BY name, steps, norm, a.split, n, eps, note, r.idx, s.source
    ORDER BY name, steps, norm, a.split, n, note, eps, r.idx"""

RUNS = """
    SELECT id, name, eps, norm, steps, seed, split, n, package, version, seconds, note, job,
        created, picked
    FROM attack ORDER BY created, id"""
RESULTS = """
    SELECT idx, ok, pred, distance, coalesce(stage, -1) AS stage FROM attack_result WHERE attack_id
        = ? ORDER BY idx"""
VERDICTS = """
    SELECT id, r.ok, r.pred, r.distance, a.name, a.steps, a.norm, coalesce(a.note, '') AS note,
        a.eps, a.seed,
        CASE WHEN r.stage = 0 THEN 'clean' ELSE coalesce(s.name, '') END AS broken_by
    FROM attack AS a JOIN attack_result AS r ON r.attack_id = id
    LEFT JOIN attack_stage AS s ON s.attack_id = id AND s.stage = r.stage
    WHERE split = ? AND idx = ? ORDER BY a.name, steps, a.note, eps, seed, created"""
STAGES = """
    SELECT attack_id, stage, name, attacked, broken, seconds FROM attack_stage ORDER BY attack_id,
        stage"""
FLAGS = """
    SELECT a.name, a.steps, a.norm, a.split, a.n, a.eps, a.seed, a.note, d.name AS flag, d.detail
    FROM attack_doubt AS d JOIN (
        SELECT * FROM attack WHERE NOT picked QUALIFY row_number() OVER (
            PARTITION BY name, steps, norm, split, n, eps, seed, note ORDER BY created DESC, id
                DESC) = 1
    ) AS a ON d.attack_id = a.id ORDER BY a.created, a.eps, a.seed, d.name"""

# A sample withstood an attack if it withstood it with every seed; else the earliest stage counts.
# Attacks on picked images are of different ones in each job, so none of them stands in for another.
OUTCOMES = """
    WITH newest AS (
        SELECT id, name, steps, n, note, seed FROM attack
        WHERE split = $split AND norm = $norm AND abs(eps - $eps) < 1e-6 AND eps > 0
            AND ($picked OR NOT picked)
        QUALIFY row_number() OVER (
            PARTITION BY name, steps, n, note, seed, CASE WHEN picked THEN job END ORDER BY created
                DESC, id DESC) = 1
    )
    SELECT a.name, a.steps, a.n, coalesce(a.note, '') AS note, r.idx, bool_and(r.ok) AS ok,
        coalesce(min(CASE WHEN r.stage = 0 THEN 'clean' END), arg_min(s.name, r.stage), '') AS
            broken_by
    FROM newest AS a JOIN attack_result AS r ON r.attack_id = a.id
    LEFT JOIN attack_stage AS s ON s.attack_id = a.id AND s.stage = r.stage
    GROUP BY a.name, a.steps, a.n, a.note, r.idx ORDER BY a.name, a.steps, a.n, a.note, r.idx"""


def attack_table(path: Path) -> pd.DataFrame:
    """Accuracies: name, steps, norm, split, n, eps, accuracy, seeds, spread, note, lo, hi.

    accuracy is the mean over attack seeds, spread their standard deviation (nan for one seed), [lo,
    hi] the 95 % interval for n images, all in [0, 1]; eps = 0 is clean. Images picked by hand are
    left out.
    """
    table = frame(path, TABLE)
    table["lo"], table["hi"] = wilson(table["accuracy"].to_numpy(), table["n"].to_numpy())
    return table


def image_verdicts(path: Path) -> pd.DataFrame:
    """How each image fared.

    name, steps, norm, split, n, eps, note, idx, source, share, ok, seeds, images.

    A row an attack, level and image; share is that of the attack seeds which it withstood, ok
    whether it withstood all of them. images and source (row in that cache; nan where unknown) say
    in any run which image it is. Images picked by hand are left out; the mean of share over the
    images is attack_table's accuracy.
    """
    key = frame(path, "SELECT value FROM meta WHERE key = 'images'")["value"]
    return frame(path, IMAGES).assign(images=key.iloc[0] if len(key) else "")


def wilson(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95 % interval of a binomial share: share (k,) in [0, 1], n (k,) -> lower and upper
    ends."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def attack_runs(path: Path) -> pd.DataFrame:
    """Every attack at every level and seed, the oldest first; the columns are those of the table
    `attack`."""
    return frame(path, RUNS)


def attack_results(path: Path, attack_id: str) -> pd.DataFrame:
    """One attack's verdict on every sample: idx, ok, pred, distance, stage (-1 where it
    withstood)."""
    return frame(path, RESULTS, [attack_id])


def sample_verdicts(path: Path, split: str, idx: int) -> pd.DataFrame:
    """Every attack's verdict on one sample.

    id, ok, pred, distance, name, steps, norm, note, eps, seed, broken_by.

    broken_by is the stage of the attack that broke it, "clean" if it was misclassified before, ""
    if it withstood.
    """
    return frame(path, VERDICTS, [split, idx])


def attack_stages(path: Path) -> pd.DataFrame:
    """The stages of all attacks: attack_id, stage, name, attacked, broken (images), seconds."""
    return frame(path, STAGES)


def attack_flags(path: Path) -> pd.DataFrame:
    """Why attacks may have missed something: name, steps, norm, split, n, eps, seed, note, flag,
    detail."""
    return frame(path, FLAGS)


def outcomes(
    path: Path, split: str, eps: float, norm: str = "Linf", picked: bool = False
) -> pd.DataFrame:
    """What became of every sample at one noise level, over all seeds.

    name, steps, n, note, idx, ok, broken_by.

    A row an attack and sample; attacks with other settings (note) are others; ok only if it
    withstood every seed; broken_by as in `sample_verdicts`.
    picked: also of attacks on images that were picked by hand.
    """
    return frame(path, OUTCOMES, {"split": split, "eps": eps, "norm": norm, "picked": picked})
