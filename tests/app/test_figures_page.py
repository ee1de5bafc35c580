"""Figures: which run fills which, what is said where none does, and the files that are taken away."""

import json
import sys

import pytest
from storing import estimate
from test_pages import open_page, words

from smd import runs
from smd.paths import REPOSITORY
from smd.store.writer import Recorder

sys.path.insert(0, str(REPOSITORY / "app"))

import paper_figures


def drawn():
    return {figure.name: figure for figure in paper_figures.of(runs.all_runs())}


def test_figures_take_the_newest_run_that_fits_and_say_what_is_missing(finished):
    smd_run, std_run = finished
    figures = drawn()
    assert {name for name, figure in figures.items() if figure.chart} == {"fig-6", "fig-8", "accuracy-noise"}
    assert smd_run.id[-4:] in figures["fig-6"].about
    assert f"margins {std_run.id} --method pgd --eps 8/255,16/255" in figures["fig-5"].missing
    assert "--defense mma" in figures["fig-7"].missing


def test_fig_5_is_there_when_a_clean_network_has_been_probed_at_both_levels(finished):
    _, std_run = finished
    recorder = Recorder(std_run.store)
    for level in (8, 16):
        assert drawn()["fig-5"].chart is None
        estimate(recorder, [1, 2, level], eps=level / 255, split="test", created=float(level))
    spec = drawn()["fig-5"].chart.to_dict()
    assert [panel["title"] for panel in spec["hconcat"]] == ["PGD 16/255", "PGD 8/255"]


@pytest.mark.parametrize("name", ["fig-6", "fig-8", "accuracy-noise"])
def test_a_figure_leaves_as_svg_png_and_vega_lite_at_paper_size(finished, name):
    figure = drawn()[name]
    svg = paper_figures.as_file(figure, "svg")
    assert svg.startswith(b"<svg")
    png = paper_figures.as_file(figure, "png")
    assert png.startswith(b"\x89PNG")
    width = int.from_bytes(png[16:20], "big")
    assert width > paper_figures.WIDTH * paper_figures.PPI / 96  # the plot alone, with its axis and legend beside
    spec = json.loads(paper_figures.as_file(figure, "json"))
    assert spec["width"] == paper_figures.WIDTH
    assert "vega-lite" in spec["$schema"]
    assert spec["datasets"]


def test_the_page_shows_figures_and_commands(finished):
    app = open_page("figures")
    assert not app.exception
    text = words(app)
    assert "Fig. 6 · SMD's margins" in text
    assert any("--defense mma" in code.value for code in app.code)
    assert len(app.get("arrow_vega_lite_chart")) + len(app.get("vega_lite_chart")) == 3
