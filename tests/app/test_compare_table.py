"""Compare's table: what it lists, groups and shows, and what a click on a run does."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from paging import open_page, words
from storing import attack

from app.components import run_names
from app.sections import run_curves, run_listing, run_parallel, run_rows, run_table
from smd.config.schema import TrainConfig
from smd.runs import folders, notes
from smd.runs.notes import Notes
from smd.store.writer import Recorder


def test_runs_that_differ_in_defense_seed_and_fold_are_one_sweep():
    base = TrainConfig()
    sweep = [base, replace(base, defense="at", params={"eps": 0.1}), replace(base, seed=1)]
    other = [replace(base, epochs=99), replace(base, epochs=99, seed=4)]
    titles = run_listing.BY["sweep"]([*sweep, *other, replace(base, batch=7)])
    assert titles[0] == titles[1] == titles[2] != titles[3] == titles[4]
    assert titles[-1] == run_listing.ALONE
    assert "99 epochs" in titles[3]


@pytest.mark.parametrize(
    ("words", "there"),
    [("", True), ("SMD digits", True), ("ours queued", True), ("ours trades", False), ("pa", True)],
)
def test_the_filter_takes_all_words_from_anywhere(words, there):
    run = folders.create(TrainConfig())
    notes.write(run, Notes("On the bus.", ("paper",), name="Ours"))
    assert run_listing.has_words(run, notes.read(run), words) is there


def test_what_cannot_be_read_is_a_group_of_its_own_and_the_last():
    runs = [folders.create(TrainConfig(defense=name)) for name in ("std", "smd")]
    (runs[1].folder / "config.json").write_text("{}{")
    table = [(run, Notes()) for run in reversed(runs)]
    import streamlit as st

    st.session_state["group"] = "defense"
    try:
        assert list(run_listing.groups(table)) == ["STD", run_listing.UNREADABLE]
    finally:
        del st.session_state["group"]
    assert list(run_listing.groups(table)) == [""]


@pytest.mark.slow
def test_tested_accuracies_come_first_and_quick_ones_say_what_they_are_of(finished):
    smd, std = finished
    attack(Recorder(std.store), "autoattack", eps=0.0, ok=(1,) * 36 + (0,) * 4, steps=0)
    attack(Recorder(std.store), "autoattack", eps=32 / 255, ok=(1,) * 10 + (0,) * 30, steps=0)
    app = open_page("compare", group="defense", columns=[*run_rows.USUAL[:3], "id"])
    assert not app.exception
    tables = [frame.value for frame in app.dataframe if "robust (test, %)" in frame.value]
    assert [list(table["id"]) for table in tables] == [[std.id], [smd.id]]
    assert list(tables[0])[:4] == ["run", "clean (test, %)", "robust (test, %)", "attack"]
    assert tables[0]["robust (test, %)"].item() == 25
    assert "AutoAttack, 32/255, n = 40" in tables[0]["attack"].item()
    assert {"**SMD** · 1 run", "**STD** · 1 run"} <= {text.value for text in app.markdown}
    measured = [name for name in run_rows.USUAL if name.endswith("%)")]
    assert [name for name in measured if "test" not in name] == measured[2:]
    assert all("val" in name for name in measured[2:])


@pytest.mark.slow
def test_a_filter_of_the_address_leaves_out_runs(finished):
    smd, _ = finished
    app = open_page("compare", words=f"SMD {smd.id[-4:]}")
    assert app.dataframe[0].value["run"].tolist() == [smd.id]
    shown = json.loads(app.dataframe[0].proto.columns)["run"]
    assert shown["type_config"]["type"] == "button"
    assert shown["pinned"] is True
    app.text_input(key="words").set_value("nothing like it").run()
    assert "No run has these tags and words" in words(app)


def test_a_click_opens_the_run_it_is_on_whatever_stands_where(monkeypatch):
    import streamlit as st

    went = []
    monkeypatch.setattr(st, "switch_page", lambda page, query_params: went.append(query_params))
    run = folders.create(TrainConfig())
    st.session_state["clicked"] = {"row": 1, "label": "x"}
    run_table.wish("clicked", ["another", run.id])
    run_table.open_wished()
    run_table.open_wished()
    assert went == [{"run": run_names.link(run.id)}]


def test_ticks_of_other_groups_stay(monkeypatch):
    from types import SimpleNamespace

    import streamlit as st

    st.session_state["compare"] = ["a", "b", "x"]
    st.session_state["t"] = SimpleNamespace(selection=SimpleNamespace(rows=[1]))
    run_table.tick("t", ["a", "c"])
    assert st.session_state["compare"] == ["b", "x", "c"]


@pytest.mark.slow
def test_one_sentence_says_which_runs_have_no_curve_and_why(finished):
    smd, std = finished
    queued = folders.create(TrainConfig())
    chosen = [smd, std, queued]
    options = run_curves.measures(chosen)
    margins = next(title for title in options if title.startswith("mean margin"))
    read = {margins: run_curves.series([smd, std], options[margins])}
    told = run_curves.undrawn(chosen, {margins: options[margins]}, read)
    assert f"{run_names.shown(std.id)} in {margins} (the defense keeps no margins)" in told
    assert f"{run_names.shown(queued.id)} in {margins} (no epoch is done yet)" in told
    assert run_names.shown(smd.id) not in told
    assert told.count("Not drawn") == 1
    assert run_curves.undrawn([smd], {margins: options[margins]}, read) == ""


def test_only_what_varied_gets_an_axis():
    runs = [
        folders.create(TrainConfig(defense="trades", params={"beta": beta}, epochs=epochs))
        for beta, epochs in ((1.0, 5), (6.0, 5), (6.0, 9))
    ]
    table = run_parallel.varied(runs)
    assert list(table) == ["run", "epochs", "trades: beta"]
    assert table["epochs"].tolist() == [5, 5, 9]
    assert isinstance(table, pd.DataFrame)


@pytest.mark.slow
def test_a_sweep_is_drawn_from_its_validation_numbers_as_long_as_nothing_else_is_known(finished):
    smd, std = finished
    measured = run_parallel.watched([smd, std, smd])
    assert measured is None  # two runs are no picture
    app = open_page("compare")
    assert "What was varied" not in words(app)
