"""Runs by their worst case: like is compared with like, or not at all."""

import math

import pandas as pd
import pytest

from smd.analysis import ranking

EPS = 8 / 255


def verdicts(name="ce-pgd", ok=(1, 1, 0, 0), first=0, eps=EPS, seeds=(0,), patient=None, **fields):
    """What one attack did to images, from the `first` on, alike with each seed."""
    row = {"name": name, "steps": 20, "norm": "Linf", "split": "test", "n": len(ok), "note": ""}
    return pd.DataFrame(
        [
            {
                **row,
                **fields,
                "eps": eps,
                "idx": k,
                "source": first + k,
                "ok": bool(each),
                "seed": seed,
                "images": "cache",
                "patient": patient if patient is None else patient[k],
            }
            for seed in seeds
            for k, each in enumerate(ok)
        ]
    )


def ranked(**runs):
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in runs.items()}
    return ranking.rankings(tables, "test")


def test_an_image_counts_where_it_withstands_every_shared_attack():
    (found,) = ranked(
        a=[verdicts(ok=(1, 1, 1, 0)), verdicts("autoattack", ok=(0, 1, 1, 0), seeds=(0, 1, 2))],
        b=[verdicts(ok=(1, 1, 0, 0)), verdicts("autoattack", ok=(1, 0, 0, 0))],
    )
    assert [(place.run, place.robust) for place in found.places] == [("a", 0.5), ("b", 0.25)]
    assert [name for name, _, _ in found.attacks] == ["autoattack", "ce-pgd"]
    assert found.seeds == 1
    assert found.n == 4
    low, high = found.places[0].interval
    assert low < 0.5 < high


def test_an_attack_that_one_run_has_not_faced_does_not_count():
    (found,) = ranked(a=[verdicts(), verdicts("autoattack", ok=(0, 0, 0, 0))], b=[verdicts()])
    assert [place.robust for place in found.places] == [0.5, 0.5]
    assert found.attacks == (("ce-pgd", 20, ""),)


def test_pm_pgd_counts_only_where_all_faced_it():
    fooled = verdicts("pm-pgd", ok=(0, 0, 0, 0))
    (without,) = ranked(a=[verdicts(), fooled], b=[verdicts()])
    assert [place.robust for place in without.places] == [0.5, 0.5]
    (found,) = ranked(a=[verdicts(), fooled], b=[verdicts(), verdicts("pm-pgd")])
    assert [(place.run, place.robust) for place in found.places] == [("b", 0.5), ("a", 0)]
    assert [name for name, _, _ in found.attacks] == ["ce-pgd", "pm-pgd"]


def test_only_images_that_all_were_attacked_on_count():
    (found,) = ranked(
        a=[verdicts(ok=(1, 1, 1, 0, 0, 0))], b=[verdicts(ok=(0, 0, 1, 1, 1, 1, 1, 1), first=2)]
    )
    assert found.n == 4
    assert {place.run: place.robust for place in found.places} == {"a": 0.25, "b": 0.5}


def test_the_strongest_attack_stays_where_attacks_share_no_images():
    both = [verdicts("autoattack", ok=(1, 0)), verdicts(ok=(1, 1, 1), first=50)]
    (found,) = ranked(a=both, b=both)
    assert (found.attacks[0][0], len(found.attacks), found.n) == ("autoattack", 1, 2)


def test_clean_accuracy_is_of_the_same_images_or_unknown():
    clean = verdicts(ok=(1, 1, 1, 0), eps=0.0)
    (found,) = ranked(a=[verdicts(), clean], b=[verdicts(), clean[:2]])
    by_name = {place.run: place.clean for place in found.places}
    assert by_name["a"] == 0.75
    assert math.isnan(by_name["b"])


@pytest.mark.parametrize(
    "other",
    [
        verdicts(first=9),
        verdicts(eps=0.1),
        verdicts(norm="L2"),
        verdicts(split="val"),
        verdicts(note="weights=ema"),
        verdicts(note="runs=1"),
        verdicts(seeds=(1, 2)),
        verdicts().assign(source=None),
    ],
)
def test_what_is_not_alike_is_not_ranked(other):
    assert ranked(a=[verdicts()], b=[other]) == []


def test_only_seeds_that_all_share_count():
    """With more seeds a network withstands less, and is no worse for it."""
    more = [verdicts(), verdicts(ok=(0, 0, 0, 0), seeds=(1, 2))]
    (found,) = ranked(a=more, b=[verdicts()])
    assert [place.robust for place in found.places] == [0.5, 0.5]
    assert found.seeds == 1
    (alone,) = ranked(a=more)
    assert (alone.places[0].robust, alone.seeds) == (0, 3)


def test_what_took_over_earlier_verdicts_does_not_count():
    """One store knows of AutoAttack, and the other does not."""
    known = verdicts(ok=(0, 0, 0, 0), note="sound=yes")
    (found,) = ranked(a=[verdicts(), known], b=[verdicts(), verdicts(note="sound=yes")])
    assert [place.robust for place in found.places] == [0.5, 0.5]
    assert found.attacks == (("ce-pgd", 20, ""),)


def test_an_image_among_several_n_must_withstand_as_many_tries_in_each_run():
    few, many = verdicts(ok=(0, 0), n=2), verdicts(ok=(1, 1, 1, 1), n=4)
    (alone,) = ranked(a=[few, many])
    assert (alone.places[0].robust, alone.n) == (0.5, 4)
    (both,) = ranked(a=[few, many], b=[many])  # b met no image twice
    assert [place.robust for place in both.places] == [1, 1]


def test_the_difference_is_tested_on_the_very_images():
    one, two = (1,) * 40, (1,) * 10 + (0,) * 30
    (found,) = ranked(a=[verdicts(ok=one)], b=[verdicts(ok=two)])
    assert math.isnan(found.places[0].p)
    assert found.places[1].p < 1e-6
    (same,) = ranked(a=[verdicts(ok=one)], b=[verdicts(ok=one)])
    assert same.places[1].p == 1


def test_runs_are_told_apart_by_patients_where_they_are_known():
    ok, other = (1,) * 60 + (0,) * 40, (1,) * 50 + (0,) * 50
    p = {}
    for name, patient in (("images", None), ("patients", ["p0"] * 55 + ["p1"] * 45)):
        parts = {run: [verdicts(ok=k, patient=patient)] for run, k in (("a", ok), ("b", other))}
        (found,) = ranked(**parts)
        p[name] = found.places[1].p
    assert p["images"] < 0.01
    assert p["patients"] == 0.5  # two patients, both for the same run
