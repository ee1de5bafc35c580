"""What pages read is kept once for all sessions, and no page can change what another one sees."""

import numpy as np
import pytest

from app import data
from smd.store import reader


def test_a_table_is_read_once_and_kept_once(finished, monkeypatch):
    run, _ = finished
    one, two = (data.read(reader.samples, run.store, "train") for _ in range(2))
    assert one is not two
    assert np.shares_memory(one["idx"].to_numpy(), two["idx"].to_numpy())


def test_what_is_written_to_a_table_stays_with_who_wrote_it(finished):
    run, _ = finished
    before = reader.samples(run.store, "train")
    mine = data.read(reader.samples, run.store, "train")
    mine["label"] = -1
    mine.loc[0, "source"] = 99
    mine.iloc[1:, 0] = 7
    assert data.read(reader.samples, run.store, "train").equals(before)
    with pytest.raises(ValueError, match="read-only"):
        data.read(reader.samples, run.store, "train")["idx"].to_numpy()[0] = 5


def test_queries_of_the_same_name_are_told_apart(finished):
    run, _ = finished

    def meta(path):
        return "mine"

    assert data.value(meta, run.store) == "mine"
    assert data.value(reader.meta, run.store) == reader.meta(run.store)


def test_an_outline_is_new_where_the_store_is(finished):
    from storing import attack

    from smd.store.writer import Recorder

    run, _ = finished
    before = data.outline(run.store)
    assert data.outline(run.store) is before
    recorder = Recorder(run.store)
    attack(recorder, "autoattack", ok=(1, 0, 1))
    recorder.flush()
    assert len(data.outline(run.store).accuracies) == len(before.accuracies) + 1
