"""The Train form's network and normalisation: by title, typed, by name, in own numbers."""

import pytest
from paging import open_page, switch, type_new, words

from smd import registry
from smd.registry.normalisations import NORMALISATIONS, name_of
from smd.runs import folders

NET = "train-net-digits"


def typed(app, text):
    """Type into the network's field, as a browser sends it."""
    type_new(app.selectbox(key=NET), text)
    assert not app.exception
    return app


def commands(app):
    return " ".join(code.value for code in app.code)


@pytest.fixture(autouse=True)
def own_nets(tmp_path, monkeypatch):
    """A folder of own networks with one file, which must not be run."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "mine.py").write_text("def build(shape, classes):\n    1 / 0\n\n1 / 0\n")
    monkeypatch.setenv("SMD_NETS", str(tmp_path / "nets"))
    return tmp_path / "nets"


def test_networks_of_torchvision_and_own_files_are_offered():
    offered = open_page("train").selectbox(key=NET).options
    assert {"torchvision:resnet18", "mine.py:build"} < set(offered)


def test_a_broken_own_file_is_told(own_nets):
    (own_nets / "bad.py").write_text("def build(:")
    assert "bad.py is no Python" in words(open_page("train"))


@pytest.mark.parametrize("name", ["torchvision:resnet18", "mine.py:build"])
def test_a_network_beside_the_table_is_typed_and_trained(name):
    app = typed(open_page("train"), name)
    assert f"--net {name}" in commands(app)
    app.button(key="train").click().run()
    assert [run.config.net for run in folders.all_runs()] == [name]


def test_the_name_behind_the_colon_is_enough():
    assert "--net torchvision:resnet18 " in commands(typed(open_page("train"), "resnet18"))


def test_a_network_that_cannot_be_is_told_and_not_trained():
    app = typed(open_page("train"), "resnett")
    (told,) = [error.value for error in app.error if "resnett" in error.value]
    assert told.startswith("Network: There is no network 'resnett'")
    assert app.button(key="train").disabled
    assert "smd train" not in commands(app)
    assert registry.NETWORKS["small-cnn"].description not in words(app)
    typed(app, "wrn-28-4")
    assert not app.button(key="train").disabled


def test_a_typed_network_stays_when_the_page_is_left():
    app = typed(open_page("train"), "torchvision:resnet50")
    switch(app, "compare")
    switch(app, "train")
    assert app.selectbox(key=NET).value == "torchvision:resnet50"


def test_titles_of_networks_tell_them_apart():
    titles = [entry.title for entry in registry.NETWORKS.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", [name for name in NORMALISATIONS if name != "none"])
def test_a_normalisation_by_name_fills_in_its_numbers(name):
    entry = NORMALISATIONS[name]
    assert name_of(entry.mean, entry.std) == name
    app = open_page("train")
    app.selectbox(key="train-normalisation").set_value(name).run()
    assert f"--mean {','.join(map(str, entry.mean))}" in commands(app)
    app.button(key="train").click().run()
    (run,) = folders.all_runs()
    assert (run.config.mean, run.config.std) == (entry.mean, entry.std)


def test_own_numbers_begin_with_those_of_the_name_chosen_before():
    app = open_page("train")
    app.selectbox(key="train-normalisation").set_value("mnist").run()
    app.selectbox(key="train-normalisation").set_value("own").run()
    assert (app.text_input(key="train-mean").value, app.text_input(key="train-std").value) == (
        "0.1307",
        "0.3081",
    )
    app.text_input(key="train-std").set_value("0.5").run()
    assert "--mean 0.1307 --std 0.5" in commands(app)


@pytest.mark.parametrize(
    ("mean", "std", "sentence"),
    [
        ("0.5,half", "0.5,0.5", "'0.5,half' is no list of numbers"),
        ("0.5,0.5", "0.5", "go together"),
        ("0.5", "0", "must be above 0"),
    ],
)
def test_numbers_that_cannot_be_are_told(mean, std, sentence):
    app = open_page("train")
    app.selectbox(key="train-normalisation").set_value("own").run()
    app.text_input(key="train-mean").set_value(mean)
    app.text_input(key="train-std").set_value(std).run()
    assert sentence in words(app)
    assert app.button(key="train").disabled
