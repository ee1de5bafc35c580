"""Configs: complete by themselves, readable errors, the same after a trip through JSON."""

import json
from pathlib import Path

import numpy as np
import pytest

from smd import registry
from smd.config import validation
from smd.config.parsing import parse_choice
from smd.config.schema import (
    AttackConfig,
    EmbeddingConfig,
    EstimateConfig,
    ImportConfig,
    JobConfig,
    ScoreConfig,
    TrainConfig,
    from_json,
    read,
    read_run,
    to_json,
)
from smd.config.validation import made
from smd.errors import UserError
from smd.runs import folders


@pytest.mark.parametrize("data", registry.DATASETS)
def test_what_is_left_out_follows_from_the_data_set(data):
    config = TrainConfig(data=data, data_path="." if data == "folder" else "")
    entry = registry.DATASETS[data]
    assert (config.net, config.epochs, config.levels) == (entry.net, entry.epochs, entry.levels)
    assert validation.of_training(config) == []


def test_every_bad_field_gets_its_own_sentence():
    found = validation.of_training(
        TrainConfig(
            data="mars",
            defense="hope",
            net="brain",
            epochs=-1,
            batch=-1,
            device="gpu",
            precision="int8",
        )
    )
    assert len(found) == 7
    for word in ("mars", "hope", "brain", "epochs", "batch", "gpu", "int8"):
        assert sum(word in sentence.lower() for sentence in found) == 1


def test_a_network_too_large_for_the_images_is_refused_before_anything_starts():
    (sentence,) = validation.of_training(TrainConfig(data="digits", net="svhn-cnn"))
    assert "25 to 64 pixels" in sentence


def test_own_images_need_a_path():
    assert any(
        "path" in sentence for sentence in validation.of_training(TrainConfig(data="folder"))
    )


@pytest.mark.parametrize("levels", [(0.0,), (-0.1,), (1.5,), (float("nan"),)])
def test_impossible_levels_are_refused(levels):
    assert validation.of_attack(AttackConfig(run="r", levels=levels))


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(seed=3, params={"preset": "ame"}),
        AttackConfig("r", levels=(0.1, 0.2), ids=(3, 4), seeds=(0, 1)),
    ],
)
def test_json_and_back(config):
    assert from_json(type(config), json.loads(json.dumps(to_json(config)))) == config


def test_newer_configs_and_unknown_fields_are_refused():
    with pytest.raises(UserError, match="newer version"):
        from_json(TrainConfig, {"schema": 99})
    with pytest.raises(UserError, match="colour"):
        from_json(TrainConfig, {"colour": "red"})


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(UserError, match="missing"):
        read(TrainConfig, tmp_path / "config.json")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="broken"):
        read(TrainConfig, tmp_path / "config.json")


def test_choices_with_parameters():
    assert parse_choice("smd:preset=ame", registry.DEFENSES, "defense") == (
        "smd",
        {"preset": "ame"},
    )
    assert parse_choice("ce-pgd:steps=7", registry.ATTACKS, "attack") == ("ce-pgd", {"steps": 7})
    for text in ("ce-pgd:steps=many", "ce-pgd:stride=1", "ce-pgd:steps", "pgd"):
        with pytest.raises(UserError):
            parse_choice(text, registry.ATTACKS, "attack")


@pytest.mark.parametrize("defense", registry.DEFENSES)
def test_every_defense_refuses_what_it_does_not_know_and_names_what_it_does(defense):
    (found,) = validation.of_training(TrainConfig(defense=defense, params={"luck": 1}))
    assert "no parameter 'luck'" in found
    assert all(param.name in found for param in registry.DEFENSES[defense].params)


def test_a_level_above_one_is_refused():
    assert validation.of_training(TrainConfig(defense="at", params={"eps": 8})) == [
        '"Eps" is 8: it must be at most 1.'
    ]


HUGE = 99999999999999999999999
TRAINS = dict.fromkeys(("batch", "seed", "microbatch", "image_size", "n_train"), HUGE)


def test_what_its_own_reader_would_refuse_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMD_RUNS", str(tmp_path / "runs"))
    odd: list[object] = ["a", 1.5, True, 10**5000, -1, [1], float("nan")]
    for name, value in [*TRAINS.items(), *(("epochs", v) for v in odd)]:
        with pytest.raises(UserError, match="must be"):
            folders.create(TrainConfig(**{name: value}))
    for wrong in (
        {"seed": None},
        {"mean": 0.5, "std": 0.5},
        {"mean": ("a",), "std": (1.0,)},
        {"params": {"gamma": HUGE}},
        {"params": 5},
        {"data_path": 5},
        {"net": ["small"]},
        {"labels": "\udcff.csv", "data": "folder"},
        {"log": "x" * 5000},
        {"device": "cuda:9999"},
        {"skip_broken": 1},
    ):
        with pytest.raises(UserError):
            folders.create(TrainConfig(**wrong))
    with pytest.raises(UserError):
        folders.create(ImportConfig(file=""))
    assert not list((tmp_path / "runs").glob("*"))


@pytest.mark.parametrize(
    "config",
    [
        AttackConfig("r", n=HUGE),
        AttackConfig("r", keep=HUGE),
        AttackConfig("r", batch=HUGE),
        AttackConfig("r", ids=(HUGE,)),
        AttackConfig("r", seeds=(HUGE,)),
        AttackConfig("r", params={"steps": HUGE}),
        AttackConfig("r", params={"steps": 10**400}),
        AttackConfig("r", params={"steps": float("inf")}),
        AttackConfig("r", levels=(10**400,)),
        AttackConfig("r", ids=tuple(range(10**6, 3 * 10**6))),
        EstimateConfig("r", n=HUGE),
        EstimateConfig("r", method="pgd", params={"eps": "8/255"}),
        EstimateConfig("r", method="pgd", params={"eps": 10**400}),
        ScoreConfig("r", seed=HUGE),
        EmbeddingConfig("r", pairs=HUGE),
        EmbeddingConfig("r", n="a"),  # type: ignore[arg-type]
        EmbeddingConfig("r", n=-5),
    ],
)
def test_a_job_that_its_own_reader_would_refuse_is_none(tmp_path: Path, config: JobConfig) -> None:
    with pytest.raises(UserError):
        folders.create_job(folders.Run("r", tmp_path / "r"), config)
    assert not (tmp_path / "r").exists()


def test_a_caller_s_values_may_be_paths_lists_and_numpy_s(tmp_path: Path) -> None:
    given = {"data_path": tmp_path, "epochs": np.int64(3), "mean": [np.float32(0.5)], "std": [1]}
    config = made(TrainConfig, {"data": "folder", **given})
    assert (config.data_path, config.epochs, config.mean) == (str(tmp_path), 3, (0.5,))
    json.dumps(to_json(config))
    for wrong in ({"epochs": "a"}, {"epochs": 1.5}, {"mean": 0.5}, {"params": 5}, {"net": None}):
        with pytest.raises(UserError, match="must be"):
            made(TrainConfig, wrong)


def test_the_config_of_a_run_is_read_again_when_its_file_has_changed_and_only_then(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(to_json(TrainConfig(epochs=3))))
    first = read_run(tmp_path)
    assert first.epochs == 3
    assert read_run(tmp_path) is first
    file.write_text(json.dumps(to_json(TrainConfig(epochs=4))))
    assert read_run(tmp_path).epochs == 4
    file.write_text("{")
    with pytest.raises(UserError, match="broken"):
        read_run(tmp_path)
    file.unlink()
    with pytest.raises(UserError, match="missing"):
        read_run(tmp_path)
