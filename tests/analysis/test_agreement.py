"""Margins against attacks, and attacks against each other: every number by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from smd.analysis import agreement
from smd.core import kinds
from smd.stats import wilson

EPS = 8 / 255


def margins(*values, **more):
    """Margins in 1/255 of the samples 0, 1, ..."""
    rows = {
        "idx": range(len(values)),
        "margin": np.float32(values) / np.float32(255),
        "clean_ok": True,
        "crossed": True,
    }
    found = pd.DataFrame({**rows, **more})
    return found.assign(kind=kinds.kinds(found["clean_ok"], found["crossed"]))


def test_a_margin_that_grew_was_searched_as_far_as_the_epoch_before_left_it():
    now = margins(9, 9, 5, 9, crossed=[False, True, False, False])
    found = agreement.searched(now, margins(8.5, 8.5, 7))
    # found ones stay; no farther than they are now; what the epoch before did not draw says nothing
    assert (255 * found["margin"]).round(3).tolist() == [8.5, 9, 5, 0]
    assert agreement.decided(found, 8.6 / 255)["idx"].tolist() == [1]


def verdicts(*broken_by, name="ce-pgd", steps=100, ids=None, note=""):
    """An attack's verdicts on the samples 0, 1, ..., "" where it failed."""
    return pd.DataFrame(
        {
            "name": name,
            "steps": steps,
            "n": len(broken_by),
            "note": note,
            "idx": ids if ids is not None else range(len(broken_by)),
            "ok": [stage == "" for stage in broken_by],
            "broken_by": broken_by,
        }
    )


def rows_of(values, ok, **more):
    outcome = verdicts(*("" if flag else "ce-pgd" for flag in ok))
    return agreement.joined(margins(*values, **more), outcome)[0]


def test_only_samples_with_a_margin_and_a_verdict_are_joined():
    rows, left_out = agreement.joined(margins(1, 2, 3), verdicts("", "ce-pgd", ids=[2, 7]))
    assert rows[["idx", "ok"]].to_numpy().tolist() == [[2, True]]
    assert left_out == 0


def test_samples_misclassified_by_either_word_are_left_out_and_counted():
    given = margins(5, 5, 5, 5, clean_ok=[True, False, True, False])
    rows, left_out = agreement.joined(given, verdicts("", "ce-pgd", "clean", "clean"))
    assert rows["idx"].tolist() == [0]
    assert left_out == 3


def test_the_2x2_table_counts_both_kinds_of_disagreement():
    found = agreement.crosstab(rows_of([9, 10, 11, 12, 1, 2, 3, 4], [1, 1, 1, 0, 1, 1, 0, 0]), EPS)
    assert found.table[["beyond", "withstood", "n", "percent"]].to_numpy().tolist() == [
        [True, True, 3, 37.5],
        [True, False, 1, 12.5],
        [False, True, 2, 25.0],
        [False, False, 2, 25.0],
    ]
    assert (found.n, found.undecided) == (8, 0)
    assert (found.agreement, found.overestimated, found.underestimated) == (62.5, 12.5, 25.0)


def test_a_search_that_met_no_boundary_decides_nothing_beyond_its_end():
    rows = rows_of([8, 8, 4, 4, 9], [1, 1, 1, 1, 1], crossed=[True, False, True, False, False])
    found = agreement.crosstab(rows, EPS)
    assert (found.n, found.undecided) == (4, 1)
    assert found.table["n"].tolist() == [2, 0, 2, 0]
    assert agreement.disagreeing(rows, EPS, "underestimated")["idx"].tolist() == [2, 0]


def test_the_undecided_are_taken_away_with_what_became_of_them():
    rows = rows_of(
        [8, 8, 4, 4, 4, 9], [1, 1, 1, 1, 0, 0], crossed=[True, False, True, False, False, True]
    )
    found = agreement.exported(rows, EPS)
    assert found["n"].tolist() == [1, 1, 2, 0, 1, 1]
    assert found["margin"].tolist() == [
        "> ε",
        "> ε",
        "≤ ε",
        "≤ ε",
        "undecided",
        "undecided",
    ]
    assert found["attack"].tolist()[-2:] == ["robust", "fooled"]
    assert found["percent"].tolist()[:4] == [25, 25, 50, 0]
    assert found["percent"][4:].isna().all()


def test_nothing_to_compare_has_no_shares():
    found = agreement.crosstab(rows_of([], []), EPS)
    assert found.n == 0
    assert found.table["n"].tolist() == [0, 0, 0, 0]
    assert all(math.isnan(v) for v in (found.agreement, found.overestimated, found.underestimated))
    assert agreement.calibration(rows_of([], [])).empty


def test_calibration_is_the_share_that_withstood_a_bin_with_its_interval():
    found = agreement.calibration(rows_of([0.5, 0.9, 3.0, 3.5, 3.9, 7.0], [0, 0, 1, 0, 1, 1]))
    assert found[["low", "high", "n"]].to_numpy().tolist() == [[0, 1, 2], [3, 4, 3], [7, 8, 1]]
    assert found["percent"].to_numpy() == pytest.approx([0, 200 / 3, 100])
    low, high = wilson(np.array([0, 2 / 3, 1]), np.array([2, 3, 1]))
    assert found["lo"].to_numpy() == pytest.approx(100 * low)
    assert found["hi"].to_numpy() == pytest.approx(100 * high)


@pytest.mark.parametrize(
    ("largest", "width"), [(19.5, 1), (20.0, 2), (39.5, 2), (40.0, 4), (255.0, 16)]
)
def test_bins_widen_in_powers_of_two_when_there_would_be_too_many(largest, width):
    found = agreement.calibration(rows_of([0, largest], [1, 1]))
    assert (found["high"] - found["low"]).tolist() == [width, width]
    assert found["low"].iloc[1] == largest // width * width


def test_every_whole_margin_falls_into_its_own_bin():
    found = agreement.calibration(rows_of(range(20), [1] * 20))
    assert found["low"].tolist() == list(range(20))


def test_the_worst_disagreements_come_first():
    rows = rows_of([9, 20, 8.5, 1, 7, 3, 30, 0], [0, 0, 0, 1, 1, 1, 1, 0])
    assert agreement.disagreeing(rows, EPS, "overestimated")["idx"].tolist() == [1, 0, 2]
    assert agreement.disagreeing(rows, EPS, "underestimated")["idx"].tolist() == [3, 5, 4]


ALL_STAGES = [
    "clean",
    "ce-pgd",
    "ce",
    "cw",
    "apgd-ce",
    "apgd-dlr",
    "fab",
    "apgd-t",
    "fab-t",
    "square",
    "mim",
    "",
]


def three_attacks():
    """Eight samples, from one misclassified to one that withstands all."""
    return pd.concat(
        [
            verdicts("clean", "ce-pgd", "", "", "", "", "", ""),
            verdicts("clean", "ce", "ce", "cw", "", "", "", "", name="ce-cw-pgd"),
            verdicts(
                "clean",
                "apgd-ce",
                "apgd-ce",
                "apgd-ce",
                "apgd-ce",
                "apgd-t",
                "square",
                "",
                name="autoattack",
            ),
        ]
    )


def test_each_sample_is_named_by_the_weakest_attack_that_breaks_it():
    found = agreement.patterns(three_attacks())
    assert found["idx"].tolist() == list(range(8))
    assert found["pattern"].tolist() == [
        "misclassified without noise",
        "falls to CE-PGD",
        "falls to CE-PGD",
        "falls to CW but not to CE-PGD",
        "falls to AutoAttack only (apgd-ce)",
        "falls to targeted attacks only (apgd-t)",
        "falls to Square only",
        "robust to all",
    ]


def test_what_only_pm_pgd_breaks_is_named_after_it_and_comes_before_autoattack():
    other = verdicts("clean", "pm-pgd", "", "pm-pgd", "pm-pgd", "", "", "", name="pm-pgd")
    found = agreement.patterns(pd.concat([three_attacks(), other]))
    assert found["pattern"].tolist()[:5] == [
        "misclassified without noise",
        "falls to CE-PGD",
        "falls to CE-PGD",
        "falls to CW but not to CE-PGD",
        "falls to pm-pgd",
    ]
    assert found["pattern"].tolist()[5] == "falls to targeted attacks only (apgd-t)"


def test_what_was_taken_over_tells_no_pattern_and_is_nobodys_first_choice():
    took = ["clean", *["an earlier attack"] * 7]
    sound = verdicts(*took, name="autoattack", note="sound=yes")
    every = pd.concat([sound, three_attacks()])
    pd.testing.assert_frame_equal(agreement.patterns(every), agreement.patterns(three_attacks()))
    assert agreement.patterns(sound).empty
    assert agreement.counted(agreement.patterns(sound)).empty
    best, *_, last = agreement.settings_by_strength(every)
    assert (best.name, best.note, last.note) == ("autoattack", "", "sound=yes")


def test_patterns_are_ordered_counted_and_add_up():
    counts = agreement.counted(agreement.patterns(three_attacks()))
    assert counts["n"].tolist() == [1, 2, 1, 1, 1, 1, 1]
    assert counts["percent"].tolist() == [12.5, 25, 12.5, 12.5, 12.5, 12.5, 12.5]
    assert (counts["pattern"].iloc[0], counts["pattern"].iloc[-1]) == (
        "misclassified without noise",
        "robust to all",
    )


def test_any_two_stages_give_just_one_pattern_that_of_the_weaker_one():
    pairs = [(a, b) for a in ALL_STAGES for b in ALL_STAGES]
    one, two = zip(*pairs, strict=True)
    found = agreement.patterns(
        pd.concat([verdicts(*one, name="first"), verdicts(*two, name="second")])
    )
    assert len(found) == len(pairs)
    assert found["pattern"].notna().all()
    alone = dict(zip(ALL_STAGES, found["pattern"][:: len(ALL_STAGES) + 1], strict=True))
    assert alone["mim"] == "falls to mim"
    assert found["pattern"].tolist() == [
        min(alone[a], alone[b], key=list(found["pattern"].cat.categories).index) for a, b in pairs
    ]


def test_only_samples_that_every_attack_has_seen_get_a_pattern():
    both = pd.concat(
        [verdicts("", "", "ce-pgd"), verdicts("", "apgd-t", name="autoattack", ids=[1, 2])]
    )
    found = agreement.patterns(both)
    assert found["idx"].tolist() == [1, 2]
    assert found["pattern"].tolist() == ["robust to all", "falls to CE-PGD"]


def test_an_attack_seen_with_more_images_and_steps_counts_once_at_its_worst():
    few = verdicts("", "", steps=20)
    many = verdicts("", "ce-pgd", "ce-pgd", steps=100)
    found = agreement.patterns(pd.concat([few, many, verdicts("", "", "", name="autoattack")]))
    assert found["pattern"].tolist() == ["robust to all", "falls to CE-PGD", "falls to CE-PGD"]


def test_an_attack_without_named_stages_is_named_by_itself():
    rows = verdicts("", "", name="mim").assign(ok=[False, True])
    assert agreement.patterns(rows)["pattern"].tolist() == ["falls to mim", "robust to all"]


def test_one_start_of_ce_cw_pgd_never_stands_for_ten():
    """Images that only the single start has seen get no pattern, as the ten have not seen them."""
    single = verdicts("", "", "", "ce", name="ce-cw-pgd", note="runs=1")
    ten = verdicts("", "cw", name="ce-cw-pgd")
    found = agreement.patterns(
        pd.concat([single, ten, verdicts("", "", "", "", name="autoattack")])
    )
    assert found["idx"].tolist() == [0, 1]
    assert found["pattern"].tolist() == ["robust to all", "falls to CW but not to CE-PGD"]
    settings_by_strength = agreement.settings_by_strength(pd.concat([single, ten]))
    assert [(settings.note, settings.n) for settings in settings_by_strength] == [
        ("", 2),
        ("runs=1", 4),
    ]
    assert agreement.of_settings(pd.concat([single, ten]), settings_by_strength[0])[
        "broken_by"
    ].tolist() == [
        "",
        "cw",
    ]
