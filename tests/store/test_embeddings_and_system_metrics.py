"""Maps and readings of the machine, written and read again."""

from dataclasses import replace

import numpy as np
from storing import started

from smd.store import reader
from smd.store.records import EmbeddingRecord, Points

RECORD = EmbeddingRecord("map-1", "test", 3, 1, 8 / 255, 0, "umap-learn", "0.5", 1.0, "job", 1.0)


def points(shift=0.0):
    return Points(
        idx=np.array([0, 1, 2, 1]),
        adversarial=np.array([False, False, False, True]),
        x=np.arange(4, dtype=np.float32) + np.float32(shift),
        y=np.zeros(4, np.float32),
        pred=np.array([0, 1, 0, 0]),
        ok=np.array([True, True, True, False]),
    )


def test_a_map_is_read_as_it_was_written_with_its_samples(tmp_path):
    recorder = started(tmp_path / "run.duckdb")
    recorder.embedding(RECORD, points())
    (row,) = reader.embeddings(tmp_path / "run.duckdb").to_dict("records")
    assert (row["id"], row["n"], row["pairs"]) == ("map-1", 3, 1)
    found = reader.embedding_points(tmp_path / "run.duckdb", "map-1")
    assert found["idx"].tolist() == [0, 1, 2, 1]
    assert found["adversarial"].tolist() == [False, False, False, True]
    assert found["label"].tolist() == [0, 1, 0, 1]
    assert found["x"].tolist() == [0, 1, 2, 3]
    assert found["ok"].tolist() == [True, True, True, False]


def test_a_map_of_the_same_id_takes_the_place_of_the_one_before(tmp_path):
    recorder = started(tmp_path / "run.duckdb")
    recorder.embedding(RECORD, points())
    recorder.embedding(replace(RECORD, pairs=2), points(shift=5))
    assert list(reader.embeddings(tmp_path / "run.duckdb")["pairs"]) == [2]
    assert reader.embedding_points(tmp_path / "run.duckdb", "map-1")["x"].tolist() == [5, 6, 7, 8]


def test_readings_of_the_machine_come_back_in_their_order(tmp_path):
    recorder = started(tmp_path / "run.duckdb")
    recorder.gauges(np.array([2.0, 1.0]), ["cpu", "cpu"], np.array([50.0, 25.0]))
    recorder.gauges(np.array([3.0]), ["memory"], np.array([1e9]))
    found = reader.gauges(tmp_path / "run.duckdb")
    assert found["name"].tolist() == ["cpu", "cpu", "memory"]
    assert found["value"].tolist() == [25.0, 50.0, 1e9]
