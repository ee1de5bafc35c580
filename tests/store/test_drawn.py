"""Epochs that did not draw every sample: the rest has no row, and is nowhere misclassified."""

from dataclasses import replace

import numpy as np
import pytest
from storing import N, epoch, started

from smd.sinks.making import of_record
from smd.store import reader
from smd.units import px

LEVEL = px(2)[0]


def part(number, ids, **flags):
    """An epoch that drew those samples alone; their margins are 1 more than their ids, 1/255."""
    record = epoch(number, (np.array(ids) + 1) / 255, **flags)
    return replace(record, states={"kappa": np.array(ids)}, idx=np.array(ids))


@pytest.fixture
def path(tmp_path):
    recorder = started(tmp_path / "run.duckdb")
    recorder.epoch(part(1, [0, 1, 3], clean=[True, True, False], adv=[False, True, False]))
    recorder.epoch(part(2, [1, 2, 3]))
    recorder.epoch(part(3, [0, 1, 5]))
    return tmp_path / "run.duckdb"


def test_margins_and_states_are_of_what_the_epoch_drew(path):
    rows = reader.margins(path, 1)
    assert rows["idx"].tolist() == [0, 1, 3]
    assert rows["kind"].tolist() == ["found", "reached", "misclassified"]
    assert (255 * rows["margin"]).tolist() == pytest.approx([1, 2, 4])
    assert reader.state_values(path, "kappa", 2)["value"].tolist() == [1, 2, 3]


def test_figures_count_what_was_drawn_alone(path):
    assert reader.margin_hist(path, 1)["n"].sum() == 3
    assert reader.share_beyond(path, 2, [LEVEL])[LEVEL] == pytest.approx(2 / 3)
    of_class = reader.class_summary(path, 1).set_index("label")
    assert of_class.loc[0, ["n", "misclassified"]].tolist() == [1, 0]
    assert of_class.loc[1, ["n", "misclassified"]].tolist() == [2, 1]
    said = of_record(part(1, [0, 1, 3], clean=[True, True, False])).values
    assert said["margins/misclassified"] == 1
    assert sum(said[f"margins/{kind}"] for kind in ("found", "reached")) == 2 < N


def test_a_sample_s_history_and_flow_skip_the_epochs_that_did_not_draw_it(path):
    rows = reader.sample_history(path, 0)
    assert rows["epoch"].tolist() == [1, 3]
    assert rows["change"].tolist() == ["shrunk", "kept"]  # against the margin of epoch 1
    assert reader.sample_history(path, 4).empty
    assert reader.flow(path, 1, 3)["idx"].tolist() == [0, 1]
    assert reader.at_boundary(path).empty  # what met it in epoch 1 was not drawn in epoch 2
