"""The first half minute: what Train says before anything was trained, the example, a result."""

from dataclasses import replace

import duckdb
import kinds
import pandas as pd
import pytest
from paging import open_page, words
from storing import attack, estimate

from app.components import attack_time
from app.sections import result
from app.selection import baseline
from smd.config.schema import AttackConfig, TrainConfig
from smd.jobs import transitions
from smd.runs import example, folders
from smd.runs.folders import Run
from smd.store.writer import Recorder


@pytest.fixture
def brought(own_runs):
    """The example in this test's runs folder, as a first start leaves it."""
    assert example.bring()
    return {run.config.defense: run for run in folders.all_runs()}


def test_the_example_comes_once_and_goes_for_good(brought, own_runs):
    assert set(brought) == {"smd", "std"}
    assert all(run.status.state == "finished" and run.trained for run in brought.values())
    assert example.own() == []
    assert not example.bring()
    example.remove()
    assert folders.all_runs() == []
    assert not example.bring()
    assert not [path for path in own_runs.iterdir() if not path.name.startswith(".")]


def test_a_folder_with_runs_gets_no_example(own_runs):
    folders.create(TrainConfig(epochs=1))
    assert not example.bring()
    assert len(folders.all_runs()) == 1


def test_a_folder_that_takes_nothing_stays_as_it_is(own_runs, monkeypatch):
    monkeypatch.setattr(example, "only_looked_at", lambda: True)
    assert not example.bring()
    assert not own_runs.exists()


def test_the_archive_is_small_and_names_no_machine(tmp_path):
    import zipfile

    assert example.FILE.stat().st_size < 1_000_000
    with zipfile.ZipFile(example.FILE) as packed:
        names = packed.namelist()
        texts = [packed.read(name) for name in names if name.endswith((".json", ".txt", ".md"))]
    assert {name.split("/")[0] for name in names} == set(example.NAMES)
    assert not [name for name in names if name.endswith((".pt", ".lock"))]
    assert not any(b'"host"' in text or b"/tmp" in text or b"/work" in text for text in texts)


def test_a_job_on_the_example_keeps_it(brought):
    folders.create_job(brought["smd"], AttackConfig(brought["smd"].id))
    with pytest.raises(Exception, match="cancel it"):
        example.remove()


@pytest.mark.slow
def test_train_welcomes_until_there_is_a_run_of_ones_own(brought):
    app = open_page("train")
    text = words(app)
    assert "without a noise level to choose" in text and "95 % interval" in text
    assert "An example is here" in text
    assert "robust at 32/255" in text  # its result, in a line
    app.button(key="remove-example").click().run()
    assert folders.all_runs() == []
    assert "one click trains the first network" in words(app)
    folders.create(TrainConfig(epochs=1))
    assert "without a noise level to choose" not in words(open_page("train"))


@pytest.mark.slow
@pytest.mark.parametrize("view", ["live", "margins", "embedding", "attacks"])
def test_every_page_has_something_to_show_of_the_example(view, brought):
    app = open_page(view, run=brought["smd"].id)
    assert not app.exception and not app.error
    assert "example-smd" in " ".join(str(box.value) for box in app.selectbox)
    if view == "live":
        assert "Example" in " ".join(m.value for m in app.markdown)


@pytest.mark.slow
def test_a_finished_run_shows_what_came_of_it_and_a_running_one_how_it_goes(finished, request):
    smd_run, _ = finished
    app = open_page("live", run=smd_run.id)
    titles = [metric.label for metric in app.metric]
    assert {"Clean accuracy", "Robust accuracy, ε = 32/255"} <= set(titles)
    assert not {"Epoch", "Time left", "Heartbeat"} & set(titles)
    assert "n = 100" in words(app) and "3 of 3 epochs" in words(app)
    kinds.make("begun", request)
    titles = [metric.label for metric in open_page("live", run=smd_run.id).metric]
    assert {"Epoch", "Time left", "Heartbeat"} <= set(titles)
    assert "Clean accuracy" not in titles


@pytest.mark.slow
def test_the_ten_most_fragile_are_one_click_away(finished):
    run, _ = finished
    estimate(Recorder(run.store), range(1, 41), "min-norm", eps=0.0, split="test")
    app = open_page("live", run=run.id)
    app.button(key=f"fragile-{run.id}").click().run()
    assert app.title[0].value == "Samples"
    assert app.segmented_control(key="split").value == "test"
    assert "10 of 359 test images" in words(app)


@pytest.mark.slow
def test_autoattack_is_one_click_with_its_time_and_only_once(finished):
    run, _ = finished
    app = open_page("live", run=run.id)
    button = app.button(key=f"yardstick-{run.id}")
    assert button.label.startswith("AutoAttack on 100 images (about ")
    button.click().run()
    (job,) = folders.jobs_of(run, "attack")
    assert transitions.own(run.status)
    assert not [b for b in app.button if b.key == f"yardstick-{run.id}"]
    asked = folders.jobs_of(run, "attack")
    assert asked == [job]


def test_the_weakest_class_is_told_with_what_it_is_taken_for():
    """Of class 1 two of three fall, both taken for 2; of class 2 one of two."""
    rows = pd.DataFrame(
        {"label": [0, 1, 1, 1, 2, 2], "pred": [0, 1, 2, 2, 2, 0], "ok": [1, 1, 0, 0, 1, 0]}
    ).astype({"ok": bool})
    assert result._weakest(rows, ("cat", "dog", "owl")) == ("dog", 1, 3, "owl", 2)
    assert result._weakest(rows.assign(ok=True), ("cat", "dog", "owl")) is None


def test_a_result_is_of_the_strongest_attack_at_the_largest_watched_level(finished):
    run, _ = finished
    attack(Recorder(run.store), "autoattack", ok=(1,) * 9 + (0,) * 21, steps=0, eps=16 / 255)
    attack(Recorder(run.store), "autoattack", ok=(1,) * 6 + (0,) * 24, steps=0, eps=32 / 255)
    attack(Recorder(run.store), "autoattack", ok=(0,) * 30, steps=0, eps=64 / 255)
    found = result.judged(run.store, run.config.levels)
    assert (found.settings.name, found.n, found.robust, found.eps) == (
        "autoattack",
        30,
        0.2,
        32 / 255,
    )


def test_a_time_is_scaled_from_another_attack_by_what_it_costs(finished):
    run, _ = finished
    attack(Recorder(run.store), "ce-pgd", ok=(1,) * 10, steps=20, seconds=6.0, created=9e9)
    asked = AttackConfig(run.id, "ce-pgd", {"steps": 20}, levels=(8 / 255,), n=10, seeds=(0,))
    assert attack_time.of([asked], [run]) == (pytest.approx(6.0), 10)
    longer = AttackConfig(run.id, "ce-pgd", {"steps": 100}, levels=(8 / 255,), n=20, seeds=(0, 1))
    assert attack_time.of([longer], [run])[0] == pytest.approx(120.0)
    for k in range(2):  # a job of two levels: the second took a third, as images dropped out
        attack(
            Recorder(run.store),
            "ce-pgd",
            ok=(1,) * 10,
            eps=(8 + k) / 255,
            seconds=6.0 / (1 + 2 * k),
            steps=20,
            created=9.1e9 + k,
            job="two-levels",
        )
    two = AttackConfig(run.id, "ce-pgd", {"steps": 20}, levels=(8 / 255, 9 / 255), n=10, seeds=(0,))
    assert attack_time.of([two], [run])[0] == pytest.approx(8.0)
    yardstick = AttackConfig(run.id, "autoattack", levels=(8 / 255,), n=10, seeds=(0,))
    share = result.judged(run.store, (8 / 255,)).robust
    seconds, _ = attack_time.of([yardstick], [run])
    assert 0 < seconds <= 6.0 * 11_600 / 60
    assert share <= 1
    assert attack_time.of([AttackConfig(run.id, norm="L2", levels=(0.5,))], [run]) is None


def test_a_note_from_elsewhere_tells_no_time(finished):
    run, _ = finished
    attack(Recorder(run.store), "ce-cw-pgd", steps=20, note="runs=often", created=9e9)
    asked = AttackConfig(run.id, "ce-cw-pgd", levels=(8 / 255,), n=10)
    assert attack_time.of([asked], [run]) is None


@pytest.mark.slow
def test_a_network_to_compare_with_is_trained_alike_and_once(finished):
    smd_run, std_run = finished
    folders.delete(std_run)
    app = open_page("live", run=smd_run.id)
    app.button(key=f"compare-{smd_run.id}").click().run()
    assert not app.exception
    (other,) = [run for run in folders.all_runs() if run.id != smd_run.id]
    asked, own = other.config, smd_run.config
    assert (asked.defense, asked.params) == ("std", {})
    assert (asked.net, asked.epochs, asked.seed) == (own.net, own.epochs, own.seed)
    assert not [b for b in app.button if b.key == f"compare-{smd_run.id}"]


def test_the_baseline_is_the_undefended_network_on_the_same_images(finished):
    smd_run, std_run = finished
    runs = folders.all_runs()
    assert baseline.of(smd_run, runs) == std_run
    assert baseline.of(std_run, runs) == smd_run
    assert baseline.of(smd_run, [smd_run]) is None
    folders.create(TrainConfig(defense="std", epochs=1))  # has no network yet
    assert baseline.of(smd_run, folders.all_runs()) == std_run


@pytest.mark.parametrize(
    "other", [{"fold": 2}, {"folds": 3}, {"skip_broken": True}, {"spacing": "1,1,1"}]
)
def test_a_baseline_is_of_the_same_images_also_of_the_same_fold(finished, monkeypatch, other):
    smd_run, std_run = finished
    config = TrainConfig(folds=2, fold=1)
    known = {smd_run: config, std_run: replace(config, defense="std")}
    monkeypatch.setattr(baseline, "_config", known.get)
    monkeypatch.setattr(Run, "config", property(known.__getitem__))
    assert baseline.of(smd_run, [std_run]) == std_run
    known[std_run] = replace(config, defense="std", **other)
    assert baseline.of(smd_run, [std_run]) is None


def test_margins_of_images_picked_by_hand_are_no_runs_result(finished):
    run, _ = finished
    before = result.margin(run)
    estimate(Recorder(run.store), [1, 2, 3], split="test", created=9e9)
    with duckdb.connect(str(run.store)) as con:
        con.execute("UPDATE estimate SET picked = true WHERE created = 9e9")
    assert result.margin(run) == before
