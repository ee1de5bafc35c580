"""The paper's three data sets with the paper's networks.

Real images, as many as a CPU takes in seconds.
"""

import pytest
from conftest import SHARED_DATA

from smd.runs import folders
from smd.store import reader

pytestmark = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"there are no real images in {SHARED_DATA}"
)
SETS = {
    # data set: (network, epochs, training images, test images, channels)
    "fashion-mnist": ("fashion-cnn", 1, 64, 20, 1),
    "svhn": ("svhn-cnn", 1, 64, 20, 3),
    "cifar10": ("wrn-28-4", 1, 24, 4, 3),
}


@pytest.mark.slow(40)
@pytest.mark.parametrize("data", SETS)
def test_smd_trains_the_papers_network_on_real_images(data, monkeypatch, smd_here):
    net, epochs, n_train, n_test, channels = SETS[data]
    words = [
        "--data",
        data,
        "--epochs",
        epochs,
        "--n-train",
        n_train,
        "--n-test",
        n_test,
        "--n-margins",
        0,
        "--device",
        "cpu",
    ]
    monkeypatch.setenv("SMD_DATA", str(SHARED_DATA))
    smd_here("train", *words)
    (run,) = folders.all_runs()
    assert run.status.state == "finished"
    assert run.config.net == net
    meta = reader.meta(run.store)
    assert meta["shape"][0] == channels
    assert len(meta["classes"]) == 10
    margins = reader.margins(run.store, epochs)
    assert len(margins) == n_train
    assert margins["margin"].between(0, 1).all()
    # some have been measured
    assert (margins["margin"] - meta["delta"]).abs().gt(1e-6).sum() > n_train / 30
    table = reader.attack_table(run.store)
    test = table[table["split"] == "test"].sort_values("eps")
    assert [round(255 * e) for e in test["eps"]] == [0, 2, 4, 8]
    assert test["accuracy"].is_monotonic_decreasing
    assert (test["n"] == n_test).all()
