"""What is recorded is what is read, once, also after a resume and in float32's traps."""

import math

import numpy as np
import pytest
from storing import N, attack, epoch, started

from smd.store import reader, schema
from smd.store.records import EpochRecord
from smd.store.writer import Recorder


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.duckdb"


def test_the_description_and_the_samples_come_back(path):
    started(path, classes=("cat", 'do"g'))
    assert reader.meta(path) == {
        "schema": schema.VERSION,
        "classes": ["cat", 'do"g'],
        "images": "key",
    }
    assert reader.class_names(path) == ("cat", 'do"g')
    samples = reader.samples(path, "train")
    assert samples.to_dict("list") == {
        "idx": [*range(N)],
        "label": [0, 1] * 3,
        "source": [*range(100, 106)],
    }
    assert len(reader.samples(path, "test")) == 4


def test_starting_again_replaces_the_description_and_keeps_the_epochs(path):
    started(path).epoch(epoch(1))
    recorder = Recorder(path)
    recorder.start({"classes": ["one"]}, {"train": (np.zeros(2, int), np.arange(2))})
    assert reader.meta(path) == {"schema": schema.VERSION, "classes": ["one"]}
    assert len(reader.samples(path, "train")) == 2
    assert reader.samples(path, "test").empty
    assert reader.last_epoch(path) == 1


def test_an_epoch_comes_back_bit_for_bit(path):
    margins = np.random.default_rng(0).random(N).astype(np.float32)
    clean, adv = margins > 0.2, margins > 0.6
    metrics = [("val", "accuracy", 8 / 255, 0.25), ("train", "loss", 0.0, math.pi)]
    started(path).epoch(EpochRecord(1, metrics, margins, clean, adv, clean & ~adv))
    rows = reader.margins(path, 1)
    np.testing.assert_array_equal(rows["margin"], margins)
    np.testing.assert_array_equal(rows["clean_ok"], clean)
    np.testing.assert_array_equal(rows["adv_ok"], adv)
    assert list(rows["label"]) == [0, 1] * 3
    found = reader.metrics(path)
    assert list(found.itertuples(index=False, name=None)) == [(1, *metrics[1]), (1, *metrics[0])]


def test_quantiles_and_mean_are_those_of_the_margins(path):
    margins = np.linspace(0, 0.1, 101, dtype=np.float32)
    started(path, n=101).epoch(epoch(3, margins))
    (row,) = reader.margin_summary(path).to_dict("records")
    assert row == pytest.approx(
        {
            "epoch": 3,
            "q05": 0.005,
            "q25": 0.025,
            "q50": 0.05,
            "q75": 0.075,
            "q95": 0.095,
            "max": 0.1,
            "mean": 0.05,
        },
        rel=1e-6,
    )


def test_a_defense_without_margins_leaves_only_metrics(path):
    flags = np.ones(N, bool)
    started(path).epoch(EpochRecord(1, [("train", "loss", 0.0, 1.0)], None, flags, flags))
    assert len(reader.metrics(path)) == 1
    assert reader.margins(path, 1).empty
    assert reader.margin_hist(path, 1).empty
    assert reader.margin_summary(path).empty


def test_recording_an_epoch_again_replaces_it_and_all_later_ones(path):
    recorder = started(path)
    for number in (1, 2, 3, 4):
        recorder.epoch(epoch(number))
    started(path).epoch(epoch(3, np.full(N, 0.5), metrics=[("train", "loss", 0.0, 9.0)]))
    assert list(reader.metrics(path)["epoch"]) == [1, 2, 3]
    assert list(reader.metrics(path)["value"]) == [1.5, 1.5, 9.0]
    assert list(reader.margin_summary(path)["epoch"]) == [1, 2, 3]
    assert reader.margin_hist(path, 3).to_dict("list") == {
        "kind": ["reached"],
        "bin": [127],
        "n": [N],
    }
    assert list(reader.sample_history(path, 0)["epoch"]) == [1, 2, 3]
    assert reader.margins(path, 4).empty


def test_recording_an_attack_again_replaces_it(path):
    recorder = started(path)
    attack(recorder, id="one", ok=(1, 1, 1, 1))
    attack(recorder, id="two", ok=(1, 1, 1, 1))
    attack(recorder, id="one", ok=(0, 0, 0))
    assert sorted(reader.attack_runs(path)["id"]) == ["one", "two"]
    assert list(reader.attack_results(path, "one")["ok"]) == [False] * 3
    assert len(reader.attack_results(path, "two")) == 4


def test_the_stored_histogram_has_the_float32_traps_in_their_bins(path):
    margins = np.float32([k / 255 for k in range(41)])
    started(path, n=41).epoch(epoch(1, margins))
    rows = reader.margin_hist(path, 1)
    assert list(rows["bin"]) == [*range(41)]
    assert set(rows["n"]) == {1}


def test_a_diverged_training_is_recorded(path):
    started(path).epoch(
        epoch(
            1, [math.nan, 0.1, 0.1, 0.2, 0.3, math.inf], metrics=[("train", "loss", 0.0, math.nan)]
        )
    )
    assert reader.margin_hist(path, 1)["n"].sum() == 4
    assert reader.margin_summary(path)["max"][0] == pytest.approx(0.3)
    assert reader.metrics(path)["value"].isna().all()
    assert math.isnan(reader.margins(path, 1)["margin"][0])


@pytest.mark.slow
def test_every_table_has_the_same_columns_without_a_store(path, tmp_path):
    recorder = started(path)
    recorder.epoch(epoch(1))
    attack(recorder)
    queries = [
        (reader.metrics, ()),
        (reader.margin_hist, (1,)),
        (reader.margin_summary, ()),
        (reader.margins, (1,)),
        (reader.sample_history, (0,)),
        (reader.samples, ("train",)),
        (reader.flow, (1, 1)),
        (reader.class_hist, (1,)),
        (reader.class_summary, ()),
        (reader.class_density, ()),
        (reader.at_boundary, ()),
        (reader.attack_table, ()),
        (reader.attack_runs, ()),
        (reader.attack_results, ("x",)),
        (reader.sample_verdicts, ("test", 0)),
    ]
    for query, arguments in queries:
        empty, filled = (
            query(tmp_path / "queued" / "run.duckdb", *arguments),
            query(path, *arguments),
        )
        assert empty.empty, query
        assert list(empty.columns) == list(filled.columns)
        numbers = filled.select_dtypes("number").columns
        assert list(empty[numbers].dtypes) == list(filled[numbers].dtypes)
