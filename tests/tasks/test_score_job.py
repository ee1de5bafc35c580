"""The score job: what it stores, how it goes on, and the numbers that follow."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from storing import started
from torch import nn

from smd import __main__ as cli
from smd.cli import score as command
from smd.config import commands, schema, validation
from smd.config.schema import ScoreConfig
from smd.data.batches import OnDevice
from smd.errors import UserError
from smd.jobs import kinds
from smd.jobs.session import Cancelled
from smd.runs.job_titles import score as title
from smd.store import reader
from smd.tasks import score as task
from smd.tasks.opening import Opened
from smd.units import px


class Turn:
    """The session of a job that is asked to stop after so many batches."""

    def __init__(self, stop=None):
        self.stop, self.reports = stop, []

    def report(self, **fields):
        self.reports.append(fields)

    @property
    def stopping(self):
        return self.stop is not None and len(self.reports) > self.stop


def opened(path, config, session=None):
    """Scores of four test images by a linear network, as `opening` would hand them over."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    pixels = torch.randint(80, 170, (4, 1, 2, 2), dtype=torch.uint8)
    config_of_run = SimpleNamespace(levels_in=lambda norm: px(4, 8))
    run = SimpleNamespace(store=path, config=config_of_run)
    progress = SimpleNamespace(line=lambda text: None, show=lambda *about: None)
    rows = OnDevice(pixels, torch.arange(4) % 2)
    return Opened(
        run, "job", path.parent, config, model, rows, session or Turn(), progress, started(path)
    )


@pytest.fixture
def store(tmp_path):
    return tmp_path / "run.duckdb"


def stored(store):
    """Level in 1/255 -> its scores, (n, K)."""
    runs = reader.score_runs(store)
    return {
        round(255 * one.eps): reader.scores(store, one.id)
        .pivot(index="idx", columns="class", values="score")
        .to_numpy()
        for one in runs.itertuples()
    }


def test_every_level_is_stored_the_clean_one_first(store):
    task.score(opened(store, ScoreConfig("r", steps=3, batch=3)), set())
    runs = reader.score_runs(store)
    assert runs["id"].tolist() == ["job:0", "job:4/255", "job:8/255"]
    assert runs["steps"].tolist() == [0, 3, 3]
    found = stored(store)
    own = np.arange(2) == np.array([0, 1, 0, 1])[:, None]
    for near, far in ((0, 4), (4, 8)):
        assert (np.where(own, found[near] - found[far], found[far] - found[near]) > 0).all()


def test_what_it_costs_is_said_before_it_begins():
    said = task.cost(ScoreConfig("r"), 6, 200, (0.0, *px(4, 8)))
    assert said == (
        "Searching 200 test images of 6 classes at 2 noise levels: 612 passes forward and backward"
        " an image and level, 244,800 in all; --n takes fewer images."
    )


def test_zero_alone_is_the_clean_images_alone(store):
    task.score(opened(store, ScoreConfig("r", levels=(0.0,), n=2)), set())
    assert {level: found.shape for level, found in stored(store).items()} == {0: (2, 2)}


def test_a_cancelled_job_keeps_its_levels_and_goes_on_to_the_same_scores(store, tmp_path):
    config = ScoreConfig("r", steps=2, batch=3)
    whole = tmp_path / "whole.duckdb"
    task.score(opened(whole, config), set())
    with pytest.raises(Cancelled):
        task.score(opened(store, config, Turn(stop=3)), set())
    assert set(stored(store)) == {0}
    turn = Turn()
    task.score(opened(store, config, turn), set(reader.score_runs(store)["id"]))
    assert turn.reports[0]["batches"] == 8  # two levels of four images are left
    assert turn.reports[-1]["batch"] == 8
    for level, found in stored(whole).items():
        assert (stored(store)[level] == found).all()


def test_a_score_is_no_better_at_a_larger_level_though_the_search_were(store, monkeypatch):
    found = {0.0: [[1.0, -1.0]] * 4, 4 / 255: [[-2.0, 2.0]] * 4, 8 / 255: [[-1.5, 1.5]] * 4}
    monkeypatch.setattr(
        task, "worst_scores", lambda model, rows, ids, eps, *rest: np.array(found[eps])
    )
    task.score(opened(store, ScoreConfig("r")), set())
    assert stored(store)[4][0].tolist() == [-2.0, 2.0]
    assert stored(store)[8][0].tolist() == [-2.0, 2.0]  # of class 0: lower is worse
    assert stored(store)[4][1].tolist() == [1.0, -1.0]  # of class 1: no better than clean


def test_more_images_than_there_are_is_one_sentence():
    with pytest.raises(UserError, match="The test split has 4 images: ask for at most that"):
        task.chosen(ScoreConfig("r", n=5), 4)
    with pytest.raises(UserError, match="no images"):
        task.chosen(ScoreConfig("r"), 0)


def test_its_options_its_command_and_its_words_agree():
    asked = ScoreConfig("r", levels=(0.0, *px(8)), n=20, steps=10, batch=16)
    words = commands.score_command(asked).split()
    args = cli.parser().parse_args(words[words.index("score") :])
    run = SimpleNamespace(id="r", config=SimpleNamespace(norm="Linf"))
    assert command.config_from(args, run) == asked
    assert schema.from_json(ScoreConfig, schema.to_json(asked)) == asked
    assert title(asked) == "worst scores of 20 test images at clean, 8/255, 10 steps, seed 0"
    assert kinds.of_config(asked).verb == "score"


def test_what_cannot_be_searched_is_refused():
    assert validation.of_score(ScoreConfig("r", levels=(0.0, 1.0))) == []
    assert "outside (0, 1]" in validation.of_score(ScoreConfig("r", levels=(8.0,)))[0]
    assert validation.of_score(ScoreConfig("r", norm="L2")) == []  # at the data set's lengths
    assert '"Steps" is 0' in validation.of_score(ScoreConfig("r", steps=0))[0]
