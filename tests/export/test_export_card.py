"""The model card."""

from smd import export
from smd.config.schema import TrainConfig
from tests.export.exporting import CIFAR, EMPTY, attacked


def test_the_model_card_says_what_the_network_is_and_is_not():
    config = TrainConfig(data="digits", epochs=7, seed=3)
    meta = {"classes": ["zero", "<one>"], "shape": [1, 8, 8], "parameters": 1234}
    origin = {
        "commit": "abc123",
        "dirty": True,
        "packages": {"torch": "2.15.0"},
        "python": "3.11.9",
    }
    table = export.accuracy_table({"run": (config, attacked({0: 0.9, 8: 0.7, 16: 0.5, 32: 0.1}))})
    card = export.model_card(config, meta, table, origin)
    for words in (
        "# SMD on Digits",
        "zero, &lt;one>",
        "1 x 8 x 8",
        "1234",
        "| Epochs | 7 |",
        "| Seed | 3 |",
        "abc123, with changes",
        "torch 2.15.0",
        "| CE-PGD | 20 | test | 1000 | 1 | 90.00 | 70.00 | 50.00 | 10.00 | 55.00 |",
        "Intended use",
        "not a medical device",
    ):
        assert words in card


def test_the_model_card_of_an_unattacked_run_without_git():
    card = export.model_card(
        CIFAR, {}, export.accuracy_table({"a": (CIFAR, EMPTY)}), {"commit": None, "dirty": None}
    )
    assert "Nothing was attacked yet." in card
    assert "| Code | unknown |" in card


def test_every_accuracy_of_the_card_has_its_interval():
    table = export.accuracy_intervals({"a": (CIFAR, attacked({0: 0.9, 8: 0.7}))})
    card = export.model_card(CIFAR, {}, table, {"commit": None, "dirty": None})
    assert "| 90.00 (89.00–91.00) |" in card
    assert "95 % interval for `n` images" in card
