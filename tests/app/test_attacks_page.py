"""The Attacks page: it queues what the form says, and its tables hold what the store and the paper say."""

import pytest
from storing import attack
from test_pages import open_page, words

from smd import runs
from smd.config import AttackConfig, read
from smd.jobs import launch
from smd.store.writer import Recorder


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    """Pages may queue jobs here, but nothing is started."""
    monkeypatch.setattr(launch, "wake_all", lambda: None)
    monkeypatch.setattr(launch, "submit", lambda folder: None)


def queued(run):
    return [read(AttackConfig, folder / "config.json") for folder in runs.attacks(run)]


def tables(app):
    return [frame.value for frame in app.dataframe]


def test_attack_queues_one_job_a_run(finished):
    app = open_page("attacks")
    app.number_input(key="ce-pgd-steps").set_value(5)
    app.button(key="start-attack").click().run()
    assert not app.exception
    for run in finished:
        (asked,) = queued(run)
        assert (asked.attack, asked.params, asked.seeds) == ("ce-pgd", {"steps": 5}, (0, 1, 2, 3, 4))
        assert asked.n == 359  # the page offers no more than the split has


def test_the_shown_command_asks_for_the_same(finished):
    from smd import __main__ as cli
    from smd.cli import attack as command

    app = open_page("attacks")
    app.selectbox(key="attack").select("autoattack").run()
    shown = next(c.value for c in app.code if "smd attack" in c.value)
    app.button(key="start-attack").click().run()
    args = cli.parser().parse_args(shown.split()[3:])
    assert len(args.runs) == 2
    for run in map(runs.find, args.runs):
        assert [command.config_from(args, run)] == queued(run)


def test_preview_is_a_short_ce_pgd_whatever_is_chosen(finished):
    app = open_page("attacks")
    app.selectbox(key="attack").select("autoattack").run()
    app.button(key="preview-attack").click().run()
    (asked,) = queued(finished[0])
    assert (asked.attack, asked.params["steps"], asked.seeds, asked.n) == ("ce-pgd", 20, (0,), 359)


def test_l2_asks_for_lengths(finished):
    app = open_page("attacks")
    app.segmented_control(key="norm").set_value("L2").run()
    assert app.text_input(key="eps-L2").value == "0.5"  # no level of the data set: those are of Linf
    app.text_input(key="eps-L2").set_value("0.5,1.5").run()
    assert "--norm L2" in next(c.value for c in app.code)
    app.button(key="start-attack").click().run()
    assert queued(finished[0])[0].levels == (0.5, 1.5)


def test_a_bad_noise_level_is_explained_and_nothing_is_queued(finished):
    app = open_page("attacks")
    app.text_input(key="eps-digits").set_value("8/0").run()
    assert "Noise levels: '8/0' is no noise level" in words(app)
    assert app.button(key="start-attack").disabled
    assert app.button(key="preview-attack").disabled
    assert not any("smd attack" in c.value for c in app.code)
    assert {"ce-pgd-steps", "seeds-ce-pgd", "n-digits"} <= {field.key for field in app.number_input}
    app.number_input(key="ce-pgd-steps").set_value(7).run()
    app.text_input(key="eps-digits").set_value("8/255").run()
    assert "ce-pgd:steps=7 --eps 8/255" in next(c.value for c in app.code if "smd attack" in c.value)
    assert not app.button(key="start-attack").disabled
    assert not any(runs.attacks(run) for run in finished)


def test_intervals_and_spread_stand_in_the_cells(finished):
    run, _ = finished
    for seed, ok in ((0, (1, 1, 1, 0)), (1, (1, 1, 0, 0))):
        attack(Recorder(run.store), "autoattack", ok=ok, seed=seed, steps=0)
    app = open_page("attacks")
    assert [t["8/255"].iloc[0] for t in tables(app) if "8/255" in t][-1] == 62.5
    app.segmented_control(key="shown").set_value("with intervals").run()
    assert not app.exception
    (cell,) = [t["8/255"].iloc[0] for t in tables(app) if t["8/255"].iloc[0].startswith("62.50 ± 17.68")]
    assert cell == "62.50 ± 17.68 (21.94–90.81)"


def test_doubts_are_badges_with_their_meaning(finished):
    run, _ = finished
    attack(Recorder(run.store), "autoattack", doubts={"zero-gradient": "", "square": ""}, steps=0)
    app = open_page("attacks")
    shown = " ".join(m.value for m in app.markdown)
    assert "zero gradients at 8/255" in shown
    assert "Square beats white-box at 8/255" in shown


def test_a_gap_of_more_than_two_points_is_explained(finished):
    run, _ = finished
    recorder = Recorder(run.store)
    attack(recorder, "ce-pgd", ok=(1,) * 90 + (0,) * 10, steps=100)
    attack(recorder, "ce-cw-pgd", ok=(1,) * 89 + (0,) * 11, steps=100)
    attack(recorder, "autoattack", ok=(1,) * 70 + (0,) * 30, steps=0)
    warned = [w.value for w in open_page("attacks").warning]
    (text,) = [w for w in warned if "70.00" in w]
    assert "CE-CW-PGD 89.00 %, AutoAttack 70.00 %" in text


def test_the_papers_rows_are_marked_and_can_be_hidden(finished, monkeypatch):
    from dataclasses import replace

    run, _ = finished
    attack(Recorder(run.store), "autoattack", steps=0)
    fashion = replace(run.config, data="fashion-mnist")
    monkeypatch.setattr(runs.Run, "config", property(lambda self: fashion))
    app = open_page("attacks")
    (table,) = [t for t in tables(app) if "source" in t]
    assert list(table["source"]).count("paper") == 12
    assert table[table["defense"] == "MMA20*"]["8/255"].tolist() == [81.07]
    app.toggle(key="paper").set_value(False).run()
    assert not any("source" in t for t in tables(app))
