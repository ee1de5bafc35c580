"""Reading verdicts: the accuracy table of a run, its attacks, and every attack's word on one sample."""

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
            PARTITION BY name, steps, norm, split, n, eps, seed ORDER BY created DESC, id DESC) = 1
    )
    SELECT name, steps, norm, split, n, eps, avg(accuracy) AS accuracy, count(*) AS seeds
    FROM newest GROUP BY name, steps, norm, split, n, eps ORDER BY name, steps, norm, split, n, eps"""

RUNS = """
    SELECT id, name, eps, norm, steps, seed, split, n, package, version, seconds, warnings, job, created, picked
    FROM attack ORDER BY created, id"""
RESULTS = "SELECT idx, ok, pred, distance FROM attack_result WHERE attack_id = ? ORDER BY idx"
VERDICTS = """
    SELECT id, name, steps, eps, seed, ok, pred, distance FROM attack JOIN attack_result ON attack_id = id
    WHERE split = ? AND idx = ? ORDER BY name, steps, eps, seed, created"""


def attack_table(path: Path) -> pd.DataFrame:
    """Accuracies: name, steps, norm, split, n, eps, accuracy, seeds, lo, hi.

    accuracy is the mean over seeds, [lo, hi] its 95 % interval for n images, all in [0, 1]; eps = 0 is
    clean. Images picked by hand are left out.
    """
    table = frame(path, TABLE)
    table["lo"], table["hi"] = wilson(table["accuracy"].to_numpy(), table["n"].to_numpy())
    return table


def wilson(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95 % interval of a binomial share: share (k,) in [0, 1], n (k,) -> lower and upper ends."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def attack_runs(path: Path) -> pd.DataFrame:
    """Every attack at every level and seed, the oldest first; the columns are those of the table `attack`."""
    return frame(path, RUNS)


def attack_results(path: Path, attack_id: str) -> pd.DataFrame:
    """One attack's verdict on every sample: idx, ok, pred, distance."""
    return frame(path, RESULTS, [attack_id])


def sample_verdicts(path: Path, split: str, idx: int) -> pd.DataFrame:
    """Every attack's verdict on one sample: id, name, steps, eps, seed, ok, pred, distance."""
    return frame(path, VERDICTS, [split, idx])
