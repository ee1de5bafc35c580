"""Gaps between attacks: the worst of each on the same images, and a warning only where a test
tells."""

import numpy as np
import pandas as pd
import pytest
from storing import attack, started

from smd.analysis import gaps
from smd.store import reader


def verdicts(name, ok, level=8, steps=100, note="", seeds=1, ids=None, split="test"):
    """Image verdicts of one attack, as reader.image_verdicts has them."""
    ok = np.asarray(ok, bool)
    return pd.DataFrame(
        {
            "name": name,
            "steps": steps,
            "norm": "Linf",
            "split": split,
            "n": len(ok),
            "eps": level / 255,
            "note": note,
            "idx": np.arange(len(ok)) if ids is None else ids,
            "ok": ok,
            "share": ok.astype(float),
            "seeds": seeds,
        }
    )


def first(right, n=100):
    return np.arange(n) < right


def found(*parts):
    return gaps.gaps(pd.concat(parts, ignore_index=True))


def test_a_large_gap_on_the_same_images_is_explained():
    table = found(
        verdicts("ce-pgd", first(60)),
        verdicts("ce-cw-pgd", first(50)),
        verdicts("autoattack", first(49), steps=0),
    )
    assert table[["weaker", "stronger"]].to_numpy().tolist() == [
        ["CE-PGD, 100 steps", "CE-CW-PGD, 100 steps"],
        ["CE-CW-PGD, 100 steps", "AutoAttack"],
    ]
    assert table[["before", "after", "gap", "n", "only_stronger"]].to_numpy()[0].tolist() == [
        60,
        50,
        10,
        100,
        10,
    ]
    assert table["flag"].tolist() == [True, False]
    assert "GAIRAT" in table["meaning"][0]
    assert table["p"][0] == pytest.approx(2 * 0.5**10)


@pytest.mark.parametrize("fewer", [1, 2, 5])
def test_a_few_of_fifty_images_are_no_warning(fewer):
    """Two points of fifty images are one image; ten points of five images can be chance."""
    table = found(
        verdicts("ce-pgd", first(30, 50)), verdicts("autoattack", first(30 - fewer, 50), steps=0)
    )
    assert table["gap"][0] == 2 * fewer
    assert not table["flag"][0]
    assert table["meaning"][0] == ""


def test_images_that_go_either_way_are_weighed_against_each_other():
    table = found(
        verdicts("ce-pgd", first(60)), verdicts("autoattack", np.roll(first(50), 50), steps=0)
    )
    assert table[["only_weaker", "only_stronger"]].to_numpy().tolist() == [[40, 50]]
    assert not table["flag"][0]


def test_only_images_that_both_have_seen_are_compared():
    easy = verdicts("autoattack", first(0, 50), steps=0, ids=np.arange(100, 150))
    assert found(verdicts("ce-pgd", first(60)), easy).empty
    part = verdicts("autoattack", first(20, 40), steps=0, ids=np.arange(20, 60))
    (row,) = found(verdicts("ce-pgd", first(60)), part).to_dict("records")
    assert (row["n"], row["before"], row["after"], row["flag"]) == (40, 100, 50, True)


@pytest.mark.parametrize("other", [{"level": 4}, {"split": "train"}])
def test_other_levels_and_splits_have_no_gap(other):
    assert found(verdicts("ce-pgd", first(60)), verdicts("autoattack", first(10), **other)).empty
    assert list(found(verdicts("ce-pgd", first(60))[:0]).columns) == gaps.COLUMNS


def test_the_most_thorough_settings_count_and_one_start_is_named():
    single = verdicts("ce-cw-pgd", first(60), note="runs=1")
    ten = verdicts("ce-cw-pgd", first(50))
    pgd = verdicts("ce-pgd", first(60))
    (row,) = found(pgd, single, ten, verdicts("ce-pgd", first(90), steps=20)).to_dict("records")
    assert (row["weaker"], row["stronger"], row["after"]) == (
        "CE-PGD, 100 steps",
        "CE-CW-PGD, 100 steps",
        50,
    )
    (row,) = found(verdicts("ce-pgd", first(80)), single).to_dict("records")
    assert row["stronger"] == "CE-CW-PGD, 100 steps, runs=1"
    assert row["meaning"] == gaps.UNUSUAL


def test_the_worst_of_all_seeds_is_compared(tmp_path):
    """Each seed breaks other images: the mean over seeds would be far above what they break
    together."""
    recorder = started(tmp_path / "run.duckdb")
    for seed in (0, 1):
        attack(recorder, "ce-pgd", ok=np.roll(first(10, 20), 10 * seed), seed=seed)
    attack(recorder, "autoattack", ok=first(0, 20), steps=0)
    (row,) = gaps.gaps(reader.image_verdicts(tmp_path / "run.duckdb")).to_dict("records")
    assert (row["before"], row["after"], row["weaker_seeds"], row["flag"]) == (0, 0, 2, False)


def test_what_took_over_verdicts_is_held_against_nothing():
    """A superset by construction: McNemar's test would flag what is no gap, and hide one."""
    weak, sound = first(60), first(50)
    table = found(
        verdicts("ce-pgd", weak), verdicts("autoattack", sound, steps=0, note="sound=yes")
    )
    assert table.empty
    alone = verdicts("autoattack", first(40), steps=0)
    taken = alone.assign(note="sound=yes", ok=weak)
    both = pd.concat([verdicts("ce-pgd", weak), alone, taken], ignore_index=True)
    (row,) = gaps.gaps(both).to_dict("records")
    assert (row["stronger"], row["gap"], row["flag"]) == ("AutoAttack", 20, True)
    assert gaps.taken_over(both).startswith("One accuracy with sound=yes is left out")
    assert gaps.taken_over(verdicts("ce-pgd", weak)) == ""


def test_a_gap_on_two_patients_is_no_flag():
    parts = verdicts("ce-pgd", first(60)), verdicts("autoattack", first(50), steps=0)
    for patient, flag in ((["p0"] * 55 + ["p1"] * 45, False), (None, True)):
        (row,) = found(*(part.assign(patient=patient) for part in parts)).to_dict("records")
        assert row["flag"] == flag
