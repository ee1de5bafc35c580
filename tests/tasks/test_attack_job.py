"""The attack job as a process.

Killed in every one of AutoAttack's attacks, it ends with the very same table.
"""

import errno
import json
import os
import signal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from waiting import until

from smd import jobs
from smd.__main__ import main
from smd.config.schema import AttackConfig
from smd.errors import UserError
from smd.evaluation import examples as adv
from smd.evaluation import state
from smd.jobs import launch
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders
from smd.store import reader
from smd.tasks import attack

STAGES = ("apgd-ce", "apgd-t", "fab-t", "square")
ASKED = {
    "attack": "autoattack",
    "levels": (32 / 255,),
    "n": 60,
    "batch": 16,  # some 24 withstand the first attack: two batches of each other one
    "seeds": (0,),
    "device": "cpu",
}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """The network is so small that threads only wait for each other."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def of_four(tmp_path, own_runs):
    """A network that tells the digits 0 to 3 apart: the fewest classes that all four attacks are
    made for, so that the targeted ones take a third of the time."""
    stored = np.load(REPOSITORY / "smd" / "data" / "digits.npz")
    few = stored["labels"] < 4
    images = np.round(stored["images"][few] * (255 / 16)).astype(np.uint8)
    np.savez(tmp_path / "four.npz", images=images, labels=stored["labels"][few])
    words = ("--path", str(tmp_path / "four.npz"), "--defense", "std", "--epochs", "10")
    assert main(["train", "--data", "folder", *words, "--n-margins", "0", "--device", "cpu"]) == 0
    return folders.all_runs()[0]


def half_done(folder):
    """(stage, samples judged in it) of what is being judged."""
    try:
        with np.load(folder / "judging.npz") as file:
            values = json.loads(str(file["values"]))
    except FileNotFoundError:
        return 0, 0
    return values["doing"], values["done"]


def killed_in(stage, folder):
    """Let the job run into the middle of a stage, then kill it; returns how far it had come."""
    until(lambda: (half_done(folder)[0] >= stage and half_done(folder)[1] > 0) or over(folder))
    os.kill(jobs.read(folder).pid, signal.SIGKILL)
    until(lambda: jobs.read(folder).state == "lost")
    return half_done(folder)


def over(folder):
    return jobs.read(folder).state not in ("queued", "running")


def results(run, job):
    """All that is stored of a job, without times and its name."""
    rows = reader.attack_runs(run.store)
    own = rows[rows["job"] == job]
    verdicts = [
        reader.attack_results(run.store, each).assign(level=each.split(":")[1])
        for each in own["id"]
    ]
    stages = reader.attack_stages(run.store)
    stages = stages[stages["attack_id"].isin(own["id"])].drop(columns=["attack_id", "seconds"])
    return pd.concat(verdicts, ignore_index=True), stages.reset_index(drop=True)


@pytest.mark.slow(20)
def test_killed_in_each_of_the_four_attacks_it_ends_with_the_same_table(of_four):
    run = of_four
    whole = attacked(folders.create_job(run, AttackConfig(run.id, **ASKED), claim=True))
    folder = folders.create_job(run, AttackConfig(run.id, **ASKED))
    launch.submit(folder)
    met = []
    for stage in (1, 2, 3, 4):
        met.append(killed_in(stage, folder))
        launch.resume(folder)
    assert launch.wait(folder, 300).state == "finished", launch.log_tail(folder)
    assert [stage for stage, _ in met] == [1, 2, 3, 4]
    (verdicts, stages), (expected, expected_stages) = (
        results(run, folder.name),
        results(run, whole.name),
    )
    pd.testing.assert_frame_equal(verdicts, expected, check_exact=True)
    pd.testing.assert_frame_equal(stages, expected_stages)
    assert list(stages["name"]) == list(STAGES)
    assert 0 < expected["ok"].sum() < len(expected)
    assert not (folder / "judging.npz").exists()


@pytest.mark.slow(20)
def test_a_cancelled_attack_goes_on_where_it_was(run):
    asked = AttackConfig(
        run.id, "ce-cw-pgd", {"steps": 30}, levels=(8 / 255, 32 / 255), n=64, batch=8, device="cpu"
    )
    whole = attacked(folders.create_job(run, asked, claim=True))
    folder = folders.create_job(run, asked)
    launch.submit(folder)
    until(lambda: half_done(folder)[0] == 2)
    launch.cancel(folder)
    assert launch.wait(folder, 60).state == "cancelled"
    before = half_done(folder)
    assert before >= (2, 1)
    launch.resume(folder)
    assert launch.wait(folder, 120).state == "finished"
    pd.testing.assert_frame_equal(
        results(run, folder.name)[0], results(run, whole.name)[0], check_exact=True
    )


def attack_of(run, **fields):
    asked = AttackConfig(
        run.id, **{"params": {"steps": 2}, "levels": (32 / 255,), "n": 20, "seeds": (0,), **fields}
    )
    return attacked(folders.create_job(run, asked, claim=True))


def attacked(folder):
    from smd.tasks.attack import attack_run

    attack_run(folder, folder / "log.txt")
    return folder


def test_the_job_says_beforehand_what_it_keeps(run):
    folder = attack_of(run, keep=7)
    first = (folder / "log.txt").read_text().splitlines()[0]
    assert (
        first
        == "CE-PGD on 20 test images, 32 a batch, keeping up to 7 adversarial images a level, 5 KiB"
        " at most."
    )
    name = f"{folder.name}_32-255_0"
    examples = adv.read(run.adv / f"{name}.npz")
    assert 0 < len(examples.idx) <= 7
    verdicts = reader.attack_results(run.store, f"{folder.name}:32/255:0").set_index("idx")
    assert not verdicts.loc[examples.idx, "ok"].any()


@pytest.mark.slow(20)
def test_a_whole_table_is_there_before_the_second_seed(run):
    folder = attack_of(run, levels=(8 / 255, 32 / 255), seeds=(0, 1))
    rows = reader.attack_runs(run.store)
    own = rows.loc[rows["job"] == folder.name, "id"].str.removeprefix(f"{folder.name}:")
    assert list(own) == ["0:0", "8/255:0", "32/255:0", "8/255:1", "32/255:1"]


@pytest.mark.slow(20)
def test_what_fab_did_with_the_first_seed_is_not_done_again_and_the_table_is_the_same(
    run, monkeypatch
):
    from smd.attacks import autoattack
    from smd.evaluation.prior_verdicts import Nearest
    from smd.tasks import attack

    tried = []
    plain = autoattack.Part.perturb

    def counted(stage, model, x, y, context):
        tried.append((stage.name, context.seed, len(x)))
        return plain(stage, model, x, y, context)

    monkeypatch.setattr(autoattack, "QUERIES", 50)
    monkeypatch.setattr(autoattack, "STEPS", 15)
    monkeypatch.setattr(autoattack.Part, "perturb", counted)
    asked = {"attack": "autoattack", "params": {}, "n": 40, "batch": 16, "seeds": (0, 1)}
    spared, first = attack_of(run, **asked), len(tried)
    monkeypatch.setattr(attack, "told", lambda *_: {})
    monkeypatch.setattr(Nearest, "at", lambda *_: {})
    whole = attack_of(run, **asked)
    few, all_of_them = (
        sum(n for name, seed, n in part if (name, seed) == ("fab-t", 1))
        for part in (tried[:first], tried[first:])
    )
    assert few < all_of_them / 2
    (verdicts, stages), (expected, expected_stages) = (
        results(run, spared.name),
        results(run, whole.name),
    )
    pd.testing.assert_frame_equal(verdicts, expected, rtol=1e-5)
    pd.testing.assert_frame_equal(stages, expected_stages)


@pytest.fixture
def quick_autoattack(monkeypatch):
    """Square asks less often than by the standard, and the others take fewer steps."""
    from smd.attacks import autoattack

    monkeypatch.setattr(autoattack, "QUERIES", 60)
    monkeypatch.setattr(autoattack, "STEPS", 6)


@pytest.mark.slow(20)
def test_asked_each_time_as_pyautoattack_does_the_table_is_the_same(
    run, quick_autoattack, monkeypatch
):
    """Levels in no order: what withstood FAB at one need not be tried at another."""
    from smd.attacks import autoattack, square
    from smd.evaluation.prior_verdicts import Nearest

    asked = {"attack": "autoattack", "params": {}, "n": 24, "batch": 16, "seeds": (0,)}
    asked["levels"] = (24 / 255, 16 / 255)
    tried, plain = [], autoattack.fab
    monkeypatch.setattr(autoattack, "fab", lambda *of: tried.append(len(of[1])) or plain(*of))
    spared = attack_of(run, **asked)
    few = sum(tried)
    rows = results(run, spared.name)
    monkeypatch.setattr(square, "apart", lambda *_: False)
    monkeypatch.setattr(Nearest, "at", lambda *_: {})
    whole = attack_of(run, **asked)
    assert few < (sum(tried) - few) / 1.2
    expected = results(run, whole.name)
    pd.testing.assert_frame_equal(rows[0], expected[0], rtol=1e-4, atol=1e-5)
    pd.testing.assert_frame_equal(rows[1], expected[1])


@pytest.mark.slow(20)
def test_the_batch_size_that_was_found_is_kept_for_the_next_try(run):
    asked = AttackConfig(run.id, params={"steps": 2}, levels=(32 / 255,), n=20, seeds=(0,))
    for text, size in (("", 32), ('{"size": 16}', 16), ("{broken", 32), ('{"size": 0}', 32)):
        folder = folders.create_job(run, asked, claim=True)
        if text:
            (folder / "batch.json").write_text(text)
        attacked(folder)
        assert f"20 test images, {size} a batch" in (folder / "log.txt").read_text()
        assert json.loads((folder / "batch.json").read_text()) == {"size": size}


def test_a_batch_size_that_was_given_is_taken(run):
    folder = attack_of(run, batch=7)
    assert "20 test images, 7 a batch" in (folder / "log.txt").read_text()
    assert not (folder / "batch.json").exists()


@pytest.fixture
def short_memory(monkeypatch):
    """Eight images at most can be attacked at a time, from the second batch on."""
    from smd.evaluation import judging

    plain, calls = judging.tried, []

    def tried(model, stage, batch, context):
        calls.append(len(batch.x))
        if len(calls) > 1 and len(batch.x) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return plain(model, stage, batch, context)

    monkeypatch.setattr(judging, "tried", tried)
    return calls


def test_an_attack_that_runs_out_of_memory_goes_on_with_smaller_batches(run, short_memory):
    folder = attack_of(run, n=60, levels=(1 / 255, 2 / 255))
    log = (folder / "log.txt").read_text()
    size = int(log.split(" a batch")[0].split()[-1])
    assert size >= 32
    assert [line for line in log.splitlines() if "memory is short" in line][-1].endswith(
        "with 8 images a batch."
    )
    assert json.loads((folder / "batch.json").read_text()) == {"size": 8}
    assert short_memory[0] > 8
    assert short_memory.count(size) <= 2  # the second level begins with the size that has fitted
    assert len(results(run, folder.name)[0]) == 3 * 60
    assert not (folder / "judging.npz").exists()


def test_where_the_batch_size_was_given_it_ends_in_a_sentence(run, short_memory):
    with pytest.raises(
        UserError, match="does not hold 16 images a batch: attack again with a smaller --batch"
    ):
        attack_of(run, n=60, batch=16)


def test_nothing_is_kept_where_nothing_is_wanted(run):
    before = set(adv.names(run.folder))
    attack_of(run, keep=0)
    assert set(adv.names(run.folder)) == before


def test_more_than_can_be_stored_is_refused_with_its_size(run, monkeypatch):
    monkeypatch.setattr(adv, "LIMIT", 1000)
    with pytest.raises(UserError, match=r"20 adversarial images take 10 KiB a level.*--keep"):
        attack_of(run)


def test_more_images_than_the_split_has_are_refused(run):
    with pytest.raises(UserError, match=r"1000 images are too many: the test split has \d+"):
        attack_of(run, n=1000)


@pytest.mark.slow(20)
def test_a_full_disk_ends_it_in_a_sentence_and_loses_nothing(run, monkeypatch):
    before = reader.attack_table(run.store)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(state.np, "savez", full)
        with pytest.raises(
            UserError, match=r"No space left on device.*free some disk space and resume"
        ):
            attack_of(run, levels=(9 / 255,))
    folder = folders.jobs_of(run, "attack")[0]
    assert jobs.read(folder).state == "failed"
    assert "free some disk space" in jobs.read(folder).error
    kept = reader.attack_table(run.store)
    assert len(kept) == len(before) + 1  # the clean images were judged already
    launch.resume(folder)
    assert launch.wait(folder, 60).state == "finished"


def test_room_for_adversarial_images_is_asked_for_beforehand(run, monkeypatch):
    monkeypatch.setattr(attack.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(
        UserError, match=r"^The disk has 1 KiB left, and .* KiB a level: free some space and resume"
    ):
        attack_of(run, keep=20)


def test_a_batch_size_below_nothing_is_refused(run):
    with pytest.raises(
        UserError, match=r'"Batch size" is -1: it must be at least 1, or 0 to have it found\.'
    ):
        attack_of(run, batch=-1)


def test_a_run_without_weights_is_refused(run):
    run.weights.unlink()
    with pytest.raises(UserError, match="no trained weights yet"):
        attack_of(run)


def test_weights_of_another_number_of_classes_are_refused(run):
    from safetensors.torch import load_file, save_file

    tensors = load_file(run.weights)
    last = list(tensors)[-1]
    save_file({**tensors, last: tensors[last][:-1].clone()}, run.weights)
    with pytest.raises(UserError, match="do not fit this run's network"):
        attack_of(run)
