"""Figures: which run fills which, what is said where none does, and the files that are taken
away.
"""

import json
import os
import re
import shutil
from dataclasses import replace

import duckdb
import numpy as np
import pytest
from paging import open_page, words
from storing import attack, estimate

from app.charts import files
from app.charts.paper import runs as figure_runs
from app.charts.paper import table
from smd.config import schema
from smd.config.schema import EstimateConfig
from smd.runs import folders
from smd.store import reader
from smd.store.records import EstimateRecord, Margins
from smd.store.writer import Recorder
from smd.units import px


def drawn(**chosen):
    return {figure.name: figure for figure in table.of(folders.all_runs(), chosen)}


def test_figures_take_the_newest_run_that_fits_and_say_what_is_missing(finished):
    smd_run, std_run = finished
    figures = drawn()
    assert {name for name, figure in figures.items() if figure.panels} == {
        "fig-6",
        "fig-8",
        "accuracy-noise",
    }
    assert smd_run.id[-4:] in figures["fig-6"].about
    assert figures["fig-5"].missing == EstimateConfig(std_run.id, "pgd", levels=px(8, 16), n=359)
    assert figures["fig-7"].missing.defense == "mma"


@pytest.mark.slow
def test_fig_5_is_there_when_a_clean_network_has_been_probed_at_both_levels(finished):
    _, std_run = finished
    recorder = Recorder(std_run.store)
    for level in (8, 16):
        assert not drawn()["fig-5"].panels
        estimate(recorder, [1, 2, level], eps=level / 255, split="test", created=float(level))
    figure = drawn()["fig-5"]
    assert [panel.to_dict()["title"] for panel in figure.panels] == ["PGD 16/255", "PGD 8/255"]
    assert b"PGD 16/255" in files.as_file(figure, "svg")


def test_fig_5_compares_no_estimates_of_other_images(finished):
    """As many images may be others: a store of an earlier version says not which were picked."""
    _, std_run = finished
    recorder, n = Recorder(std_run.store), 3
    for level, ids in ((8, [0, 1, 2]), (16, [0, 1, 3])):
        about = {"split": "test", "n": n, "package": "smd", "version": "1", "seconds": 1.0}
        about |= {"seed": 0, "norm": "Linf", "job": "j", "created": float(level)}
        record = EstimateRecord(f"j:{level}", "pgd", eps=level / 255, **about)
        yes = np.ones(n, bool)
        recorder.estimate(record, Margins(np.array(ids), np.float32([0.01] * n), yes, yes))
    recorder.flush()
    assert not drawn()["fig-5"].panels


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fig-6", "fig-8", "accuracy-noise"])
def test_a_figure_is_as_wide_as_the_page_promises(finished, name):
    figure = drawn()[name]
    svg = files.as_file(figure, "svg").decode()
    assert svg.startswith("<svg")
    wide = float(re.search(r' width="([\d.]+)in"', svg.split(">")[0])[1])
    assert wide == pytest.approx(files.INCHES, abs=0.01)
    png = files.as_file(figure, "png")
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == pytest.approx(files.INCHES * files.PPI, abs=3)
    pdf = files.as_file(figure, "pdf")
    assert pdf.startswith(b"%PDF")
    wide = float(re.search(rb"/MediaBox\s*\[\s*[\d.]+\s+[\d.]+\s+([\d.]+)", pdf)[1])
    assert wide == pytest.approx(72 * files.INCHES, abs=1)  # points, 72 an inch


@pytest.mark.slow
def test_fig_5_with_its_two_plots_is_as_wide_as_any(finished):
    _, std_run = finished
    for level in (8, 16):
        estimate(
            Recorder(std_run.store),
            [1, 2, level],
            eps=level / 255,
            split="test",
            created=float(level),
        )
    figure = drawn()["fig-5"]
    wide = re.search(rb' width="([\d.]+)in"', files.as_file(figure, "svg"))[1]
    assert float(wide) == pytest.approx(files.INCHES, abs=0.01)
    assert "PGD 16/255: 3 found, 0 reached, 0 misclassified" in figure.about
    assert (
        "On the 3 images that met a boundary within both, the medians are 2.0/255 and 2.0/255."
        in figure.about
    )


def test_found_reached_and_misclassified_are_bars_of_their_own(finished):
    smd_run, _ = finished
    with duckdb.connect(
        str(smd_run.store)
    ) as con:  # whether three epochs meet a boundary is left to chance
        con.execute("INSERT INTO margin_hist SELECT max(epoch), 'found', 2, 1 FROM margin_hist")
    spec = drawn()["fig-6"].panels[0].to_dict()
    rows = next(rows for rows in spec["datasets"].values() if "kind" in rows[0])
    assert {row["kind"] for row in rows} == {"found", "reached", "misclassified"}
    assert all((row["high"] <= 0) == (row["kind"] == "misclassified") for row in rows)
    colours = spec["layer"][0]["encoding"]["color"]["scale"]
    assert len(set(colours["range"])) == len(colours["domain"]) == 3


def test_a_figure_leaves_as_vega_lite_with_its_data(finished):
    spec = json.loads(files.as_file(drawn()["fig-6"], "json"))
    assert "vega-lite" in spec["$schema"]
    assert spec["datasets"]


def test_a_caption_names_the_run_its_epochs_and_its_seed_and_counts_kinds(finished):
    smd_run, _ = finished
    rows = reader.margins(smd_run.store, 3)
    far = rows[(rows["kind"] != "misclassified") & (rows["margin"] > px(8)[0])]
    about = drawn()["fig-6"].about
    assert f"{smd_run.id[16:]}: 3 epochs, seed 0, small-cnn, 300 training images" in about
    assert (
        f"{len(far)} of 300 training images are classified correctly and beyond 8/255; of these"
        in about
    )
    found, reached = (int((far["kind"] == kind).sum()) for kind in ("found", "reached"))
    assert f"of these {found} found, {reached} reached." in about
    every = rows["kind"].value_counts()
    assert (
        ", ".join(f"{every.get(kind, 0)} {kind}" for kind in ("found", "reached", "misclassified"))
        in about
    )


@pytest.mark.slow
def test_the_accuracy_figure_names_its_runs_and_warns_where_they_are_unlike(finished):
    smd_run, std_run = finished
    figure = drawn()["accuracy-noise"]
    assert smd_run.id[-4:] in figure.about
    assert std_run.id[-4:] in figure.about
    assert figure.warning == ""
    assert not open_page("figures").warning
    path = std_run.folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "epochs": 5, "seed": 7}))
    one, two = smd_run.id[-4:], std_run.id[-4:]
    assert (
        drawn()["accuracy-noise"].warning
        == f"These runs differ in more than their defense: epochs 5 ({two}), 3 ({one}); seed 7"
        f" ({two}), 0 ({one})."
    )
    # of Figs. 5 to 8 those of one run alone are drawn
    assert len(open_page("figures").warning) == 1


def test_the_runs_of_the_other_figures_are_compared_above_them(finished):
    _, std_run = finished
    for level in (8, 16):
        estimate(
            Recorder(std_run.store),
            [1, 2, level],
            eps=level / 255,
            split="test",
            created=float(level),
        )
    path = std_run.folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "epochs": 5}))
    first = open_page("figures").warning[0].value
    assert first.startswith("The runs of Figs. 5 to 8 differ in more than their defense: epochs 5")


def test_the_number_of_training_images_is_what_the_run_had(finished):
    """Not what its config says: 0 there means all."""
    smd_run, std_run = finished
    path = std_run.folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "n_train": 0}))
    assert figure_runs.differing([smd_run, std_run]) == []


def test_a_training_that_is_proposed_has_the_images_and_splits_of_the_newest_run():
    own = {"data_path": "scans.zip", "labels": "t.csv", "columns": "site=", "allow_leaks": True}
    base = schema.TrainConfig(data="folder", folds=5, fold=2, **own)
    assert figure_runs.like(base, "std") == replace(base, defense="std", params={})


def test_an_attack_in_l2_stands_on_no_axis_of_pixel_steps(finished):
    for run in finished:
        for k, eps in enumerate((0.25, 0.5, 1.0, 1.5, 2.0), start=1):
            attack(Recorder(run.store), eps=eps, norm="L2", created=float(k))
    figure = drawn()["accuracy-noise"]
    assert "CE-PGD, 20 steps" in figure.about
    rows = next(iter(figure.panels[0].to_dict()["datasets"].values()))
    assert max(row["eps"] for row in rows) == pytest.approx(32 / 255)


def test_runs_that_the_attack_has_not_seen_are_named(finished):
    _, std_run = finished
    with duckdb.connect(str(std_run.store)) as con:
        con.execute("UPDATE attack SET split = 'val' WHERE split = 'test'")
    about = drawn()["accuracy-noise"].about
    assert (
        f"Not drawn, as they have not seen this attack on digits: {std_run.id.split('-', 2)[-1]}."
        in about
    )


@pytest.mark.slow
def test_another_run_of_a_defense_can_be_chosen(finished):
    smd_run, _ = finished
    other = smd_run.folder.with_name(smd_run.id.replace("smd", "smd-again"))
    shutil.copytree(smd_run.folder, other)
    os.utime(other / "config.json", (0, 0))  # so that it is the older one
    assert f"{smd_run.id[16:]}: 3 epochs" in drawn()["fig-6"].about
    assert f"{other.name[16:]}: 3 epochs" in drawn(**{"fig-6": [other.name]})["fig-6"].about
    app = open_page("figures")
    app.selectbox(key="of-fig-6").set_value(other.name).run()
    assert not app.exception
    assert f"{other.name[16:]}: 3 epochs" in words(app)
    linked = open_page("figures", **{"of-fig-6": other.name[16:]})
    assert f"{other.name[16:]}: 3 epochs" in words(linked)


def test_the_list_of_runs_names_those_that_are_drawn(finished):
    smd_run, std_run = finished
    app = open_page("figures")
    assert sorted(app.multiselect(key="of-accuracy-noise").value) == sorted(
        [smd_run.id, std_run.id]
    )
    app.multiselect(key="of-accuracy-noise").set_value([std_run.id]).run()
    assert not app.exception
    assert (
        sum("CE-PGD, 20 steps" in c.value and smd_run.id[-4:] in c.value for c in app.caption) == 0
    )


@pytest.mark.slow
def test_runs_of_another_data_set_are_forgotten_with_it(finished):
    smd_run, _ = finished
    again = smd_run.folder.with_name(smd_run.id.replace("smd", "smd-again"))
    for k, (name, data_set) in enumerate(
        (("smd-again", "digits"), ("smd-other", "svhn"), ("smd-more", "svhn"))
    ):
        copy = smd_run.folder.with_name(smd_run.id.replace("smd", name))
        shutil.copytree(smd_run.folder, copy)
        path = copy / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "data": data_set}))
        os.utime(path, (k, k))
    app = open_page("figures")
    app.selectbox(key="of-fig-6").set_value(again.name).run()
    app.selectbox(key="figures-data").set_value("svhn").run()
    assert not app.exception
    assert "smd-more" in app.selectbox(key="of-fig-6").value  # the newest there


def test_a_data_set_with_trained_networks_is_shown_first(finished):
    from smd.config.schema import TrainConfig

    folders.create(TrainConfig(data="fashion-mnist", epochs=2, device="cpu"))
    app = open_page("figures")
    assert app.selectbox(key="figures-data").value == "digits"


@pytest.mark.slow
def test_a_figure_that_is_missing_is_made_by_one_click_and_never_twice(finished):
    _, std_run = finished
    app = open_page("figures")
    assert "PGD 8/255 and PGD 16/255 on 359 test images, seed 0" in words(app)
    assert "How long it takes is not known beforehand" in words(app)
    app.button(key="offer-fig-5").click().run()
    assert not app.exception
    (job,) = folders.jobs_of(std_run, "margins")
    assert schema.read(EstimateConfig, job / "config.json") == EstimateConfig(
        std_run.id, "pgd", levels=px(8, 16), n=359
    )
    assert app.button(key="offer-fig-5").disabled
    assert open_page("figures").button(key="offer-fig-5").disabled


def test_the_page_shows_figures_and_commands(finished):
    app = open_page("figures")
    assert not app.exception
    text = words(app)
    assert "Fig. 6 · SMD's margins" in text
    assert any("--defense mma" in code.value for code in app.code)
    assert len(app.get("arrow_vega_lite_chart")) + len(app.get("vega_lite_chart")) == 3


@pytest.mark.slow
def test_fig_5_pairs_estimates_of_one_network_alone(finished):
    _, std_run = finished
    recorder = Recorder(std_run.store)
    about = {"split": "test", "eps": 16 / 255}
    estimate(recorder, [1, 2, 3], created=1.0, **about)
    estimate(recorder, [1, 2, 3], eps=8 / 255, split="test", created=2.0, weights="ema")
    assert not drawn()["fig-5"].panels  # one level of each network
    estimate(recorder, [1, 2, 3], created=3.0, weights="ema", **about)
    figure = drawn()["fig-5"]
    assert figure.panels and "averaged weights" in figure.about
    estimate(recorder, [1, 2, 4], eps=8 / 255, split="test", created=1.5)
    assert "averaged weights" not in drawn()["fig-5"].about
