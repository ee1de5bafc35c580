"""The Import page: what its form asks for, and what it says of imports that are over."""

from dataclasses import replace

import numpy as np
import pytest
from paging import open_page, type_new, words

from app.components import standing
from app.components.plain import plain
from app.sections import import_facts
from smd.config.schema import ImportConfig
from smd.jobs import Status, transitions
from smd.runs import folders
from smd.store.writer import Recorder

NASTY = "*wrong* :red[file] <b>"
ROW = {"title": "as given", "mean": [], "std": [], "bgr": False, "accuracy": 0.4, "n": 200}
MNIST = {**ROW, "title": "MNIST", "mean": [0.1307], "std": [0.3081], "accuracy": 0.9}
BGR = {**ROW, "title": "as given, channels as BGR", "bgr": True, "accuracy": 0.9}


@pytest.fixture
def weights(tmp_path):
    """A file that is there; no page opens it."""
    path = tmp_path / "weights.pt"
    path.write_bytes(b"")
    return path


def filled(path):
    app = open_page("import")
    app.text_input(key="import-file").set_value(str(path)).run()
    assert not app.exception
    return app


def done(weights, state="finished", error="", **about):
    """An import that is over, with what its store says of it."""
    run = folders.create(ImportConfig(file=str(weights)))
    status = transitions.own(run.status)
    transitions.write(run.folder, replace(status, state=state, error=error))
    labels = np.zeros(3, np.int64)
    meta = {"classes": ["a", "b"], "shape": [1, 8, 8], **about}
    Recorder(run.store).start(meta, {"test": (labels, np.arange(3))})
    return run


def test_the_form_starts_the_import_that_its_command_describes(weights):
    app = filled(weights)
    type_new(app.selectbox(key="import-net"), "torchvision:resnet18")
    app.selectbox(key="import-normalisation").set_value("mnist")
    app.toggle(key="import-new-head").set_value(True).run()
    (command,) = [code.value for code in app.code]
    assert f"import {weights} --data digits --net torchvision:resnet18" in command
    assert "--mean 0.1307 --std 0.3081" in command and "--new-head" in command
    app.button(key="import").click().run()
    assert not app.exception
    (run,) = folders.all_runs()
    assert run.config == ImportConfig(
        net="torchvision:resnet18",
        file=str(weights),
        mean=(0.1307,),
        std=(0.3081,),
        new_head=True,
    )
    assert "Imported networks" in words(app)


def test_nothing_can_be_imported_before_a_file_is_named():
    app = open_page("import")
    assert app.button(key="import").disabled
    assert "Imported networks" not in words(app)


def test_a_file_that_is_not_there_is_told_and_leaves_no_run(tmp_path):
    app = filled(tmp_path / "nowhere.pt")
    app.button(key="import").click().run()
    assert "check the path to the weights" in words(app)
    assert folders.all_runs() == []


def test_a_whole_network_needs_no_name(tmp_path):
    (tmp_path / "network.onnx").write_bytes(b"")
    app = filled(tmp_path / "network.onnx")
    assert "holds the whole network" in words(app)
    assert "import-net" not in {box.key for box in app.selectbox}
    app.button(key="import").click().run()
    (run,) = folders.all_runs()
    assert (run.config.net, run.config.new_head) == (".onnx", False)


def test_own_images_are_given_as_on_the_train_page(weights, tmp_path):
    (tmp_path / "images").mkdir()
    app = filled(weights)
    app.selectbox(key="import-data").set_value("folder").run()
    app.text_input(key="train-path").set_value(str(tmp_path / "images")).run()
    assert f"--path {tmp_path / 'images'}" in " ".join(code.value for code in app.code)


def test_a_better_preprocessing_is_pointed_out_and_imported_with(weights):
    rows = {"preprocessing": [ROW, MNIST], "preprocessing_better": 1}
    done(weights, preprocessing_advice=f"MNIST is better {NASTY}.", **rows)
    app = open_page("import")
    assert not app.exception
    assert {m.label: m.value for m in app.metric}["Clean accuracy"] == "40.00 %"
    assert plain(f"MNIST is better {NASTY}.") in words(app)
    table = app.dataframe[0].value
    assert table["preprocessing"].tolist() == ["as given", "MNIST"]
    assert table["clean (test, %)"].tolist() == [40, 90]
    app.button(key="import-again").click().run()
    assert [run.config.mean for run in folders.all_runs()] == [(0.1307,), ()]


def test_channels_that_change_places_have_no_button(weights):
    done(weights, preprocessing=[ROW, BGR], preprocessing_better=1, preprocessing_advice="BGR.")
    app = open_page("import")
    assert "BGR." in words(app)
    assert "import-again" not in {button.key for button in app.button}


def test_cautions_and_notes_of_the_file_are_shown_as_they_are(weights):
    done(weights, weights_notes=[NASTY, "Unwrapped."], network_cautions=["It is random."])
    text = words(open_page("import"))
    assert plain(NASTY) in text and NASTY not in text
    assert "It is random." in text


@pytest.mark.parametrize(
    "rows",
    ["no list", [1], [{}], [{**ROW, "n": 0}], [{**ROW, "accuracy": 7}], [{**ROW, "mean": 1}]],
)
def test_a_store_from_elsewhere_may_say_anything(weights, rows):
    run = done(weights, preprocessing=rows, preprocessing_better=1, weights_notes=[3, NASTY])
    assert import_facts.read(run) == import_facts.Facts(notes=(NASTY,))
    assert not open_page("import").exception


def test_an_import_that_failed_says_why_and_can_be_deleted(weights):
    done(weights, "failed", NASTY)
    app = open_page("import")
    assert plain(NASTY) in words(app)
    app.button(key="import-delete").click().run()
    assert folders.all_runs() == []


def test_live_shows_what_was_found(weights):
    run = done(weights, preprocessing=[MNIST])
    app = open_page("live", run=run.id)
    assert {m.label: m.value for m in app.metric}["Clean accuracy"] == "90.00 %"
    assert "gone or incomplete" not in words(app)


@pytest.mark.parametrize("state", ["running", "cancelled", "lost", "failed", "finished"])
def test_how_an_import_stands_is_said_without_its_epochs(state):
    said = standing.words(Status(state=state, kind="import"), "Margins appear", "it is done")
    assert "import" in said and "epoch" not in said


def test_one_of_several_imports_is_chosen(weights):
    first = done(weights, preprocessing=[MNIST])
    done(weights, preprocessing=[ROW])
    app = open_page("import")
    assert app.metric[0].value == "40.00 %"
    app.selectbox(key="import-shown-2").set_value(first.id.split("-", 2)[-1]).run()
    assert app.metric[0].value == "90.00 %"
