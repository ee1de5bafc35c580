"""A run in L2 from its command to its card: every length that it tells is one in L2."""

import math

import numpy as np
import pytest

from smd import export
from smd.config.schema import EstimateConfig, TrainConfig, from_json, to_json
from smd.config.validation import of_training
from smd.errors import UserError
from smd.evaluation.final_margins import Plan
from smd.report.page import report
from smd.sinks import making
from smd.store import reader
from smd.tasks.final_margins import config_of

LEVELS = (0.25, 0.5, 1.0)


def test_its_levels_attacks_and_estimate_are_lengths(in_l2):
    assert in_l2.config.norm == "L2"
    assert in_l2.config.levels == LEVELS
    assert in_l2.config.levels_in("Linf") == TrainConfig().levels
    attacks = reader.attack_table(in_l2.store)
    test = attacks[attacks["split"] == "test"]
    assert sorted(test["eps"]) == [0.0, *LEVELS]
    assert set(attacks["norm"]) == {"L2"}
    asked = EstimateConfig(in_l2.id, norm="L2")
    plan = Plan(20, 20, {"steps": 20, "targets": 0})  # where the training leaves time for one
    assert config_of(asked, plan).norm == "L2"
    watched = reader.metrics(in_l2.store).query("name == 'accuracy' and eps > 0")["eps"]
    assert set(watched) == {0.5, 1.0}


def test_margins_begin_with_the_length_of_eq_12(in_l2):
    delta = math.ceil(255 / 4) / 255 * 8  # of 8 x 8 pixels
    assert reader.meta(in_l2.store)["delta"] == pytest.approx(delta)
    kept = reader.margins(in_l2.store, 1)
    assert float(kept["margin"].max()) <= 2 * delta + 1e-6
    assert float(kept["margin"].max()) > 0.25  # which no margin in Linf of one epoch is


def test_the_log_says_the_norm_and_no_pixel_steps(in_l2):
    lines = [line for line in in_l2.log.read_text().splitlines() if line.startswith("epoch ")]
    assert len(lines) == 4
    assert all("val at 1 L2" in line and " L2" in line.split("mean margin")[1] for line in lines)
    assert not any("/255" in line for line in lines)


def test_the_card_and_the_tables_tell_lengths(in_l2):
    card = in_l2.card.read_text()
    assert card.startswith("# SMD (L2) on ")
    margins = card.split("## Margins")[1].split("## Intended use")[0]
    assert "the length of the change over all pixels (L2)" in margins
    assert "larger than 0.25:" in margins
    assert "/255" not in margins
    table = export.accuracy_table({"a": (in_l2.config, reader.attack_table(in_l2.store))})
    assert set(table["defense"]) == {"SMD (L2)"}
    row = table.iloc[0]
    assert row["Avg."] == pytest.approx(np.mean([row[name] for name in ("0", "0.25", "0.5", "1")]))
    epochs = export.epoch_table(reader.metrics(in_l2.store), "L2")
    assert {"val accuracy 0.5 L2", "val accuracy 1 L2"} <= set(epochs)
    kept = export.margin_table(reader.margins(in_l2.store, 4), "L2")
    assert "margin_l2" in kept
    assert "margin_255" not in kept


def test_trackers_are_told_the_norm(in_l2):
    values = next(making.of_store(in_l2.store, norm="L2")).values
    assert "val/robust accuracy at 0.5 L2" in values


def test_the_report_is_of_lengths(in_l2):
    page = report(in_l2)
    assert "SMD (L2)" in page
    assert "noise of length at most 1 over all pixels (L2)" in page
    assert "255/255" not in page


def test_a_run_of_an_earlier_version_is_in_linf():
    stored = to_json(TrainConfig())
    del stored["norm"]
    assert from_json(TrainConfig, stored).norm == "Linf"


def test_a_defense_that_cannot_refuses_in_a_sentence():
    assert of_training(TrainConfig(norm="L2")) == []
    assert of_training(TrainConfig(defense="std", norm="L2")) == []
    assert of_training(TrainConfig(defense="at", norm="L2")) == [
        "AT is not trained in L2: choose SMD or STD, or the norm Linf."
    ]


def test_in_a_loop_of_ones_own():
    import smd

    defense = smd.SMD(n=10, epochs=5, shape=(1, 8, 8), norm="L2")
    assert defense.margins.tolist() == pytest.approx([51 / 255 * 8] * 10)
    assert "norm='L2'" in repr(defense)
    with pytest.raises(UserError, match="MMA is not trained in L2"):
        smd.MMA(n=10, epochs=5, shape=(1, 8, 8), norm="L2")
    other = smd.SMD(n=10, epochs=5, shape=(1, 8, 8))
    with pytest.raises(UserError, match="norm=L2, here Linf"):
        other.load_state_dict(defense.state_dict())
    old = other.state_dict()
    del old["about"]["norm"]  # of an earlier version
    other.load_state_dict(old)
