"""The model card's section on margins."""

import pandas as pd

from smd import export
from smd.core.kinds import MEANING
from smd.export.margins_card import NONE, Estimated, Kept, margins_section
from smd.units import px
from tests.export.exporting import CIFAR, EMPTY

LEVELS = px(8, 16)


def rows(*pairs):
    """Images of (kind, margin in 1/255)."""
    kinds = [kind for kind, _ in pairs]
    return pd.DataFrame(
        {
            "kind": kinds,
            "margin": [k / 255 for _, k in pairs],
            "clean_ok": [kind != "misclassified" for kind in kinds],
            "crossed": [kind != "reached" for kind in kinds],
        }
    )


IMAGES = rows(*[("found", 10)] * 2, *[("reached", 20)] * 5, *[("misclassified", 30)] * 3)
KEPT = Kept(7, IMAGES, 10)
ESTIMATED = Estimated(
    "Minimum norm (FAB)", "20 steps", rows(*[("found", 12)] * 8, ("found", 6), ("misclassified", 0))
)


def test_training_margins_are_told_by_kind_and_misclassified_ones_are_beyond_nothing():
    text = margins_section(KEPT, None, LEVELS)
    for words in (
        "all 10 training images, as kept while training, after epoch 7",
        "2 of 10 found: ",
        f"5 of 10 reached: {MEANING['reached']}.",
        "3 of 10 misclassified",
        "Median over the 7 correctly classified",
        "20.0/255, of 2 found and 5 reached ones together",
        "larger than 8/255: 7 of 10, 70.0 %",
        "larger than 16/255: 5 of 10, 50.0 %",
    ):
        assert words in text
    assert "interval" not in text  # all training images were asked, none stands for others


def test_what_the_epoch_did_not_draw_is_not_among_them():
    text = margins_section(Kept(7, IMAGES, 25), None, LEVELS)
    assert "Margins of the 10 of 25 training images that the epoch drew" in text
    assert "3 of 10 misclassified" in text


def test_estimates_are_upper_bounds_with_their_n_method_settings_and_intervals():
    text = margins_section(None, ESTIMATED, LEVELS)
    for words in (
        "10 test images",
        "Minimum norm (FAB), 20 steps",
        "upper bound",
        "9 of 10, 90.0 % (95 % interval for images like these: 59.6 to 98.2 %)",
        "found for 9 of these",
        "Median over the 9 correctly classified ones: at most 12.0/255",
        "within 8/255: 8 of 10, 80.0 % (95 % interval for images like these: 49.0 to 94.3 %)",
        "within 16/255: 0 of 10, 0.0 %",
    ):
        assert words in text


def test_a_level_that_a_search_did_not_decide_is_not_known():
    open_one = Estimated("FAB", "20 steps", rows(("found", 12), ("reached", 0)))
    text = margins_section(None, open_one, LEVELS)
    assert "within 8/255: not known, as some searches met no boundary" in text
    assert "Median" not in text


def test_without_any_margins_the_card_says_so_or_why():
    assert margins_section(None, None, LEVELS) == NONE
    assert margins_section(None, None, LEVELS, "It was too short.") == "It was too short."
    card = export.model_card(CIFAR, {}, export.accuracy_table({"a": (CIFAR, EMPTY)}), {}, "SECTION")
    assert "## Margins\n" in card
    assert "SECTION" in card
    assert card.index("SECTION") < card.index("## Intended use")


def test_all_misclassified_has_no_median():
    text = margins_section(Kept(1, rows(("misclassified", 3)), 1), None, LEVELS)
    assert "1 of 1 misclassified" in text
    assert "Median" not in text
    assert "larger than 8/255: 0 of 1, 0.0 %" in text
