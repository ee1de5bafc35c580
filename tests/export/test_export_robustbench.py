"""The entry in RobustBench's shape."""

import json

import pandas as pd

from smd import export
from smd.config.schema import TrainConfig
from tests.export.exporting import CIFAR, EMPTY, attacked

ORIGIN = {"commit": "abc123", "packages": {"torch": "2.15.0"}, "host": "a-secret-machine"}
FIELDS = [
    "link",
    "name",
    "authors",
    "additional_data",
    "number_forward_passes",
    "dataset",
    "venue",
    "architecture",
    "eps",
    "clean_acc",
    "reported",
    "autoattack_acc",
    "smd_studio",
]


def entry(*parts, config=CIFAR):
    """The entry of a run that was attacked so."""
    table = pd.concat(parts) if parts else EMPTY
    text = export.to_robustbench(
        config, {"images": "key"}, export.accuracy_cells({"a": (config, table)}), ORIGIN
    )
    return json.loads(text, parse_constant=lambda name: 1 / 0)


def test_an_entry_has_robustbenchs_fields_and_texts():
    auto = attacked(
        {0: 0.9, 2: 0.8, 8: 0.4435},
        name="autoattack",
        steps=0,
        seeds=3,
        spread=0.001,
        note="Few classes.",
    )
    found = entry(auto, attacked({0: 0.9, 8: 0.5}))
    assert list(found) == FIELDS
    assert [found[name] for name in FIELDS[:-1]] == [
        "",
        "SMD",
        "",
        False,
        1,
        "cifar10",
        "",
        "WideResNet-28-4",
        "8/255",
        "90.00",
        "44.35",
        "44.35",
    ]


def test_what_robustbench_has_no_field_for_stands_apart():
    auto = attacked(
        {0: 0.9, 8: 0.4435}, name="autoattack", steps=0, seeds=3, spread=0.001, note="Few classes."
    )
    more = entry(auto)["smd_studio"]
    assert more.pop("accuracies")[1] == {
        "attack": "AutoAttack",
        "steps": 0,
        "norm": "Linf",
        "split": "test",
        "n": 1000,
        "seeds": 3,
        "eps": "8/255",
        "accuracy": "44.35",
        "low": "43.35",
        "high": "45.35",
        "spread": "0.10",
    }
    assert more == {
        "norm": "Linf",
        "reported_attack": "AutoAttack",
        "autoattack_note": "",
        "n": 1000,
        "seeds": 3,
        "interval_95": ["43.35", "45.35"],
        "images": "key",
        "packages": {"torch": "2.15.0"},
        "commit": "abc123",
        "footnotes": ["Few classes."],
    }


def test_autoattack_counts_on_test_images_at_the_largest_level_in_linf_only():
    for part in (
        attacked({0: 0.9, 8: 0.4}, name="autoattack", split="val"),
        attacked({0: 0.9, 4: 0.4}, name="autoattack"),
        attacked({0: 0.9, 8: 0.4}, name="autoattack", norm="L2"),
    ):
        found = entry(part, attacked({0: 0.8, 8: 0.5}))
        assert (found["autoattack_acc"], found["reported"]) == (None, "50.00")


def test_autoattack_elsewhere_is_said():
    other = attacked({0: 0.9, 4: 0.44}, name="autoattack", steps=0, n=50)
    more = entry(other, attacked({0: 0.8, 8: 0.5}))["smd_studio"]
    assert more["reported_attack"] == "CE-PGD, 20 steps"
    assert (
        more["autoattack_note"]
        == "autoattack_acc is null: AutoAttack did not run at 8/255 on test images in Linf, "
        "but at 4/255 (44.00 % of 50 test images)."
    )
    assert "was not run" in entry(attacked({8: 0.5}))["smd_studio"]["autoattack_note"]


def test_the_most_images_count():
    found = entry(
        attacked({0: 0.95, 8: 0.1}, name="autoattack", n=10),
        attacked({0: 0.9, 8: 0.4}, name="autoattack", n=500),
        attacked({0: 0.85, 8: 0.3}, n=1000),
    )
    assert (found["clean_acc"], found["reported"], found["autoattack_acc"]) == (
        "90.00",
        "40.00",
        "40.00",
    )


def test_without_autoattack_the_strongest_of_the_others_is_reported():
    found = entry(attacked({0: 0.9, 8: 0.5}), attacked({0: 0.9, 8: 0.45}, name="ce-cw-pgd"))
    assert (found["reported"], found["smd_studio"]["n"]) == ("45.00", 1000)


def test_an_unattacked_run_has_an_entry():
    found = entry(config=TrainConfig(data="digits"))
    assert (found["dataset"], found["eps"]) == ("digits", "32/255")
    assert [found[name] for name in ("clean_acc", "reported", "autoattack_acc")] == [None] * 3
    assert found["smd_studio"]["accuracies"] == []


def test_an_entry_does_not_name_the_machine():
    assert "a-secret-machine" not in json.dumps(entry(attacked({0: 0.9})))


def test_other_weights_and_verdicts_that_were_taken_over_are_no_entry():
    auto = {"name": "autoattack", "steps": 0}
    ema = attacked({0: 0.95, 8: 0.2}, note="weights=ema", **auto)
    sound = attacked({0: 0.9, 8: 0.3}, note="sound=yes", **auto)
    found = entry(ema, sound, attacked({0: 0.9, 8: 0.5}))
    assert [found[name] for name in ("clean_acc", "reported", "autoattack_acc")] == [
        "90.00",
        "50.00",
        None,
    ]
    more = found["smd_studio"]
    assert "with sound=yes (30.00 % of 1000 test images)" in more["autoattack_note"]
    assert {row["attack"] for row in more["accuracies"]} == {
        "AutoAttack, weights=ema",
        "AutoAttack, sound=yes",
        "CE-PGD",
    }
    nothing = entry(ema)
    assert [nothing[name] for name in ("clean_acc", "reported")] == [None, None]


def test_the_clean_accuracy_is_that_of_the_attack_that_is_reported():
    other = attacked({0: 0.7, 4: 0.6}, steps=100)
    found = entry(other, attacked({0: 0.9, 8: 0.5}))
    assert (found["clean_acc"], found["reported"]) == ("90.00", "50.00")
