"""A run's settings come back in the Train form, whole."""

import json
from dataclasses import asdict, replace

import pytest
from paging import open_page, switch
from streamlit.testing.v1 import AppTest
from test_pages import words

from app.forms import cloning, train
from smd.config import options
from smd.config.schema import ImportConfig, TrainConfig
from smd.errors import UserError
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders

CONFIGS = {
    "digits": TrainConfig(epochs=7, seed=3),
    "level": TrainConfig(defense="at", params={"eps": 4 / 255}, seed=2**31 - 1, n_train=300),
    "odd-level": TrainConfig(defense="at", params={"eps": 0.0312345678}, batch=33),
    "beta": TrainConfig(
        "svhn", defense="trades", params={"beta": 3.0}, device="cuda:1", n_margins=0
    ),
    "own-folder": TrainConfig("folder", "FOLDER", 24, "wrn-28-4", epochs=4, device="cpu"),
    "own-slices": TrainConfig(
        "folder", "FOLDER", 24, "volume-cnn", epochs=4, intensity="window:-160..240", volumes=True
    ),
    "fold": TrainConfig("folder", "FOLDER", 24, "small-cnn", epochs=4, folds=5, fold=2),
    "open-network": TrainConfig(
        net="torchvision:resnet18", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
    ),
    "own-numbers": TrainConfig(net="torchvision:resnet18", mean=(0.1, 1 / 3), std=(0.25, 0.5)),
    "finetune": TrainConfig(
        net="torchvision:resnet18", init="pretrained", recipe="finetune-adamw", average="ema"
    ),
    "official": TrainConfig("cifar10", defense="mart", recipe="official"),
    "official-changed": TrainConfig(
        "cifar10", defense="trades", recipe="official", epochs=5, batch=17
    ),
    "without-a-field": TrainConfig(
        defense="smd", params={"preset": "ame"}, precision="bfloat16", n_test=50
    ),
}

MAIN = """
import json, sys
from pathlib import Path
sys.path.insert(0, REPOSITORY)
import streamlit as st
from app import pages
from app.forms import cloning
from smd.config.schema import TrainConfig, from_json

def clone():
    if st.button("Clone", key="clone"):
        cloning.into_form(from_json(TrainConfig, json.loads(Path(CONFIG).read_text())))

known = [page for group in pages.groups([]).values() for page in group]
st.navigation([*known, st.Page(clone, url_path="clone")]).run()
"""


@pytest.fixture
def opened(tmp_path):
    """An app of the Train page and one other, from which it is filled with a config."""

    def make(config):
        (tmp_path / "images").mkdir(exist_ok=True)
        config = replace(config, data_path=config.data_path and str(tmp_path / "images"))
        (tmp_path / "config.json").write_text(json.dumps(asdict(config)))
        places = f"CONFIG, REPOSITORY = {str(tmp_path / 'config.json')!r}, {str(REPOSITORY)!r}\n"
        (tmp_path / "main.py").write_text(places + MAIN)
        app = AppTest.from_file(str(tmp_path / "main.py"), default_timeout=30).run()
        switch(app, "clone")
        return app, config

    return make


def clone(app):
    app.button(key="clone").click().run()
    assert not app.exception
    return app


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_the_form_asks_for_the_very_run_that_was_cloned(name, opened):
    app, config = opened(CONFIGS[name])
    clone(app)
    app.button(key="train").click().run()
    (run,) = folders.all_runs()
    assert run.config == config


def test_a_cloned_import_fills_its_form_whole(finished, tmp_path):
    asked = ImportConfig(
        net="small-cnn", file=str(finished[0].weights), mean=(0.1307,), std=(0.3081,), n_margins=7
    )
    run = folders.create(asked)
    app = open_page("live", run=run.id)
    clone(app)
    assert app.title[0].value == "Import" and "Settings of" in words(app)
    app.toggle(key="import-new-head").set_value(True).run()
    app.button(key="import").click().run()
    assert folders.all_runs()[0].config == replace(asked, new_head=True)
    app.button(key="reset-form").click().run()
    assert app.text_input(key="import-file").value == ""


def test_trackers_come_back_by_their_names_also_those_that_are_not_there():
    assert cloning._fields(TrainConfig(log="mlflow, other"))["train-log"] == ["mlflow", "other"]
    app = open_page("train")
    app.session_state["train-log"] = ["mlflow", "other"]
    app.run()
    assert "There is no tracker 'other'" in words(app) and app.button(key="train").disabled


def test_the_form_names_the_run_whose_settings_it_has(opened):
    app, config = opened(CONFIGS["digits"])
    run = folders.create(config)
    clone(app)
    assert f"Settings of **{run.id.split('-', 2)[-1]}**" in words(app)


def test_what_was_in_the_form_before_is_replaced(opened):
    app, config = opened(CONFIGS["level"])
    switch(app, "train")
    app.number_input(key="train-seed").set_value(9).run()
    app.number_input(key="train-epochs-digits").set_value(99).run()
    app.selectbox(key="train-defense").set_value("at").run()
    app.text_input(key="train-at-eps").set_value("16/255").run()
    switch(app, "clone")
    switch(clone(app), "train")
    app.button(key="train").click().run()
    (run,) = folders.all_runs()
    assert run.config == config


def test_a_changed_field_changes_the_run_and_nothing_else(opened):
    app, config = opened(CONFIGS["without-a-field"])
    clone(app)
    app.number_input(key="train-seed").set_value(5).run()
    app.button(key="train").click().run()
    (run,) = folders.all_runs()
    assert run.config == replace(config, seed=5)


def test_another_defense_does_not_take_the_hidden_settings_of_the_cloned_one(opened):
    app, _ = opened(CONFIGS["without-a-field"])
    clone(app)
    app.selectbox(key="train-defense").set_value("at").run()
    app.button(key="train").click().run()
    (run,) = folders.all_runs()
    assert (run.config.defense, run.config.params, run.config.n_test) == ("at", {}, 50)


def test_reset_empties_the_form(opened):
    app, _ = opened(CONFIGS["official-changed"])
    clone(app)
    app.button(key="reset-form").click().run()
    assert not app.exception
    assert "Settings of" not in words(app)
    app.button(key="train").click().run()
    (run,) = folders.all_runs()
    assert run.config == TrainConfig()


def test_settings_stay_in_the_form_when_the_page_is_left(opened):
    app, _ = opened(CONFIGS["digits"])
    switch(app, "train")
    app.number_input(key="train-seed").set_value(9).run()
    switch(app, "clone")
    assert "train" not in {button.key for button in app.button}
    switch(app, "train")
    assert app.number_input(key="train-seed").value == 9


def test_a_run_of_an_unknown_defense_is_refused_in_a_sentence():
    with pytest.raises(UserError, match="There is no defense 'of-tomorrow'"):
        cloning.into_form(TrainConfig(defense="of-tomorrow"))


def test_a_page_whose_address_names_its_run_can_clone_it(finished):
    """The address is bound to the run picker, and Streamlit would not clear it."""
    from paging import open_page

    run, std = finished
    app = open_page("live", run=run.id.split("-", 2)[-1])
    app.selectbox(key="run").set_value(std.id).run()
    clone(app)
    assert app.title[0].value == "Train"
    assert app.selectbox(key="train-defense").value == "std"


def test_each_option_with_a_field_is_a_setting_that_cloning_fills():
    """A field of the config that gets an option of its own needs no line in cloning."""
    config = TrainConfig("folder", "/images", 24)
    shown = {train.key(config, f.name) for f in options.fields(TrainConfig) if f.option.in_form}
    assert len(shown) == sum(f.option.in_form for f in options.fields(TrainConfig))
    assert shown <= cloning._fields(config).keys()


def test_bounds_and_titles_of_numbers_are_those_of_the_options():
    app = open_page("train")
    field = options.field(TrainConfig, "epochs")
    epochs = app.number_input(key="train-epochs-digits")
    assert (epochs.label, epochs.min, epochs.max) == (
        field.title,
        field.option.minimum,
        field.option.maximum,
    )
