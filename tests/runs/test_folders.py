import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smd import jobs
from smd.config.schema import AttackConfig, EstimateConfig, TrainConfig, read
from smd.errors import UserError
from smd.jobs import transitions
from smd.runs import folders
from smd.runs.folders import Run
from tests.jobs.jobbing import new_run, runs_folder

pytestmark = pytest.mark.usefixtures(runs_folder.__name__)


def test_a_new_run_has_its_config_its_provenance_and_a_telling_id(runs_folder: Path) -> None:
    run = folders.create(TrainConfig(epochs=3, device="cpu"))
    assert re.fullmatch(r"\d{8}-\d{6}-digits-smd-[0-9a-f]{4}", run.id)
    assert run.folder == runs_folder / run.id
    assert run.config == TrainConfig(epochs=3, device="cpu")
    assert (run.status.state, run.status.kind, run.status.device) == ("queued", "train", "cpu")
    assert run.status.pid == 0
    origin = json.loads(run.provenance.read_text())
    assert origin["python"].startswith("3.")
    assert set(origin["packages"]) == {"torch", "torchvision", "duckdb", "numpy"}
    assert origin["commit"] is None or re.fullmatch("[0-9a-f]{40}", origin["commit"])
    names = (run.store, run.weights, run.checkpoint, run.card, run.log, run.adv)
    assert [p.name for p in names] == [
        "run.duckdb",
        "model.safetensors",
        "last.pt",
        "README.md",
        "log.txt",
        "adv",
    ]


def test_a_claimed_run_is_this_process_own() -> None:
    run = folders.create(TrainConfig(device="cpu"), claim=True)
    assert run.status.state == "queued"
    assert transitions.owned(run.status)


def test_every_problem_is_named_and_nothing_is_made(runs_folder: Path) -> None:
    with pytest.raises(UserError, match=r"no network 'x'.*Batch size\" is -1"):
        folders.create(TrainConfig(net="x", batch=-1))
    assert not runs_folder.exists()
    run = folders.create(TrainConfig())
    with pytest.raises(UserError, match=r"no split 'y'"):
        folders.create_job(run, AttackConfig(run.id, split="y"))
    assert folders.jobs_of(run, "attack") == []


def test_own_images_are_found_from_the_job_s_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    run = folders.create(TrainConfig(data="folder", data_path="pictures"))
    assert run.config.data_path == str(tmp_path / "pictures")


def test_runs_are_listed_newest_first_with_broken_ones_but_nothing_else(runs_folder: Path) -> None:
    assert folders.all_runs() == []
    made = [folders.create(TrainConfig()) for _ in range(5)]
    (runs_folder / "notes").mkdir()
    (runs_folder / ".trash-x").mkdir()
    (runs_folder / ".trash-x" / "config.json").write_text("{}")
    (made[0].folder / "config.json").write_text("{")
    old = runs_folder / "20200101-000000-digits-std-0000"
    made[1].folder.rename(old)
    assert [r.id for r in folders.all_runs() if r.id != made[0].id] == [
        made[4].id,
        made[3].id,
        made[2].id,
        old.name,
    ]
    broken = next(r for r in folders.all_runs() if r.id == made[0].id)
    with pytest.raises(UserError, match="broken"):
        _ = broken.config


def test_attacks_are_jobs_of_their_own() -> None:
    run = folders.create(TrainConfig())
    first, second = (
        folders.create_job(run, AttackConfig(run.id, levels=(8 / 255,))) for _ in range(2)
    )
    assert re.fullmatch(r"\d{8}-\d{6}-ce-pgd-[0-9a-f]{4}", first.name)
    assert folders.jobs_of(run, "attack") == [second, first]
    assert read(AttackConfig, first / "config.json") == AttackConfig(run.id, levels=(8 / 255,))
    assert jobs.read(first).kind == "attack"
    assert folders.find_job(f"{run.id}/{first.name}") == first
    assert folders.find_job(run.id) == folders.find_job("last") == run.folder
    for text in (f"{run.id}/", f"{run.id}/..", f"{run.id}/{first.name}/.."):
        with pytest.raises(UserError, match="There is no job"):
            folders.find_job(text)


def test_estimations_are_jobs_of_their_own_beside_the_attacks() -> None:
    run = folders.create(TrainConfig())
    attack = folders.create_job(run, AttackConfig(run.id))
    first, second = (folders.create_job(run, EstimateConfig(run.id, "gem")) for _ in range(2))
    assert re.fullmatch(r"\d{8}-\d{6}-gem-[0-9a-f]{4}", first.name)
    assert first.parent == run.folder / "margins"
    assert (jobs.read(first).kind, jobs.read(first).state) == ("margins", "queued")
    assert read(EstimateConfig, first / "config.json") == EstimateConfig(run.id, "gem")
    assert folders.jobs_of(run, "attack") == [attack]
    assert folders.jobs_of(run, "margins") == [second, first]
    assert folders.jobs_of(run) == [attack, second, first]
    assert folders.find_job(f"{run.id}/{first.name}") == first
    (first / "status.json").unlink()
    assert jobs.read(first).error == "status.json is missing: resume the estimate or delete it."


def test_a_job_that_is_over_can_be_put_away_but_no_other_folder() -> None:
    run = folders.create(TrainConfig())
    for folder in (
        folders.create_job(run, AttackConfig(run.id)),
        folders.create_job(run, EstimateConfig(run.id)),
    ):
        with pytest.raises(UserError, match="cancel it first"):
            folders.dismiss(folder)
        transitions.move(folder, "cancelled")
        folders.dismiss(folder)
        assert not folder.exists()
    with pytest.raises(UserError, match="no job on a run"):
        folders.dismiss(run.folder)
    assert run.folder.exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"method": "x"},
            "There is no method 'x': choose one of pgd, gem, min-norm, fab, certified, smoothing.",
        ),
        (
            {"method": "gem", "levels": (0.1,)},
            "gem looks as far as it takes: leave the noise levels out",
        ),
        ({"method": "pgd", "levels": (0.0,)}, "The noise level 0 is outside"),
        ({"method": "pgd", "levels": (-0.1,)}, "The noise level -0.1 is outside"),
        ({"method": "pgd", "levels": (1.5,)}, "The noise level 1.5 is outside"),
        ({"method": "pgd", "norm": "L2"}, "pgd in L2 needs its noise level"),
        ({"method": "gem", "params": {"rounds": 0}}, '"Rounds" is 0: it must be at least 1.'),
        ({"split": "y"}, "There is no split 'y'"),
        ({"norm": "L1"}, "There is no norm 'L1': choose Linf or L2."),
        (
            {"n": -1, "batch": 0},
            "The number of images and their ids cannot be negative."
            ' "Batch size" is 0: it must be at least 1.',
        ),
        ({"device": "gpu"}, "There is no device 'gpu'"),
    ],
)
def test_an_impossible_estimation_is_refused_in_words(
    fields: dict[str, Any], sentence: str
) -> None:
    run = folders.create(TrainConfig())
    with pytest.raises(UserError, match=re.escape(sentence)):
        folders.create_job(run, EstimateConfig(run.id, **fields))
    assert folders.jobs_of(run, "margins") == []


def test_a_noise_level_is_written_in_one_place() -> None:
    both = EstimateConfig("r", "pgd", {"eps": 16 / 255}, (8 / 255,))
    assert (both.params, both.levels) == ({}, (8 / 255, 16 / 255))
    assert EstimateConfig("r", "pgd").levels == (8 / 255,)
    assert EstimateConfig("r", "gem").levels == ()


def test_a_run_is_found_by_id_start_end_or_as_the_last(runs_folder: Path) -> None:
    with pytest.raises(UserError, match="no runs yet"):
        folders.find("last")
    for name in ("20260101-000000-digits-smd-aaaa", "20260102-000000-digits-std-bbbb"):
        new_run().rename(runs_folder / name)
    assert (
        folders.find("20260101").id == folders.find("aaaa").id == "20260101-000000-digits-smd-aaaa"
    )
    assert folders.find("last") == folders.find("20260102-000000-digits-std-bbbb")
    with pytest.raises(UserError, match=r"More than one run matches '2026'.*aaaa"):
        folders.find("2026")
    for text in ("", "zzzz", "../20260101", "20260101-000000-digits-smd-aaaa/", ".", "digits"):
        with pytest.raises(UserError, match=r"There is no run .*20260101-000000-digits-smd-aaaa"):
            folders.find(text)


def test_a_whole_id_wins_over_longer_ones(runs_folder: Path) -> None:
    new_run().rename(runs_folder / "a")
    new_run().rename(runs_folder / "ab")
    assert folders.find("a").folder == runs_folder / "a"


@pytest.mark.parametrize("busy", ["queued", "running"])
def test_a_queued_or_running_run_is_not_deleted(busy: str) -> None:
    run = folders.create(TrainConfig(), claim=True)
    if busy == "running":
        transitions.move(run.folder, "running")
    with pytest.raises(UserError, match=f"is {busy}: cancel it"):
        folders.delete(run)
    assert run.folder.is_dir()


def test_a_run_with_a_queued_attack_is_not_deleted() -> None:
    run = folders.create(TrainConfig())
    attack = folders.create_job(run, AttackConfig(run.id))
    transitions.move(run.folder, "cancelled")
    with pytest.raises(UserError, match=f"{attack.name} is queued"):
        folders.delete(run)
    transitions.move(attack, "cancelled")
    folders.delete(run)
    assert not run.folder.exists()


def test_a_run_with_a_queued_estimation_is_not_deleted() -> None:
    run = folders.create(TrainConfig())
    folder = folders.create_job(run, EstimateConfig(run.id))
    transitions.move(run.folder, "cancelled")
    with pytest.raises(UserError, match=f"{folder.name} is queued"):
        folders.delete(run)


def test_deleting_removes_the_run_and_nothing_it_links_to(
    runs_folder: Path, tmp_path: Path
) -> None:
    run, other = folders.create(TrainConfig()), folders.create(TrainConfig())
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis").touch()
    (run.folder / "link").symlink_to(precious)
    transitions.move(run.folder, "cancelled")
    folders.delete(run)
    assert (precious / "thesis").exists()
    assert [p.name for p in runs_folder.iterdir()] == [other.id]


def test_nothing_outside_the_runs_folder_is_deleted(runs_folder: Path, tmp_path: Path) -> None:
    outside = new_run()
    transitions.move(outside, "cancelled")
    outside = outside.rename(tmp_path / "outside")
    (runs_folder / "link").symlink_to(outside)
    (runs_folder / "notes").mkdir()
    for name in ("../outside", "link", "notes", ".", "..", "nowhere"):
        with pytest.raises(UserError, match="nothing was deleted"):
            folders.delete(Run(name, runs_folder / name))
    assert (outside / "config.json").exists()
    assert (runs_folder / "notes").exists()


def test_pages_may_import_all_of_this_quickly() -> None:
    heavy = "torch", "duckdb", "streamlit", "numpy", "pandas"
    code = "import sys, smd.jobs.launch, smd.jobs.session, smd.config.commands; "
    code += f"sys.exit(bool(sys.modules.keys() & {set(heavy)}))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_ids_stay_apart_also_without_their_time(monkeypatch, tiny):
    tokens = iter(["aaaa", "aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr("smd.runs.folders.secrets.token_hex", lambda count: next(tokens))
    assert [folders.create(tiny).id[-4:] for _ in range(2)] == ["aaaa", "bbbb"]
