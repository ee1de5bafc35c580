"""Clinical numbers on Attacks and Compare, and the form that queues a search for scores."""

import pytest
from paging import open_page, words
from storing import attack

from smd.config.schema import ScoreConfig, read
from smd.runs import folders
from smd.store import reader
from smd.store.writer import Recorder

pytestmark = pytest.mark.slow


@pytest.fixture
def attacked(finished):
    """The two runs; the first is attacked by AutoAttack, too."""
    store = finished[0].store
    labels = reader.sample_facts(store, "test")["label"].to_numpy()[:40]
    verdicts = {"labels": labels, "wrong": (labels + 1) % 10}
    attack(Recorder(store), "autoattack", ok=(1,) * 30 + (0,) * 10, steps=0, **verdicts)
    return finished


def with_column(app, name):
    return [frame.value for frame in app.dataframe if name in frame.value]


def test_attacks_tells_them_by_level_and_class_and_queues_a_search(attacked):
    run, _ = attacked
    app = open_page("attacks", run=run.id, split="test")
    (levels,), (classes,) = (with_column(app, f"{n} (%)") for n in ("balanced accuracy", "PPV"))
    assert levels["noise level"].iloc[0] == "clean"
    assert "AutoAttack" in levels.set_index("noise level").loc["8/255 (at most)", "from"]
    assert len(classes) == 10
    assert "so no AUC" in words(app)
    assert "Two searches for each of 10 classes, of 51 passes each: 1,020 passes" in words(app)
    app.number_input(key=f"score-n-{run.id}-test").set_value(7)
    app.button(key="start-score").click().run()
    assert not app.exception
    (folder,) = folders.jobs_of(run, "score")
    asked = read(ScoreConfig, folder / "config.json")
    assert (asked.n, asked.split, asked.levels) == (7, "test", run.config.levels)


def test_images_that_no_attack_has_seen_point_to_those_that_one_has(attacked):
    app = open_page("attacks", run=attacked[0].id, split="val")
    assert "of the validation images of this run there are none" in words(app)
    app.button(key="clinical-show-test").click().run()
    assert with_column(app, "balanced accuracy (%)")


def test_compare_puts_runs_side_by_side_and_names_those_that_lack_the_attack(attacked):
    _, std = attacked
    app = open_page("compare")
    table = with_column(app, "balanced accuracy (%)")[-1]
    assert table["noise level"].tolist()[:2] == ["clean", "clean"]
    assert len(table) == 4
    app.selectbox(key="clinical-of").select("autoattack").run()
    assert not app.exception
    table = with_column(app, "balanced accuracy (%)")[-1]
    assert set(table["defense"]) == {"SMD"}
    assert any(std.id in code.value and "autoattack" in code.value for code in app.code)
