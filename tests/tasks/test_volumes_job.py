"""Volumes from the shell: trained with no setting at all, then attacked."""

import numpy as np
import pytest

from smd.data import cached
from smd.evaluation import examples as adv
from smd.runs import folders
from smd.store import reader

pytestmark = pytest.mark.slow


@pytest.fixture
def path(tmp_path):
    """60 volumes of 8x12x12 voxels, with a bright block on the left or on the right."""
    drawn = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = drawn.integers(0, 90, (60, 8, 12, 12), dtype=np.uint8)
    for volume, label in zip(images, labels, strict=True):
        volume[2:6, 3:9, 1 + 6 * label : 5 + 6 * label] += 100
    np.savez(
        tmp_path / "vols.npz",
        images=images,
        labels=labels[:, None],
        classes=np.array(["left", "right"]),
    )
    return tmp_path / "vols.npz"


def test_volumes_are_trained_and_attacked_with_no_setting(path, own_runs, smd_here):
    asked = ("--data", "folder", "--path", path, "--epochs", 3, "--device", "cpu")
    smd_here("train", *asked)
    (run,) = folders.all_runs()
    assert run.config.net == "volume-cnn"
    assert "1 x 8 x 12 x 12" in run.card.read_text()
    meta = reader.meta(run.store)
    assert meta["shape"] == [1, 8, 12, 12]
    assert cached(meta["images"]).classes == ("left", "right")
    margins = reader.margins(run.store, 3)
    assert margins["margin"].notna().all()
    assert (margins["margin"] > 0).any()

    smd_here("attack", "last", "--eps", "4/255", "--preview", "--device", "cpu")
    smd_here(
        "attack",
        "last",
        "--attack",
        "autoattack",
        "--eps",
        "128/255",
        "--n",
        4,
        "--seeds",
        0,
        "--device",
        "cpu",
    )
    table = reader.attack_runs(run.store).set_index("id")
    assert {"ce-pgd", "autoattack"} <= set(table["name"])
    assert (table["n"] > 0).all()
    kept = [adv.read(run.adv / f"{name}.npz") for name in adv.names(run.folder)]
    assert {examples.noise.shape[1:] for examples in kept} == {(1, 8, 12, 12)}

    smd_here("margins", "last", "--n", 4, "--method", "pgd", "--device", "cpu")
    assert len(reader.estimates(run.store)) == 1


def test_a_network_for_images_refuses_volumes_in_one_sentence(path, own_runs, smd_here):
    done = smd_here(
        "train",
        "--data",
        "folder",
        "--path",
        path,
        "--net",
        "small-cnn",
        "--device",
        "cpu",
        check=False,
    )
    assert done.returncode == 1
    assert "small-cnn takes images, these are volumes: choose volume-cnn, " in done.stderr


def test_a_network_for_volumes_refuses_a_set_of_images_before_there_is_a_run(own_runs, smd_here):
    done = smd_here("train", "--net", "volume-cnn", check=False)
    assert done.returncode == 1
    assert "volume-cnn takes volumes, these are images" in done.stderr
    assert not folders.all_runs()
