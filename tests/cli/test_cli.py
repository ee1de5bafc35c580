"""The command line: exit status, sentences, tables."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from conftest import smd

from smd import __main__ as cli
from smd import registry
from smd.errors import UserError
from smd.files import durable
from smd.runs import folders, image_sets
from smd.store import query, reader


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
        (["margins", "last"], "no runs yet"),
        (["margins"], "runs"),
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


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--method", "magic"], "pgd, gem, min-norm, fab, certified, smoothing"),
        (["--method", "smoothing:samples=3"], "at least 10"),
        (["--method", "smoothing:alpha=0.6"], "at most 0.5"),
        (["--method", "pgd:rounds=3"], "eps"),
        (["--method", "pgd", "--eps", "0"], "outside (0, 1]"),
        (["--method", "pgd:eps=0"], "outside (0, 1]"),
        (["--method", "pgd", "--eps", "2"], "outside [0, 1]"),
        (["--method", "pgd", "--eps=-1/255"], "outside [0, 1]"),
        (["--method", "pgd", "--eps", ","], "8/255"),
        (["--eps", "8/255"], "choose pgd"),
        (["--n", "-3"], "cannot be negative"),
    ],
)
def test_an_impossible_estimation_is_refused_and_leaves_no_job(finished, words, hint, capsys):
    run, _ = finished
    assert run_cli("margins", run.id, *words) == 1
    (last,) = capsys.readouterr().err.strip().splitlines()
    assert hint in last
    assert folders.jobs_of(run, "margins") == []


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


def test_runs_lists_the_estimations_of_a_run(finished, capsys):
    from smd.config.schema import EstimateConfig

    run, _ = finished
    job = folders.create_job(run, EstimateConfig(run.id))
    assert run_cli("runs", "--format", "json") == 0
    states = {row["run"]: row["state"] for row in json.loads(capsys.readouterr().out)}
    assert states[f"{run.id}/{job.name}"] == "queued"
    assert run_cli("cancel", f"{run.id}/{job.name}") == 0
    assert folders.jobs.read(job).state == "cancelled"


@pytest.mark.slow
def test_an_attack_reads_both_spellings_and_prints_its_table(finished, capsys):
    smd_run, std_run = finished
    words = [
        "--attack",
        "ce-pgd:steps=5",
        "--eps",
        "8/255,0.0627451",
        "--n",
        40,
        "--format",
        "json",
    ]
    assert run_cli("attack", smd_run.id, std_run.id, *words) == 0
    rows = json.loads(capsys.readouterr().out)
    table = reader.attack_table(smd_run.store)
    own = table[(table["steps"] == 5) & (table["n"] == 40)]
    assert [round(255 * e, 2) for e in own["eps"]] == [0, 8, 16]
    assert own["accuracy"].is_monotonic_decreasing
    assert len(rows) >= 2


def test_attacking_more_images_than_there_are_is_refused_with_their_number(finished, capsys):
    run, _ = finished
    assert (
        run_cli("attack", run.id, "--attack", "ce-pgd:steps=1", "--eps", "8/255", "--n", 10**6) == 1
    )
    assert f"the test split has {len(reader.samples(run.store, 'test'))}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--eps", "0"], "outside"),
        (["--eps", "-0.1"], "outside"),
        (["--eps", "1.5"], "outside"),
        (["--eps", ","], "names no noise level"),
        (["--norm", "L2", "--eps", "-1"], "no length"),
        (["--seeds", "-1"], "cannot be negative"),
        (["--keep", "-1"], "at least 0"),
        (["--attack", "autoattack:steps=5"], "no parameter of attack 'autoattack'"),
        (["--attack", "ce-cw-pgd:runs=0"], "at least 1"),
    ],
)
def test_a_bad_attack_is_refused_in_a_sentence(finished, words, reason, capsys):
    run, _ = finished
    assert run_cli("attack", run.id, *words) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.slow
def test_a_preview_is_a_short_attack_on_few_images(finished):
    run, _ = finished
    assert (
        run_cli(
            "attack",
            run.id,
            "--attack",
            "autoattack",
            "--eps",
            "8/255",
            "--preview",
            "--device",
            "cpu",
        )
        == 0
    )
    newest = reader.attack_runs(run.store).iloc[-1]
    assert (newest["name"], newest["steps"], newest["seed"]) == ("ce-pgd", 20, 0)
    assert newest["n"] == min(500, len(reader.samples(run.store, "test")))


def test_tables_leave_as_latex_parquet_and_robustbench(finished, capsys, tmp_path):
    run, _ = finished
    assert run_cli("export", run.id, "--format", "latex", "--intervals") == 0
    assert r"\toprule" in capsys.readouterr().out
    assert run_cli("export", run.id, "--format", "parquet") == 1
    assert "--out" in capsys.readouterr().err
    out = tmp_path / "table.parquet"
    assert run_cli("export", run.id, "--format", "parquet", "--out", out) == 0
    table = reader.attack_table(run.store)
    test = table[table["split"] == "test"]
    assert [*pd.read_parquet(out)["8/255"]] == [
        round(100 * a, 2) for a in test[test["eps"].round(4) == 0.0314]["accuracy"]
    ]
    assert run_cli("export", run.id, "--format", "robustbench") == 0
    assert json.loads(capsys.readouterr().out)["eps"] == "32/255"


def test_balanced_accuracy_is_exported_as_what_it_is(finished, capsys):
    run, _ = finished
    for form in ("markdown", "latex", "text"):
        assert run_cli("export", run.id, "--balanced", "--intervals", "--format", form) == 0
        told = capsys.readouterr().out
        assert "Balanced accuracy in" in told and "interval of a bootstrap over images;" in told
        assert "Bold" not in told
    assert run_cli("export", run.id, "--balanced", "--format", "csv") == 0
    told = capsys.readouterr()
    assert "Balanced accuracy in %" in told.err and "Balanced" not in told.out
    assert run_cli("export", run.id, "--format", "markdown") == 0
    assert "Bold: better than every other row" in capsys.readouterr().out


def test_published_rows_stand_beside_ours_and_are_marked(finished, capsys, monkeypatch):
    from dataclasses import replace

    from smd.runs.folders import Run

    run, _ = finished
    cifar = replace(run.config, data="cifar10")
    monkeypatch.setattr(Run, "config", property(lambda self: cifar))
    assert run_cli("export", run.id, "--published", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["source"] for row in rows].count("paper") == 54
    assert rows[0]["source"] == "ours"


@pytest.mark.slow
def test_an_attack_on_named_images_keeps_the_adversarial_twins_of_those_it_could_attack(finished):
    from smd.evaluation import examples

    run, _ = finished
    words = ["--attack", "ce-pgd:steps=3", "--split", "train", "--eps", "8/255", "--seeds", "0"]
    assert run_cli("attack", run.id, *words, "--ids", ",".join(map(str, range(300)))) == 0
    job = reader.attack_runs(run.store).iloc[-1]["job"]
    stage = reader.attack_results(run.store, f"{job}:8/255:0").set_index("idx")["stage"]
    kept = examples.read(run.adv / f"{job}_8-255_0.npz").idx
    assert len(stage) == 300
    assert 0 < len(kept) <= 256
    # what is misclassified without noise is not attacked
    assert set(kept) <= set(stage.index[stage != 0])


def test_a_named_set_of_images_is_attacked(finished, capsys):
    run, _ = finished
    image_sets.add(run, "odd", "train", [11, 4])
    words = ["--attack", "ce-pgd:steps=1", "--eps", "8/255", "--seeds", "0", "--ids", "odd"]
    assert run_cli("attack", run.id, *words) == 1
    assert "add --split train" in capsys.readouterr().err
    assert run_cli("attack", run.id, *words, "--split", "train") == 0
    last = reader.attack_runs(run.store).iloc[-1]
    assert (last["n"], bool(last["picked"])) == (2, True)
    assert list(reader.attack_results(run.store, last["id"])["idx"]) == [4, 11]


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


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "json", "latex", "markdown", "text"])
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
    assert folders.all_runs() == []


LONG = "x/" * 5000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["train", "--data", "folder", "--path", "~nobody-has-it/x"],
            "There is nothing at ~nobody",
        ),
        (["train", "--data", "folder", "--path", "y" * 300], "There is nothing at yyy"),
        (["train", "--data", "folder", "--path", ".", "--labels", "~nobody-x/t.csv"], "nothing at"),
        (["train", "--data", "folder", "--path", ".", "--labels", LONG + ".csv"], "nothing at"),
        (["train", "--data", "folder", "--path", ".", "--image-size", "99999999"], "at most 16384"),
        (["train", "--defense", ""], "There is no defense ''"),
        (["train", "--batch", "9" * 23], '"Batch size" is 99999999999999999999999'),
        (["import", ""], "An import needs the file"),
        (["import", "~nobody-has-it/x.pt"], "There is nothing at"),
        (["import", "z" * 300], "There is nothing at"),
        (["reproduce", "table2b", "--seeds", ""], "There are no seeds"),
        (["app", "--port", "99999"], "There is no port 99999"),
        (["app", "--port", "-1"], "There is no port -1"),
        (["app", "--address", "nowhere.invalid"], "has no address"),
        (["app", "--address", ""], "has no address"),
        (["work", "--device", "foo"], "There is no device 'foo'"),
        (["export", "last", "--epoch", "9" * 30], "--epoch is of"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(
    smd_here, tmp_path, monkeypatch, words, said
):
    monkeypatch.setenv("SMD_RUNS", str(tmp_path / "runs"))
    done = smd_here(*words, check=False)
    assert done.returncode == 1 and said in done.stderr
    assert "Error" not in done.stderr and len(done.stderr.splitlines()) == 1
    assert not list((tmp_path / "runs").glob("*"))


@pytest.mark.parametrize(
    "bounds",
    [(0, 1.0), (-1, 1.0), (10**23, 1.0), *((9, float(s)) for s in ("nan", "inf", "-1", "0"))],
)
def test_the_bounds_of_a_query_are_numbers_that_mean_something(tmp_path, bounds):
    with pytest.raises(UserError, match=r"The limit must be|A query may take"):
        query.ask(tmp_path / "run.duckdb", "SELECT 1", *bounds)


@pytest.mark.parametrize(
    "words", [["report", "last"], ["export", "last"], ["reproduce", "table2b"]]
)
def test_an_empty_place_to_write_to_is_refused(smd_here, capsys, words):
    with pytest.raises(SystemExit):
        smd_here(*words, "--out", "")
    assert "name a place to write to" in capsys.readouterr().err


def test_a_network_of_any_dimensions_says_what_sizes_it_takes():
    flat = replace(registry.NETWORKS["small-cnn"], dims=0)
    assert "pixels" in registry.size_problem(flat, 10**9)


def test_a_place_that_is_a_folder_is_not_written_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (Path(), Path()):
        with pytest.raises(OSError, match="directory"):
            durable.write(place, "x")
