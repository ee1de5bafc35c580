"""Each tracker for real, where it is installed: what was written is read back."""

import json

import pytest

from smd.sinks.events import About, End, Epoch, Histogram, Judged

ATTACK = "attack ce-pgd 20 steps seed 0/test robust accuracy at 8/255"


def epoch(number):
    margins = {"margins found": Histogram([0, 8], [1, 3]), "margins reached": Histogram([], [])}
    return Epoch(number, 1e9 + number, {"val/robust accuracy at 8/255": number / 10}, margins)


def written(make, folder):
    """Two jobs on a run, the second of which goes on; what the second was told it holds."""
    about = About("20260101-smd-1", folder, {"data": "digits"}, {"commit": "abc"})
    end = End("finished", {"accuracies.csv": 'run,note\nr,"a, b"\n'}, "# Card")
    first = make()
    assert first.begin(about) == 0
    for number in (1, 2):
        first.epoch(epoch(number))
    first.end(end)
    second = make()
    held = second.begin(about)
    second.epoch(epoch(3))
    second.attack(Judged(3, 1e9 + 4, {ATTACK: 0.25}))
    second.end(end)
    return held


@pytest.mark.slow
def test_tensorboard(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from smd.sinks.tensorboard import TensorBoard

    assert written(TensorBoard, tmp_path) == 2
    read = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    steps = [(s.step, s.value) for s in read.Scalars("val/robust accuracy at 8/255")]
    assert steps == [(n, pytest.approx(n / 10)) for n in (1, 2, 3)]
    assert read.Scalars(ATTACK)[0].value == 0.25
    histogram = read.Histograms("margins found in 1 of 255")[0].histogram_value
    assert (histogram.num, list(histogram.bucket)[-1], histogram.max) == (4, 3, 9)


@pytest.mark.slow
def test_mlflow(tmp_path, own_runs, monkeypatch):
    for package in ("mlflow", "sqlalchemy", "alembic"):
        pytest.importorskip(package)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    from mlflow import MlflowClient

    from smd.sinks.mlflow import MLflow

    own_runs.mkdir()
    assert written(MLflow, tmp_path) == 2
    client = MlflowClient(f"sqlite:///{own_runs / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("smd-studio").experiment_id])
    history = client.get_metric_history(run.info.run_id, "val/robust accuracy at 8/255")
    assert sorted((each.step, each.value) for each in history) == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert (run.info.status, run.data.params["data"]) == ("FINISHED", "digits")
    assert run.data.tags["commit"] == "abc"
    assert run.data.metrics[ATTACK] == 0.25
    assert (own_runs / "mlruns").is_dir()
    assert any(own_runs.rglob("accuracies.csv"))


@pytest.mark.slow
def test_wandb_stays_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    from smd.sinks.wandb import WeightsAndBiases

    assert written(WeightsAndBiases, tmp_path) == 2
    parts = list((tmp_path / "wandb").glob("offline-run-*/run-20260101-smd-1.wandb"))
    assert len(parts) == 2
    rows = [row for part in parts for row in history(part)]
    third, about = WeightsAndBiases(), About("20260101-smd-1", tmp_path, {}, {})
    (tmp_path / "wandb" / parts[0].parent.name / "last-epoch.txt").write_text("0\n")  # as if killed
    held = third.begin(about)
    third.end(End("finished", {}, ""))
    assert held in (2, 3)  # that of the other part
    assert len(list((tmp_path / "wandb").glob("superseded-*"))) == 1
    accuracies = {r["_step"]: r[KEY] for r in rows if (KEY := "val/robust accuracy at 8/255") in r}
    assert accuracies == {1: 0.1, 2: 0.2, 3: 0.3}


def history(path):
    """The rows of an offline run's file."""
    from wandb.proto import wandb_internal_pb2

    for data in logged(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            yield {
                (item.key or "/".join(item.nested_key)): json.loads(item.value_json)
                for item in record.history.item
            }


def logged(file):
    """The records of a log of LevelDB after W&B's head of 7 bytes: each part has 4 bytes of
    checksum, 2 of length and 1 that is 1 or 4 where a record ends; none crosses 32 KiB."""
    at, whole = 7, b""
    while at + 7 < len(file):
        if (room := 2**15 - at % 2**15) < 7:
            at += room
            continue
        length, part = int.from_bytes(file[at + 4 : at + 6], "little"), file[at + 6]
        whole += file[at + 7 : at + 7 + length]
        at += 7 + length
        if part in (1, 4):
            yield whole
            whole = b""
