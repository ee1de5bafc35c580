"""What a node answers is looked at before it is kept."""

import signal
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from smd.cluster import by_ray, parcels, records
from smd.cluster.node import Node
from smd.cluster.outbox import Outbox
from smd.cluster.records import Unfit
from smd.config.schema import TrainConfig
from smd.data import cache, content, travelling
from smd.data.travelling import Arriving
from smd.errors import UserError
from smd.runs import folders
from smd.store import excerpt, reader
from smd.store.records import EpochRecord, Margins, Verdicts
from smd.store.writer import Recorder


def epoch(n=4, **fields):
    flags = np.ones(n, bool)
    usual = {
        "epoch": 1,
        "metrics": [("train", "loss", 0.0, 1.5)],
        "margins": np.ones(n, np.float32),
        "clean_ok": flags,
        "adv_ok": flags,
        "crossed": ~flags,
    }
    return EpochRecord(**usual | fields)


@pytest.fixture
def store(tmp_path):
    recorder = Recorder(tmp_path / "run.duckdb")
    recorder.start({"data": "digits"}, {"train": (np.arange(4) % 2, np.arange(4))})
    return recorder, tmp_path / "run.duckdb"


def test_an_epoch_goes_through_plain_values_unchanged(store):
    recorder, path = store
    sent = records.plain("epoch", [epoch(states={"count": np.arange(4, dtype=np.float32)})])
    assert not any(isinstance(value, EpochRecord) for value in sent["args"])
    records.apply(recorder, sent, {})
    assert reader.margins(path, 1)["margin"].tolist() == [1.0] * 4
    assert reader.state_names(path) == ("count",)


@pytest.mark.parametrize(
    "change",
    [
        {"margins": np.ones(3, np.float32)},
        {"margins": np.ones((4, 2), np.float32)},
        {"margins": np.array(["a"] * 4)},
        {"margins": [1.0] * 4},
        {"clean_ok": np.array([object()] * 4)},
        {"epoch": "1"},
        {"epoch": True},
        {"metrics": [("train", "loss", 0.0)]},
        {"metrics": [("train", 7, 0.0, 1.0)]},
        {"states": {"count": np.ones(5)}},
        {"idx": "all"},
    ],
)
def test_an_epoch_that_does_not_fit_is_refused(store, change):
    recorder, path = store
    sent = records.plain("epoch", [epoch()])
    sent["args"][0] |= change
    with pytest.raises(Unfit, match="does not fit"):
        records.apply(recorder, sent, {})
    assert reader.margins(path, 1).empty


def test_a_call_that_no_recorder_has_is_refused(store):
    for name in ("flush", "_write", "__init__", "sql"):
        with pytest.raises(Unfit, match="none of its business"):
            records.apply(store[0], {"call": name, "args": []}, {})


def test_a_description_keeps_what_the_head_knows(store):
    recorder, path = store
    records.apply(
        recorder, records.plain("describe", [{"images": "x", "delta": 1}]), {"content": 7}
    )
    about = reader.meta(path)
    assert (about["delta"], about["content"]) == (1, 7)
    assert "images" not in about
    with pytest.raises(Unfit):
        records.apply(recorder, records.plain("describe", [{"schema": 99}]), {})


def test_records_of_every_kind_are_known():
    assert {kind for kinds in records.TAKES.values() for kind in kinds} >= {Verdicts, Margins}
    taken = {name for name in vars(Recorder) if not name.startswith("_")}
    assert taken - {"complete", "flush", "start", "describe", "gauges"} == set(records.TAKES)


def test_only_files_that_a_job_makes_are_written():
    run = folders.create(TrainConfig(device="cpu"))
    ok = np.frombuffer(b"new", np.uint8)
    parcels.keep(run, run.folder, "adv/a_8-255_0.npz", ok)
    assert (run.adv / "a_8-255_0.npz").read_bytes() == b"new"
    for name in ("config.json", "status.json", "../x", "adv/../x.npz", "adv/.npz", "judging.npz"):
        with pytest.raises(UserError, match="which no job makes"):
            parcels.keep(run, run.folder, name, ok)
    with pytest.raises(UserError, match="which no job makes"):
        parcels.keep(run, run.folder, "last.pt", b"no array")


def test_events_wait_until_they_are_seen():
    box = Outbox()
    box.put({"kind": "a"})
    box.put({"kind": "b"})
    first = box.take(0, 0.0)
    assert [event["kind"] for _, event in first] == ["a", "b"]
    assert box.take(0, 0.0) == first  # an answer that was lost comes again
    assert [event["kind"] for _, event in box.take(1, 0.0)] == ["b"]
    assert box.take(2, 0.0) == []


def test_an_excerpt_has_the_margins_of_the_last_epoch_alone(store, tmp_path):
    recorder, path = store
    for number in (1, 2):
        recorder.epoch(epoch(epoch=number))
    excerpt.copy(path, tmp_path / "small.duckdb")
    small = tmp_path / "small.duckdb"
    assert reader.margins(small, 1).empty
    assert reader.margins(small, 2).equals(reader.margins(path, 2))
    assert reader.samples(small, "train").equals(reader.samples(path, "train"))
    assert reader.meta(small) == reader.meta(path)
    assert reader.metrics(small).equals(reader.metrics(path))


@pytest.fixture
def travelled(tmp_path, monkeypatch):
    """A set in the cache, its files as pieces, and then an empty cache."""
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "here"))

    def make(folder):
        pixels = cache.allocate(folder, (5, 1, 4, 4))
        pixels[:] = np.arange(80, dtype=np.uint8).reshape(pixels.shape)
        return cache.Imported(
            ("a", "b"), pixels, np.arange(5) % 2, np.zeros(5), paths=list("vwxyz")
        )

    images = cache.fetch("toy", {"source": "made up"}, make)
    sent = [images.key, content.of(images), [*travelling.pieces(images.key)]]
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "there"))
    return sent


def test_images_arrive_as_they_were(travelled):
    key, known, pieces = travelled
    assert not travelling.found(key, known)
    arriving = Arriving(key)
    for name, piece in pieces:
        arriving.put(name, piece[:7])
        arriving.put(name, piece[7:])
    images = arriving.done(known)
    arriving.close()
    assert travelling.found(key, known)
    assert images.pixels.ravel().tolist() == list(range(80))
    assert images.classes == ("a", "b")


def test_images_that_arrive_otherwise_leave_nothing(travelled, tmp_path):
    key, known, pieces = travelled
    arriving = Arriving(key)
    for name, piece in pieces:
        arriving.put(name, piece[:-1] + b"\xff" if name == cache.PIXELS else piece)
    with pytest.raises(UserError, match="not those that were sent"):
        arriving.done(known)
    with pytest.raises(UserError, match="no images"):
        arriving.put("../run.duckdb", b"")
    arriving.close()
    assert [*(tmp_path / "there").iterdir()] == []


def test_ray_does_not_change_how_a_job_is_asked_to_stop(monkeypatch):
    def init(*_, **__):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    ray = SimpleNamespace(is_initialized=lambda: False, init=init)
    monkeypatch.setitem(sys.modules, "ray", ray)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        by_ray._connected()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_without_ray_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(UserError, match=r"pip install smd-studio\[ray\]"),
        by_ray.hired(lambda: None),
    ):
        pass


def test_an_answer_that_is_nested_without_end_or_has_a_number_beyond_all_is_unfit(store):
    recorder, _ = store
    endless = {}
    endless["deep"] = endless
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for meta in (endless, {"deep": deep}):
        with pytest.raises(Unfit):
            records.apply(recorder, {"call": "describe", "args": [meta]}, {})
    sent = records.plain("epoch", [epoch()])
    sent["args"][0]["metrics"] = [("train", "loss", 0.0, 10**400)]
    with pytest.raises(Unfit):
        records.apply(recorder, sent, {})


def test_a_node_removes_what_killed_ones_have_left(monkeypatch, tmp_path):
    for name in ("SMD_RUNS", "SMD_STATE", "SMD_NETS", "SMD_CLUSTER", "SMD_DEVICES", "SMD_TURN"):
        monkeypatch.setenv(name, "")  # as it is after this test
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    config = {"runs/a/config.json": np.frombuffer(b"{}", np.uint8)}
    order = {"run": "a", "job": "", "config": {}, "files": config}
    living, killed = Node(), Node()
    for each in (living, killed):
        each._unpacked(order)
    killed._held.close()  # as the kernel does
    last = Node()
    last._unpacked(order)
    assert {*tmp_path.iterdir()} == {living._root, last._root}
    for each in (living, last):
        each.close()
    assert [*tmp_path.iterdir()] == []
