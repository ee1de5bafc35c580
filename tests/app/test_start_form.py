"""The Train form's weights to start from, recipes for them, and which weights a job is on."""

import shutil
from dataclasses import asdict

import pytest
from paging import open_page, type_new, words

from app.forms import start
from smd.config.schema import TrainConfig
from smd.runs import folders

FROM = "train-init"


def commands(app):
    return " ".join(code.value for code in app.code)


def test_runs_of_the_same_network_and_normalisation_are_offered(finished):
    run, std = finished
    fitting = {run.id, std.id}
    assert {r.id for r in start.fitting(TrainConfig())} == fitting
    for other in ({"net": "wrn-28-4"}, {"mean": (0.5,), "std": (0.5,)}, {"data": "svhn"}):
        assert start.fitting(TrainConfig(**{"net": "small-cnn", **other})) == []
    app = open_page("train")
    app.selectbox(key=FROM).set_value(std.id).run()
    assert f"--init {std.id}" in commands(app)
    assert "The recipe finetune" in words(app)


def test_pretrained_weights_are_those_of_a_library():
    app = open_page("train")
    assert start.TITLES["pretrained"] not in app.selectbox(key=FROM).options
    type_new(app.selectbox(key="train-net-digits"), "torchvision:resnet18")
    app.selectbox(key=FROM).set_value("pretrained").run()
    assert "--init pretrained" in commands(app)
    app.selectbox(key="train-net-digits").set_value("small-cnn").run()
    assert "small-cnn has no pretrained weights" in words(app)
    assert app.button(key="train").disabled


def test_a_file_is_typed(tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"")
    app = open_page("train")
    type_new(app.selectbox(key=FROM), str(tmp_path / "weights.pt"))
    app.segmented_control(key="train-average").set_value("ema").run()
    app.button(key="train").click().run()
    assert not app.exception
    (run,) = folders.all_runs()
    assert (run.config.init, run.config.average) == (str(tmp_path / "weights.pt"), "ema")


@pytest.mark.parametrize("recipe", ["finetune", "finetune-adamw"])
def test_a_recipe_for_weights_that_are_there_has_its_own_epochs(recipe):
    app = open_page("train")
    app.number_input(key="train-epochs-digits").set_value(99).run()
    app.segmented_control(key="train-recipe").set_value(recipe).run()
    app.button(key="train").click().run()
    (run,) = folders.all_runs()
    assert asdict(run.config) == asdict(TrainConfig(recipe=recipe))
    assert run.config.epochs != 99


@pytest.mark.slow
@pytest.mark.parametrize("view", ["attacks", "margins"])
def test_jobs_ask_for_the_weights_only_where_a_run_has_both(view, finished):
    run, std = finished
    key, button = {
        "attacks": ("attack-weights", "start-attack"),
        "margins": ("margin-weights", "start-margins"),
    }[view]
    app = open_page(view, run=run.id)
    assert key not in {field.key for field in app.segmented_control}
    for each in (run, std):
        shutil.copy(each.weights, each.averaged_weights)
    app = open_page(view, run=run.id)
    app.segmented_control(key=key).set_value("ema").run()
    assert "--weights ema" in commands(app)
    app.button(key=button).click().run()
    assert not app.exception
    (job,) = folders.jobs_of(run)
    assert '"weights": "ema"' in (job / "config.json").read_text()
