"""What a person calls a run is shown on every page; links go on by its id."""

from dataclasses import replace

import pytest
from paging import open_page, words

from app.components import run_names
from app.components.plain import plain
from app.selection import sources
from smd.config.schema import TrainConfig
from smd.runs import folders, notes
from smd.runs.notes import Notes

NASTY = "Ours *8/255* <b> [x](y)"


def rename(run, name):
    notes.change(run, lambda before: replace(before, name=name))


def linked(app, key):
    """What the address names; AppTest gives one value as a text."""
    given = app.query_params[key]
    return [given] if isinstance(given, str) else given


def test_a_run_without_a_name_is_called_as_its_link():
    run = folders.create(TrainConfig())
    short = run.id.split("-", 2)[2]
    assert run_names.shown(run.id) == run_names.link(run.id) == short
    assert not run_names.named(run.id)
    assert run_names.label(run).startswith("SMD · ")


def test_a_new_name_is_seen_at_once_and_told_from_another_s():
    one, two = (folders.create(TrainConfig(seed=seed)) for seed in (0, 1))
    links = [run_names.link(run.id) for run in (one, two)]
    rename(one, "base")
    assert run_names.shown(one.id) == "base"
    rename(two, "base")
    shown = [run_names.shown(run.id) for run in (two, one)]
    assert shown == [f"base ({run.id[-4:]})" for run in (two, one)]
    rename(two, "")
    assert [run_names.shown(run.id) for run in (two, one)] == [links[1], "base"]
    assert [run_names.link(run.id) for run in (one, two)] == links
    assert run_names.label(one).startswith("base · SMD · ")


@pytest.mark.slow
def test_the_name_is_written_on_live_and_shown_in_the_list_of_runs(finished):
    run, _ = finished
    app = open_page("live", run=run.id)
    app.text_input(key=f"name-{run.id}").set_value(NASTY).run()
    assert not app.exception
    assert notes.read(run).name == NASTY
    app = open_page("live", run=run.id)
    assert app.selectbox(key="run").value == run.id
    assert NASTY in app.selectbox(key="run").options
    assert f"**{plain(run_names.label(run))}**" in words(app)
    assert linked(app, "run") == [run_names.link(run.id)]


@pytest.mark.slow
@pytest.mark.parametrize("view", ["compare", "attacks", "figures", "margins", "query"])
def test_pages_show_the_name_and_link_by_the_id(finished, view):
    run, other = finished
    rename(run, NASTY)
    app = open_page(view, run=run_names.link(run.id), compare=run_names.link(run.id))
    assert NASTY not in words(app)  # it is no Markdown
    if view == "compare":
        assert app.dataframe[0].value["run"].tolist() == [other.id, NASTY]
    elif view == "attacks":
        assert NASTY in app.multiselect(key="runs").options
        assert sorted(linked(app, "runs")) == sorted(map(run_names.link, (run.id, other.id)))
    elif view == "figures":
        assert plain(NASTY) in words(app)
    if "run" in [box.key for box in app.selectbox]:
        assert linked(app, "run") == [run_names.link(run.id)]


@pytest.mark.slow
def test_a_link_by_the_whole_id_and_one_to_none_of_several(finished):
    run, std = finished
    app = open_page("attacks", run=run.id, runs="")
    assert app.multiselect(key="runs").value == []
    app.multiselect(key="runs").set_value([std.id]).run()
    assert linked(app, "runs") == [run_names.link(std.id)]
    app.multiselect(key="runs").set_value([]).run()
    assert linked(app, "runs") == [""]
    assert linked(app, "run") == [run_names.link(run.id)]


def test_names_that_are_noted_give_way_to_nothing_of_the_notes():
    run = folders.create(TrainConfig())
    rename(run, "base")
    notes.change(run, lambda before: replace(before, tags=("paper",)))
    assert notes.read(run) == Notes(tags=("paper",), name="base")


@pytest.mark.slow
def test_margins_name_the_run_and_their_address_goes_by_its_id(finished):
    run, _ = finished
    one, *_ = sources.of(run)
    assert one.title == f"while training · SMD {run.id[-4:]}"
    rename(run, NASTY)
    (own, *_), (seen, *_) = sources.of(run), sources.of_another(run)
    assert own.title == seen.title == f"while training · {NASTY}"
    assert own.key == run.id
    assert set(sources.counts(own, 0)["run"]) == {f"epoch 3 · {NASTY}"}
