"""The command line: exit status, sentences, tables."""

import json

import pytest
from conftest import smd

from smd import __main__ as cli
from smd import runs
from smd.store import reader


def run_cli(*words):
    return cli.main([str(w) for w in words])


@pytest.mark.parametrize("words", [[], ["train", "--epochs", "many"], ["nonsense"], ["export"]])
def test_wrong_usage_is_status_2(words, capsys):
    with pytest.raises(SystemExit) as left:
        run_cli(*words)
    assert left.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["train", "--defense", "magic"], "smd, std"),
        (["train", "--defense", "smd:eps=8/255"], "preset"),
        (["train", "--net", "resnet"], "wrn-28-4"),
        (["train", "--net", "svhn-cnn"], "25 to 64 pixels"),
        (["train", "--epochs", "-3"], "at least 1"),
        (["train", "--device", "gpu"], "cuda"),
        (["train", "--device", "cuda:7"], "device"),
        (["attack", "last"], "no runs yet"),
        (["attack"], "runs"),
        (["cancel", "last"], "no runs yet"),
        (["export", "20250101"], "no runs yet"),
    ],
)
def test_what_fails_says_what_to_do_in_one_line(words, hint, capsys):
    assert run_cli(*words) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("smd: ")
    assert hint in last


@pytest.mark.parametrize("eps", ["0", "-1/255", "2", "8/0", "eight"])
def test_impossible_noise_levels_are_refused(finished, eps, capsys):
    assert run_cli("attack", "last", f"--eps={eps}") == 1
    assert "noise level" in capsys.readouterr().err


def test_help_tells_units_and_defaults(capsys):
    with pytest.raises(SystemExit) as left:
        run_cli("attack", "--help")
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert "8/255" in text
    assert "(256)" in text


def test_an_empty_store_lists_as_an_empty_table(capsys):
    assert run_cli("runs", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_runs_lists_every_run_and_its_attacks(finished, capsys):
    assert run_cli("runs", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["run"] for row in rows} == {run.id for run in finished}
    assert {row["state"] for row in rows} == {"finished"}


def test_an_attack_reads_both_spellings_and_prints_its_table(finished, capsys):
    smd_run, std_run = finished
    words = ["--attack", "ce-pgd:steps=5", "--eps", "8/255,0.0627451", "--n", 40, "--format", "json"]
    assert run_cli("attack", smd_run.id, std_run.id, *words) == 0
    rows = json.loads(capsys.readouterr().out)
    table = reader.attack_table(smd_run.store)
    own = table[(table["steps"] == 5) & (table["n"] == 40)]
    assert [round(255 * e, 2) for e in own["eps"]] == [0, 8, 16]
    assert own["accuracy"].is_monotonic_decreasing
    assert len(rows) >= 2


def test_attacking_more_images_than_there_are_takes_all(finished):
    run, _ = finished
    assert run_cli("attack", run.id, "--attack", "ce-pgd:steps=1", "--eps", "8/255", "--n", 10**6) == 0
    table = reader.attack_table(run.store)
    assert set(table[table["steps"] == 1]["n"]) == {len(reader.samples(run.store, "test"))}


def test_an_attack_on_named_images_keeps_their_adversarial_twins(finished):
    from smd import adv

    run, _ = finished
    assert run_cli("attack", run.id, "--attack", "ce-pgd:steps=3", "--split", "train", "--ids", "7,290") == 0
    assert adv.find(run.folder, "train", 290)


def test_a_sample_that_does_not_exist_is_refused(finished, capsys):
    run, _ = finished
    assert run_cli("attack", run.id, "--ids", "100000") == 1
    assert "no sample 100000" in capsys.readouterr().err


def test_exported_margins_are_those_of_the_store(finished, capsys):
    run, _ = finished
    assert run_cli("export", run.id, "--table", "margins", "--format", "csv") == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 301
    assert lines[0].startswith("id,")


@pytest.mark.parametrize("form", ["csv", "json", "markdown", "text"])
@pytest.mark.parametrize("table", ["accuracy", "epochs", "margins", "histogram"])
def test_every_table_prints_in_every_format(finished, table, form, capsys):
    assert run_cli("export", "last", "--table", table, "--format", form) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 1


def test_delete_asks_or_wants_yes(finished, capsys, monkeypatch):
    run, _ = finished
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert run_cli("delete", run.id) == 1
    assert run.folder.exists()
    assert run_cli("delete", run.id, "--yes") == 0
    assert not run.folder.exists()


def test_with_no_option_both_defenses_would_train(monkeypatch):
    asked = []
    monkeypatch.setattr("smd.cli.train._here", lambda configs, form: asked.extend(configs))
    assert run_cli("train") == 0
    assert [config.defense for config in asked] == ["smd", "std"]
    assert len({(c.data, c.net, c.epochs, c.seed, c.batch) for c in asked}) == 1


def test_debug_shows_the_traceback():
    done = smd("--debug", "export", "last", check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert runs.all_runs() == []
