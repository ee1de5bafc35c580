"""A run keeps to the images it began with, and what cannot be trained is explained."""

import shutil

import numpy as np
import pytest
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from smd import data
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.runs import folders
from smd.store import reader
from smd.tasks.images import images_of
from smd.training.divergence import refuse_divergence
from smd.training.loop import EpochResult

pytestmark = pytest.mark.slow


def picture_folder(root, n=20):
    """Two classes of n gray 8x8 images each."""
    rng = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 128)):
        (root / name).mkdir(parents=True)
        for k in range(n):
            pixels = rng.integers(low, low + 128, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{k:02}.png")
    return root


@pytest.fixture
def trained_on_pictures(tmp_path, smd_here):
    folder = picture_folder(tmp_path / "pictures")
    smd_here("train", "--data", "folder", "--path", folder, "--epochs", 1, "--device", "cpu")
    (run,) = folders.all_runs()
    return run, folder


@pytest.mark.slow
def test_a_run_can_be_attacked_after_its_folder_has_moved(trained_on_pictures, smd_here):
    run, folder = trained_on_pictures
    folder.rename(folder.with_name("elsewhere"))
    smd_here("attack", run.id, "--attack", "ce-pgd:steps=2", "--eps", "8/255")
    assert (reader.attack_table(run.store)["steps"] == 2).any()


@pytest.mark.slow
def test_changed_images_are_refused(trained_on_pictures, monkeypatch, tmp_path):
    run, folder = trained_on_pictures
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "another-cache"))
    kept = images_of(run)
    assert len(kept.labels) == 40
    shutil.rmtree(tmp_path / "another-cache")
    (folder / "dark" / "00.png").unlink()
    with pytest.raises(UserError, match="have changed since"):
        images_of(run)


@pytest.mark.slow
def test_too_few_images_to_validate_and_test_are_refused_in_a_sentence(tmp_path, smd_here):
    folder = picture_folder(tmp_path / "pictures", n=3)
    done = smd_here("train", "--data", "folder", "--path", folder, "--epochs", 1, check=False)
    assert done.returncode == 1
    assert "too few images" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("key", ["../../etc", "/etc", "", 7, None, "a/b", "UPPER"])
def test_a_key_from_a_foreign_store_opens_nothing_outside_the_cache(key):
    assert data.cached(key) is None


@pytest.mark.slow
def test_a_job_that_never_begins_does_not_stay_queued(tmp_path, smd_here):
    done = smd_here("train", "--device", "cuda:63", check=False)
    assert done.returncode == 1
    assert "no device cuda:63" in done.stderr
    assert folders.all_runs() == []


def test_divergence_ends_a_run_with_a_sentence():
    from smd.training.monitor import Metric

    bad = EpochResult(3, [Metric("train", "loss", 0.0, float("nan"))], {}, *np.ones((4, 1), bool))
    with pytest.raises(UserError, match="diverged in epoch 3"):
        refuse_divergence(bad)


class Convolved(TorchDispatchMode):
    """Counts the images that convolutions take, forwards and backwards."""

    images = 0

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        if "convolution" in str(op):
            self.images += len(args[0])
        return op(*args, **(kwargs or {}))


def test_the_estimate_counts_every_image_as_correct(monkeypatch):
    from smd.tasks import probe

    def work(act):
        """The images that convolutions see, as the seconds of a machine that does nothing else."""
        with Convolved() as counter:
            act()
        return counter.images / 1e3

    monkeypatch.setattr(probe, "_timed", work)
    smd_time = probe.probe(TrainConfig(epochs=2, n_train=300))
    std_time = probe.probe(TrainConfig(epochs=2, n_train=300, defense="std"))
    assert smd_time["seconds_per_epoch"] > 3 * std_time["seconds_per_epoch"] / 2
    assert smd_time["samples_per_s"] < std_time["samples_per_s"] / 5
    assert smd_time["busy"] is False
