"""Figures: which run fills which, what is said where none does, and the files that are taken away."""

import json
import re
import shutil
import sys

import pytest
from storing import estimate
from test_pages import open_page, words

from smd import config, runs
from smd.config import MarginsConfig
from smd.jobs import launch
from smd.paths import REPOSITORY
from smd.store import reader
from smd.store.writer import Recorder
from smd.units import px

sys.path.insert(0, str(REPOSITORY / "app"))

import figure_files
import paper_figures


def drawn(**chosen):
    return {figure.name: figure for figure in paper_figures.of(runs.all_runs(), chosen)}


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr(launch, "wake_all", lambda: None)
    monkeypatch.setattr(launch, "submit", lambda folder: None)


def test_figures_take_the_newest_run_that_fits_and_say_what_is_missing(finished):
    smd_run, std_run = finished
    figures = drawn()
    assert {name for name, figure in figures.items() if figure.panels} == {"fig-6", "fig-8", "accuracy-noise"}
    assert smd_run.id[-4:] in figures["fig-6"].about
    assert figures["fig-5"].missing == MarginsConfig(std_run.id, "pgd", levels=px(8, 16), n=359)
    assert figures["fig-7"].missing.defense == "mma"


def test_fig_5_is_there_when_a_clean_network_has_been_probed_at_both_levels(finished):
    _, std_run = finished
    recorder = Recorder(std_run.store)
    for level in (8, 16):
        assert not drawn()["fig-5"].panels
        estimate(recorder, [1, 2, level], eps=level / 255, split="test", created=float(level))
    figure = drawn()["fig-5"]
    assert [panel.to_dict()["title"] for panel in figure.panels] == ["PGD 16/255", "PGD 8/255"]
    assert b"PGD 16/255" in figure_files.as_file(figure, "svg")


@pytest.mark.parametrize("name", ["fig-6", "fig-8", "accuracy-noise"])
def test_a_figure_is_as_wide_as_the_page_promises(finished, name):
    figure = drawn()[name]
    svg = figure_files.as_file(figure, "svg").decode()
    assert svg.startswith("<svg")
    assert f'width="{figure_files.INCHES}in"' in svg.split(">")[0]
    png = figure_files.as_file(figure, "png")
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == pytest.approx(figure_files.INCHES * figure_files.PPI, abs=3)
    pdf = figure_files.as_file(figure, "pdf")
    assert pdf.startswith(b"%PDF")
    wide = float(re.search(rb"/MediaBox\s*\[\s*[\d.]+\s+[\d.]+\s+([\d.]+)", pdf)[1])
    assert wide == pytest.approx(72 * figure_files.INCHES, abs=1)  # points, 72 an inch


def test_a_figure_leaves_as_vega_lite_with_its_data(finished):
    spec = json.loads(figure_files.as_file(drawn()["fig-6"], "json"))
    assert "vega-lite" in spec["$schema"]
    assert spec["datasets"]


def test_a_caption_names_the_run_its_epochs_and_its_seed_and_counts_kinds(finished):
    smd_run, _ = finished
    rows = reader.margins(smd_run.store, 3)
    far = rows[(rows["kind"] != "misclassified") & (rows["margin"] > px(8)[0])]
    about = drawn()["fig-6"].about
    assert f"{smd_run.id[16:]}: 3 epochs, seed 0, small-cnn, 300 training images" in about
    assert f"{len(far)} of 300 training images are correct with a margin beyond 8/255" in about
    assert f"for {int((far['kind'] == 'found').sum())} of these a boundary was found" in about


def test_the_accuracy_figure_names_its_runs_and_warns_where_they_are_unlike(finished):
    smd_run, std_run = finished
    figure = drawn()["accuracy-noise"]
    assert smd_run.id[-4:] in figure.about
    assert std_run.id[-4:] in figure.about
    assert figure.warning == ""
    path = std_run.folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "epochs": 5, "seed": 7}))
    assert drawn()["accuracy-noise"].warning == (
        "These runs differ in more than their defense: epochs (3, 5); seed (0, 7)."
    )


def test_another_run_of_a_defense_can_be_chosen(finished):
    smd_run, _ = finished
    other = smd_run.folder.with_name(smd_run.id.replace("smd", "smd-again"))
    shutil.copytree(smd_run.folder, other)
    one, two = (drawn(**{"fig-6": [i]})["fig-6"].about for i in (smd_run.id, other.name))
    assert "smd-again" in two
    assert "smd-again" not in one
    app = open_page("figures")
    for name, wanted in ((other.name, 1), (smd_run.id, 0)):
        app.selectbox(key="of-fig-6").set_value(name).run()
        assert not app.exception
        assert sum("smd-again" in c.value and "after epoch 3" in c.value for c in app.caption) == wanted


def test_a_data_set_with_trained_networks_is_shown_first(finished):
    from smd.config import TrainConfig

    runs.create(TrainConfig(data="fashion-mnist", epochs=2, device="cpu"))
    app = open_page("figures")
    assert app.selectbox(key="figures-data").value == "digits"


def test_a_figure_that_is_missing_is_made_by_one_click_and_never_twice(finished):
    _, std_run = finished
    app = open_page("figures")
    assert "PGD 8/255 and PGD 16/255 on 359 test images, seed 0" in words(app)
    assert "How long it takes is not known beforehand" in words(app)
    app.button(key="offer-fig-5").click().run()
    assert not app.exception
    (job,) = runs.estimations(std_run)
    assert config.read(MarginsConfig, job / "config.json") == MarginsConfig(std_run.id, "pgd", levels=px(8, 16), n=359)
    assert app.button(key="offer-fig-5").disabled
    assert open_page("figures").button(key="offer-fig-5").disabled


def test_the_page_shows_figures_and_commands(finished):
    app = open_page("figures")
    assert not app.exception
    text = words(app)
    assert "Fig. 6 · SMD's margins" in text
    assert any("--defense mma" in code.value for code in app.code)
    assert len(app.get("arrow_vega_lite_chart")) + len(app.get("vega_lite_chart")) == 3
