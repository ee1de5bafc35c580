"""Cross-validation: one run a fold, and the table that pools them."""

import math

import pandas as pd
import pytest

from smd.config import commands, validation
from smd.config.schema import TrainConfig
from smd.experiments import folds, sweep
from smd.stats import wilson_of_one


def measured(ok, n, eps=0.0):
    low, high = wilson_of_one(ok / n, n)
    row = {"name": "ce-pgd", "steps": 20, "norm": "Linf", "split": "test", "n": n, "eps": eps}
    row |= {"accuracy": ok / n, "seeds": 1, "spread": math.nan, "note": "", "lo": low, "hi": high}
    return row


def of(fold, *rows, **options):
    config = TrainConfig(folds=3, fold=fold, defense="std", device="cpu", **options)
    return config, pd.DataFrame(rows)


def test_a_sweep_has_a_run_for_each_fold():
    wanted = sweep.configs([TrainConfig(folds=3)], (0, 1))
    assert [(c.seed, c.fold) for c in wanted] == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    assert [c.fold for c in sweep.configs([TrainConfig()], (0,))] == [0]
    assert "--folds 3 --defenses smd --seeds 0,1" in commands.sweep_command(wanted)
    assert "--folds 3 --fold 2" in commands.train_command(wanted[1])


@pytest.mark.parametrize(
    "folds, fold, message",
    [
        (5, 0, "Cross-validation is 5 trainings: use `sweep` with --folds 5"),
        (1, 1, "One fold is no cross-validation"),
        (5, 6, "There is no fold 6 of 5"),
        (0, 2, "There is no fold 2 of 0"),
        (5, 5, ""),
    ],
)
def test_folds_that_cannot_be_are_refused(tmp_path, folds, fold, message):
    config = TrainConfig("folder", str(tmp_path), folds=folds, fold=fold)
    (said,) = validation.of_training(config) or ("",)
    assert said.startswith(message) if message else not said


def test_sets_with_test_images_of_their_own_have_no_folds():
    (said,) = validation.of_training(TrainConfig(folds=5, fold=1))
    assert said == "'digits' has test images of its own: leave --folds out."


def test_all_folds_are_pooled_over_images_not_over_folds():
    runs = {
        "a": of(1, measured(9, 10), measured(4, 10, 8 / 255)),
        "b": of(2, measured(6, 10), measured(4, 10, 8 / 255)),
        "c": of(3, measured(1, 20), measured(0, 20, 8 / 255)),
        "other": (TrainConfig(), pd.DataFrame([measured(1, 1)])),
    }
    table = folds.table(runs)
    assert table["fold"].tolist() == ["1", "2", "3", "all 3"] * 2
    clean = table[table["eps"] == "0"].iloc[-1]
    assert (clean["images"], clean["correct %"]) == (40, 40.0)  # 16 of 40, no mean of 90, 60, 5
    low, high = wilson_of_one(0.4, 40)
    assert (clean["low %"], clean["high %"]) == (round(100 * low, 2), round(100 * high, 2))
    assert clean["mean of folds %"] == 51.67
    assert clean["SD over folds"] == pytest.approx(43.11, abs=0.01)


def test_a_missing_fold_is_said_and_the_attack_on_most_images_counts():
    runs = {
        "a": of(1, measured(1, 2), measured(5, 10)),
        "b": of(3, measured(5, 10)),
        "seed 1": of(1, measured(1, 10), seed=1),
    }
    table = folds.table(runs)
    assert table["fold"].tolist() == ["1", "3", "2 of 3", "1", "1 of 3"]
    assert table["images"].tolist() == [10, 10, 20, 10, 10]
    assert folds.table({}).empty
