"""An embedding from the command line to the store.

What it holds, how it is queued, stopped and refused.
"""

import numpy as np
import pytest
import torch

from smd import __main__ as cli
from smd import jobs
from smd.cli import embedding as command
from smd.config import commands, schema
from smd.config.schema import EmbeddingConfig
from smd.errors import UserError
from smd.jobs.session import Cancelled, Session
from smd.runs import folders
from smd.store import reader
from smd.tasks import embedding as task
from smd.tasks.opening import network_and_images, opening


@pytest.mark.slow
def test_a_map_has_every_image_once_and_twins_of_those_that_are_right(finished, capsys):
    _, run = finished
    assert cli.main(["embed", run.id, "--n", "60", "--pairs", "20", "--eps", "32/255"]) == 0
    (row,) = reader.embeddings(run.store).to_dict("records")
    points = reader.embedding_points(run.store, row["id"])
    clean, twins = points[~points["adversarial"]], points[points["adversarial"]]
    assert (row["n"], row["split"], row["package"]) == (60, "test", "umap-learn")
    assert len(clean) == clean["idx"].nunique() == 60
    assert len(twins) == row["pairs"] == min(20, int(clean["ok"].sum()))
    assert clean.set_index("idx").loc[twins["idx"], "ok"].all()
    assert np.isfinite(points[["x", "y"]]).all().all()
    assert "32/255" in capsys.readouterr().out
    model, rows = network_and_images(run, "test", torch.device("cpu"))
    with torch.no_grad():
        pred = model.eval()(rows.take(torch.tensor(clean["idx"].to_numpy())).x).argmax(1)
    assert pred.tolist() == clean["pred"].tolist()


def test_a_job_computes_in_float32_though_pytorch_allows_convolutions_less(finished):
    _, run = finished
    folder = folders.create_job(run, EmbeddingConfig(run.id, device="cpu"))
    assert torch.backends.cudnn.allow_tf32
    with opening(EmbeddingConfig, folder):
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32


def test_the_command_that_a_page_shows_describes_the_same_map(finished):
    run, _ = finished
    asked = EmbeddingConfig(
        run.id, split="train", n=120, pairs=7, level=8 / 255, seed=3, batch=32, device="cpu"
    )
    words = commands.embedding_command(asked).split()[3:]
    assert command.config_from(cli.parser().parse_args(words), run) == asked
    words = commands.embedding_command(EmbeddingConfig(run.id)).split()[3:]
    assert command.config_from(cli.parser().parse_args(words), run) == EmbeddingConfig(run.id)


def test_a_queued_map_is_listed_and_does_its_work(finished, capsys):
    _, run = finished
    folder = folders.create_job(run, EmbeddingConfig(run.id, n=40, pairs=0, device="cpu"))
    assert jobs.read(folder).kind == "embed"
    assert folders.jobs_of(run, "embed") == [folder]
    assert folder in folders.jobs_of(run)
    cli.main(["runs"])
    assert f"{run.id}/{folder.name}" in capsys.readouterr().out
    assert cli.main(["embed", "--job", f"{run.id}/{folder.name}"]) == 0
    assert jobs.read(folder).state == "finished"
    assert reader.embeddings(run.store)["pairs"].tolist() == [0]
    assert schema.read(EmbeddingConfig, folder / "config.json").n == 40


def test_a_map_that_is_asked_to_stop_is_cancelled_and_can_be_resumed(finished, monkeypatch):
    from smd.jobs import transitions

    _, run = finished
    folder = folders.create_job(run, EmbeddingConfig(run.id, n=40, pairs=0, device="cpu"))
    with monkeypatch.context() as patch:
        patch.setattr(
            Session,
            "stopping",
            property(lambda self: True, lambda self, value: None),
            raising=False,
        )
        with pytest.raises(Cancelled):
            task.embedding_run(folder)
    assert jobs.read(folder).state == "cancelled"
    assert reader.embeddings(run.store).empty
    transitions.move(folder, "queued")
    task.embedding_run(folder)
    assert len(reader.embeddings(run.store)) == 1


@pytest.mark.slow
def test_all_images_are_on_a_map_that_asks_for_none_or_for_too_many(finished):
    _, run = finished
    images = len(reader.samples(run.store, "test"))
    for n in (0, images + 1000):
        task.embedding_run(
            folders.create_job(run, EmbeddingConfig(run.id, n=n, pairs=0, device="cpu"), claim=True)
        )
    assert reader.embeddings(run.store)["n"].tolist() == [images, images]


def test_a_log_says_how_far_its_map_can_be_trusted(finished):
    _, run = finished
    assert cli.main(["embed", run.id, "--n", "40", "--pairs", "5"]) == 0
    (folder,) = folders.jobs_of(run, "embed")
    log = (folder / "log.txt").read_text()
    assert "An embedding of 40 test images, 5 with an adversarial example, in " in log
    assert 0 < float(log.split("Its trustworthiness is ")[1].split(";")[0]) <= 1


def test_a_split_with_hardly_any_images_has_no_map():
    with pytest.raises(
        UserError, match="The val split has 9 images, too few for an embedding: choose another"
    ):
        task.chosen(EmbeddingConfig("a-run", split="val"), 9)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"split": "all"}, "There is no split 'all'"),
        ({"n": 3}, "is 3: an embedding needs at least 10 images"),
        ({"level": 8.0}, r"The noise level 8 is outside \(0, 1\]"),
        ({"pairs": -1}, "is -1"),
        ({"device": "tpu"}, "There is no device 'tpu'"),
    ],
)
def test_a_map_that_cannot_be_made_is_refused_in_one_sentence(finished, fields, sentence):
    run, _ = finished
    with pytest.raises(UserError, match=sentence):
        folders.create_job(run, EmbeddingConfig(run.id, **fields))
    assert folders.jobs_of(run, "embed") == []


def test_two_noise_levels_are_one_too_many(finished, capsys):
    run, _ = finished
    assert cli.main(["embed", run.id, "--eps", "4/255,8/255"]) == 1
    assert "--eps takes one noise level" in capsys.readouterr().err
    assert cli.main(["embed"]) == 1
    assert "Name the runs to embed" in capsys.readouterr().err
