"""Sweeps: every run once, started again they go on, and one that fails stops nobody."""

import json
from dataclasses import replace

import pytest

from smd import __main__ as cli
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.experiments import sweep
from smd.jobs import launch, transitions
from smd.runs import folders as runs


@pytest.fixture(autouse=True)
def submitted(monkeypatch):
    """The folders that were handed to a queue; nothing is started."""
    folders = []
    monkeypatch.setattr(launch, "submit", folders.append)
    return folders


def set_state(run, state):
    transitions.write(run.folder, replace(run.status, state=state))


def wanted(seeds=(0, 1)):
    return sweep.configs(
        [TrainConfig(defense="smd", epochs=2), TrainConfig(defense="std", epochs=2)], seeds
    )


def test_each_defense_and_seed_is_one_run():
    assert [(c.defense, c.seed) for c in wanted()] == [
        ("smd", 0),
        ("smd", 1),
        ("std", 0),
        ("std", 1),
    ]
    assert len(sweep.configs([TrainConfig(), TrainConfig()], (3, 3))) == 1
    with pytest.raises(UserError, match="at least one"):
        sweep.configs([TrainConfig()], ())


def test_the_same_sweep_started_twice_trains_nothing_twice(submitted):
    first = sweep.start(wanted())
    assert [m.act for m in first] == ["queued"] * 4
    again = sweep.start(wanted((0, 1, 2)))
    assert [m.act for m in again] == ["kept", "kept", "queued"] * 2
    assert len(runs.all_runs()) == len(submitted) == 6
    assert [run.id for run in sweep.members(wanted())] == [m.run.id for m in first]


def test_what_ended_badly_is_resumed_and_what_is_finished_is_kept(submitted):
    members = sweep.start(wanted())
    for member, state in zip(members, ("finished", "failed", "cancelled", "running"), strict=True):
        set_state(member.run, state)
    set_state(members[3].run, "queued")
    acts = [m.act for m in sweep.start(wanted())]
    assert acts == ["kept", "resumed", "resumed", "kept"]
    assert len(submitted) == 6


def test_where_a_run_works_makes_no_difference():
    sweep.start([TrainConfig(device="cpu")])
    assert sweep.start([TrainConfig(device="auto")])[0].act == "kept"
    assert sweep.start([TrainConfig(recipe="official")])[0].act == "queued"


def test_one_that_is_refused_does_not_stop_the_rest(monkeypatch):
    create = runs.create

    def refuse(config, claim=False):
        if config.defense == "smd":
            raise UserError("The disk is full.")
        return create(config, claim)

    monkeypatch.setattr(runs, "create", refuse)
    members = sweep.start(wanted((0,)))
    assert [(m.act, m.reason) for m in members] == [
        ("refused", "The disk is full."),
        ("queued", ""),
    ]


def test_the_command_queues_what_is_missing(capsys):
    words = [
        "sweep",
        "--epochs",
        "2",
        "--defenses",
        "smd,std",
        "--seeds",
        "0,1",
        "--format",
        "json",
    ]
    assert cli.main(words) == 0
    assert [row["was"] for row in json.loads(capsys.readouterr().out)] == ["queued"] * 4
    assert cli.main(words) == 0
    assert [row["was"] for row in json.loads(capsys.readouterr().out)] == ["kept"] * 4


def test_a_sweep_with_an_unknown_defense_queues_nothing(capsys):
    assert cli.main(["sweep", "--defenses", "smd,hope"]) == 1
    assert "no defense 'hope'" in capsys.readouterr().err
    assert runs.all_runs() == []
