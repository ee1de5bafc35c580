"""The paper's tables as plans, and one made twice: nothing is trained or attacked twice."""

import json
import math
from dataclasses import replace

import pandas as pd
import pytest
import storing

from smd import __main__ as program
from smd import jobs
from smd.cli import reproduce as command
from smd.config import validation
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.experiments import paired, published, reproduce
from smd.experiments.reproduce import BUDGETS, Budget, Table
from smd.export import defense_title
from smd.jobs import launch, transitions
from smd.runs import folders as runs
from smd.store.writer import Recorder


@pytest.mark.parametrize("name", reproduce.names())
def test_a_full_table_has_the_papers_rows_in_its_order(name):
    table = reproduce.plan(f"table{name}", BUDGETS["full"])
    printed = published.printed()
    rows = printed[printed["table"] == name]
    assert [defense_title(config) for config in table.configs] == list(rows["defense"])
    assert {config.data for config in table.configs} == set(rows["data"])
    assert {config.net for config in table.configs} == set(rows["net"])
    assert {config.epochs for config in table.configs} == {150}
    assert {(0.0, *config.levels) for config in table.configs} == {tuple(published.LEVELS.values())}
    assert table.attack == rows["attack"].iloc[0]
    assert all(validation.of_training(config) == [] for config in table.configs)


def test_a_full_table_is_attacked_as_the_paper_does(own_runs):
    table = reproduce.plan("table2b", BUDGETS["full"])
    asked = table.attack_on(runs.create(table.configs[0]))
    assert (asked.attack, asked.split, asked.n) == ("autoattack", "test", 0)
    assert len(asked.seeds) == published.SEEDS["autoattack"]


def test_the_budget_of_a_cpu_has_a_row_of_each_kind_and_is_attacked_level_by_level(own_runs):
    table = reproduce.plan("table2b", BUDGETS["cpu"])
    titles = ["STD", "AT8*", "AT4", "FAT8*", "TR-b6-8*", "MMA12*", "SMD"]
    assert [defense_title(config) for config in table.configs] == titles
    asked = table.attack_on(runs.create(table.configs[0]))
    assert (asked.n, asked.seeds, asked.sound) == (500, (0,), False)


def test_budgets_and_options_take_less():
    first = reproduce.plan("table2b", BUDGETS["first"], seeds=(0, 1))
    assert [(defense_title(c), c.seed) for c in first.configs] == [
        (title, seed) for title in ("STD", "AT8*", "TR-b6-8*", "SMD") for seed in (0, 1)
    ]
    words = ["table2b", "--budget", "quick", "--rows", "smd,MMA20,AT8*", "--epochs", "3"]
    args = program.parser().parse_args(["reproduce", *words])
    table = command.table_from(args)
    assert [defense_title(c) for c in table.configs] == ["AT8*", "MMA20*", "SMD"]
    assert {(c.epochs, c.n_train) for c in table.configs} == {(3, BUDGETS["quick"].n_train)}
    assert table.budget.attack_seeds == (0,)


@pytest.fixture
def ended(monkeypatch):
    """Jobs end at once, in the state given for their folder's defense or attack; nothing is
    started."""
    states = {}

    def end(folder):
        state = next((state for word, state in states.items() if word in folder.name), "finished")
        transitions.write(folder, replace(jobs.read(folder), state=state, error=f"It is {state}."))

    monkeypatch.setattr(launch, "submit", end)
    return states


def test_what_fails_stops_nobody_and_is_named(own_runs, ended):
    table = reproduce.plan("table2b", Budget(rows=("STD", "SMD")))
    ended["std"] = "failed"
    done, failed = command.make(table)
    assert [run.config.defense for run in done] == ["smd"]
    assert failed == ["STD, seed 0 is failed: It is failed."]


def test_an_attack_that_had_stopped_is_resumed_and_others_are_not_taken_for_it(own_runs, ended):
    table = reproduce.plan("table2b", Budget(rows=("SMD",)))
    ended["autoattack"] = "cancelled"
    assert command.make(table)[1] == ["the attack on SMD, seed 0 is cancelled: It is cancelled."]
    ended["autoattack"] = "finished"
    (run,), failed = command.make(table)
    assert failed == []
    (folder,) = runs.jobs_of(run, "attack")
    asked = table.attack_on(run)
    assert reproduce.attack_of(run, replace(asked, batch=64, device="cpu")) == folder
    assert [
        reproduce.attack_of(run, other)
        for other in (replace(asked, n=50), replace(asked, seeds=(0,)))
    ] == [None] * 2


def test_what_there_is_not_is_said_with_what_there_is():
    with pytest.raises(UserError, match=r"choose one of table1a, .*table2b"):
        reproduce.plan("table9", Budget())
    with pytest.raises(UserError, match=r"has no row AT5: choose of STD, AT8\*"):
        reproduce.plan("table2b", Budget(rows=("STD", "AT5")))


def small_table(epochs=1, n_train=100, seeds=(0,)):
    """STD and SMD on few digits, 20 of which are attacked."""
    base = TrainConfig(epochs=epochs, n_train=n_train, n_test=20, device="cpu")
    configs = tuple(
        replace(reproduce.config_of(title, base), seed=seed)
        for title in ("STD", "SMD")
        for seed in seeds
    )
    budget = Budget(epochs=epochs, n_train=n_train, n_test=20, attack_seeds=(0,))
    return Table("2b", "ce-pgd", configs, budget)


@pytest.mark.slow
def test_a_table_made_twice_trains_and_attacks_once(own_runs, tmp_path):
    table = small_table(epochs=2, n_train=200)
    done, failed = command.make(table)
    assert failed == []
    folders = {run.id: runs.jobs_of(run, "attack") for run in runs.all_runs()}
    assert [len(each) for each in folders.values()] == [1, 1]
    again, failed = command.make(table)
    assert ([run.id for run in again], failed) == ([run.id for run in done], [])
    assert {run.id: runs.jobs_of(run, "attack") for run in runs.all_runs()} == folders

    command.write(tmp_path / "out", table, done, ["FAT8*, seed 0 is failed: it diverged"])
    text = (tmp_path / "out" / "table.md").read_text()
    assert [line.count("|") > 3 for line in text.splitlines()] == [True] * 4 + [False] * 2
    below = text.splitlines()[-1]
    assert "by a paired test" in below
    assert "2 epochs on 200 training images (small-cnn)" in below
    assert "CE-PGD on 20 test images, seeds 0" in below
    assert below.count("Missing: FAT8*, seed 0 is failed: it diverged.") == 1
    assert text.count("–") == 8  # an interval for each accuracy
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert [run["defense"] for run in about["runs"]] == ["STD", "SMD"]
    for run in about["runs"]:
        assert run["training_s"] > 0
        assert list(run["attack_s"]) == ["0", "8/255", "16/255", "32/255"]
        assert (run["n_test"], run["attack_seeds"], run["commit"]) == (20, [0], about["commit"])
        assert run["attack_by"]
        assert (run["net"], run["batch"]) == ("small-cnn", 128)
    assert about["missing"] == ["FAT8*, seed 0 is failed: it diverged"]
    assert "torch" in about["packages"]
    assert about["cores"] > 0
    pairs = pd.read_csv(tmp_path / "out" / "paired.csv")
    assert list(pairs["eps"]) == ["0", "8/255", "16/255", "32/255", "Avg."]
    assert set(pairs["defense"] + " " + pairs["against"]) == {"SMD STD"}
    assert set(pairs["n"]) == {20}
    mean = pairs.set_index("eps").loc["Avg."]
    assert mean["p_holm"] == mean["p"]  # one opponent alone
    assert pairs["p_holm"].notna().sum() == 1
    ours = pd.read_csv(tmp_path / "out" / "table.csv").set_index("defense")
    for row in pairs.itertuples():
        assert row.difference == pytest.approx(
            float(ours.loc["SMD", row.eps]) - float(ours.loc["STD", row.eps]), abs=0.02
        )
        assert row.low <= row.difference <= row.high
        if row.eps != "Avg.":  # an image is withstood or not
            assert row.difference == pytest.approx(100 * (row.only_it - row.only_other) / 20)


def test_ours_stand_above_the_papers_rows(own_runs):
    table = reproduce.plan("table2b", BUDGETS["first"])
    rows, bold = reproduce.beside_the_papers(table, [])
    assert bold.shape == rows.shape
    assert not bold.to_numpy().any()
    assert list(rows["defense"]) == ["STD", "AT8*", "TR-b6-8*", "SMD"]
    assert set(rows["source"]) == {"paper"}
    assert float(rows.set_index("defense").loc["SMD", "8/255"]) == 83.38


@pytest.mark.slow
def test_other_attacks_on_a_run_leave_its_pairs_as_they_were(own_runs):
    """Averaged weights are another network; what took verdicts over tells of no pair."""
    table = small_table()
    done, failed = command.make(table)
    assert failed == []
    before = paired.against(table, done)
    assert list(before["eps"]) == ["0", "8/255", "16/255", "32/255", "Avg."]
    steps = published.STEPS["ce-pgd"]  # as the table's own attack
    for note in ("weights=ema", "sound=yes"):
        for run in done:
            for eps in (8 / 255, 4 / 255):
                storing.attack(
                    Recorder(run.store), "ce-pgd", ok=(0,) * 20, steps=steps, eps=eps, note=note
                )
    pd.testing.assert_frame_equal(paired.against(table, done), before)
    missing = paired.against(table, done[:1])
    assert missing.empty
    assert "no finished run" in paired.told(missing)
    assert "another seed of the training may end otherwise" in paired.told(before)


def test_a_small_p_is_printed_as_less_than_the_least():
    rows = pd.DataFrame({"p": [1e-7, 0.25, None], "p_holm": [math.nan, 0.5, math.nan]})
    shown = paired.printed(rows)
    assert shown["p"].tolist() == ["< 0.0001", "0.2500", ""]
    assert shown["p_holm"].tolist() == ["", "0.5000", ""]


@pytest.mark.slow
def test_several_seeds_are_paired_each_and_on_their_mean(own_runs):
    table = small_table(seeds=(0, 1))
    done, failed = command.make(table)
    assert failed == []
    rows = paired.against(table, done)
    assert list(rows["seed"].unique()) == ["0", "1", "mean of 0, 1"]
    clean = rows[rows["eps"] == "0"].set_index("seed")
    differences = clean["difference"].loc[["0", "1"]]
    mean = clean.loc["mean of 0, 1"]
    assert mean["difference"] == pytest.approx(differences.mean(), abs=0.01)
    assert mean["spread"] == pytest.approx(differences.std(), abs=0.01)
    assert rows.loc[rows["seed"] != "mean of 0, 1", "spread"].isna().all()
    assert rows.loc[rows["eps"] == "Avg.", "p_holm"].notna().all()
