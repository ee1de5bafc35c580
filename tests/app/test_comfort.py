"""Notes, tags, pins, clones and notices: what makes a person stay."""

from dataclasses import replace

import pytest
from paging import open_page, spec, words

from app.components import notices
from smd.config.schema import TrainConfig
from smd.jobs import transitions
from smd.runs import folders, notes
from smd.runs.notes import Notes

pytestmark = pytest.mark.slow


@pytest.mark.slow
def test_notes_and_tags_are_written_where_the_run_is_looked_at(finished):
    run, _ = finished
    app = open_page("live", run=run.id)
    app.text_area(key=f"notes-{run.id}").set_value("Grows **slowly**.").run()
    app.multiselect(key=f"tags-{run.id}").set_value(["baseline"]).run()
    app.toggle(key=f"pin-{run.id}").set_value(True).run()
    assert not app.exception
    assert notes.read(run) == Notes("Grows **slowly**.", ("baseline",), True, False)
    assert "baseline" in words(open_page("live", run=run.id))


@pytest.mark.slow
def test_a_hidden_run_leaves_the_lists_and_comes_back_on_demand(finished):
    run, std = finished
    notes.write(std, Notes(hidden=True))
    app = open_page("compare")
    assert app.dataframe[0].value["run"].tolist() == [run.id]
    app.toggle(key="hidden").set_value(True).run()
    assert set(app.dataframe[0].value["run"]) == {run.id, std.id}
    assert open_page("live").selectbox(key="run").options == [run.id.split("-", 2)[2]]
    linked = open_page("live", run=std.id.split("-", 2)[2])
    assert linked.selectbox(key="run").value == std.id  # a link still opens it


@pytest.mark.slow
def test_a_pinned_run_comes_first(finished):
    run, std = finished
    notes.write(run, Notes(pinned=True))
    assert open_page("compare").dataframe[0].value["run"].tolist() == [run.id, std.id]
    notes.write(run, Notes())
    notes.write(std, Notes(pinned=True))
    assert open_page("compare").dataframe[0].value["run"].tolist() == [std.id, run.id]


def test_ticked_runs_live_in_the_address_and_can_be_pinned_and_cloned(finished):
    run, std = finished
    app = open_page("compare", compare=std.id.split("-", 2)[2])
    assert std.id.split("-", 2)[2] in app.query_params["compare"]
    app.button(key="pin").click().run()
    assert not app.exception
    assert notes.read(std).pinned
    assert not notes.read(run).pinned
    app.button(key="clone").click().run()
    assert not app.exception
    assert app.title[0].value == "Train"
    assert app.selectbox(key="train-defense").value == "std"


def test_runs_are_filtered_by_their_tags(finished):
    run, std = finished
    notes.write(run, Notes(tags=("paper", "good")))
    notes.write(std, Notes(tags=("paper",)))
    app = open_page("compare", tag=["paper", "good"])
    assert app.dataframe[0].value["run"].tolist() == [run.id]


@pytest.mark.slow
def test_smoothing_and_the_axis_are_kept_in_the_address(finished):
    run, _ = finished
    app = open_page("live", run=run.id, smooth="0.5", over="wall time")
    chart = spec(app)
    assert len(chart["layer"]) == 2
    assert chart["layer"][1]["encoding"]["x"]["title"].endswith("of training")
    assert len(spec(open_page("live", run=run.id))["layer"]) == 1


def test_a_notice_comes_once_when_a_job_has_ended():
    run = folders.create(TrainConfig())
    transitions.write(run.folder, replace(transitions.own(run.status), state="running", total=5))
    app = open_page("train")
    assert not app.toast
    transitions.move(run.folder, "failed", "The disk is full.")
    app.run()
    assert [toast.value for toast in app.toast] == [notices.words(run, run.status)]
    assert "failed: The disk is full." in app.toast[0].value
    app.run()
    assert not app.toast


def test_a_notice_names_the_kind_of_job(finished):
    from smd.config.schema import EmbeddingConfig

    run, _ = finished
    job = folders.create_job(run, EmbeddingConfig(run.id))
    app = open_page("embedding", run=run.id)
    transitions.move(job, "cancelled")
    app.run()
    assert "embedding cancelled." in app.toast[0].value
