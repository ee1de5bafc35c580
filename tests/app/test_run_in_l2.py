"""A run in L2 on the pages: its margins are lengths, and what is in 1/255 leaves it out and says
so."""

import pytest
from paging import open_page, spec, words

from smd.runs import folders

COARSE = "1/255"


@pytest.fixture
def opened(in_l2):
    return lambda page, **query: open_page(page, run=in_l2.id, **query)


def test_live_shows_lengths(opened):
    app = opened("live")
    shown = {metric.label: metric.value for metric in app.metric}
    assert "Robust accuracy, ε = 1 L2" in shown
    assert next(v for k, v in shown.items() if k.startswith("Median")).endswith(" L2")
    charts = [chart.proto.spec for chart in app.get("vega_lite_chart")]
    assert any("margin (L2)" in chart for chart in charts)
    assert not any(COARSE in chart for chart in charts)


def test_margins_are_drawn_as_lengths_and_the_views_in_pixel_steps_left_out(opened):
    app = opened("margins")
    assert "Margins of the training images after epoch 4" in words(app)
    assert "correct, margin > 0.25 L2" in {metric.label for metric in app.metric}
    assert "there are none" in words(app)
    assert not [one for one in app.segmented_control if one.key == "view"]
    assert not [one for one in app.slider if one.key == "range"]
    assert "This run is in L2" in words(app)
    assert COARSE not in str(spec(app))


def test_samples_show_an_images_margin_as_a_length(opened):
    app = opened("samples", sample="3")
    assert "After epoch 4:" in words(app)
    assert "/255" not in words(app).split("After epoch 4:")[1].split(":")[0]


def test_compare_ranks_runs_in_l2_among_themselves(opened):
    app = opened("compare")
    assert "Accuracy against the noise level" in words(app)
    app = opened("attacks")
    assert "Worst case of CE-PGD" in words(app)


def test_the_paper_s_figures_of_margins_ask_for_a_run_in_linf(opened):
    assert "It takes a run of SMD with its margins, in L∞." in words(opened("figures"))


def test_the_forms_begin_with_the_runs_norm(opened, in_l2):
    app = opened("attacks")
    levels = next(one for one in app.text_input if one.key == "eps-L2")
    assert levels.value == "0.25,0.5,1"
    assert any("--norm L2" in code.value for code in app.code)
    app = opened("margins", split="test")
    assert any("estimate" in code.value and "--norm L2" in code.value for code in app.code)


def test_the_train_form_trains_in_l2_and_says_who_does_not(finished):
    app = open_page("train")
    norm = next(one for one in app.segmented_control if one.key == "train-norm")
    norm.set_value("L2").run()
    assert any("--norm L2" in code.value for code in app.code)
    defense = next(one for one in app.selectbox if one.key == "train-defense")
    defense.set_value("at").run()
    assert "AT is not trained in L2" in words(app)


def test_runs_of_both_norms_are_compared_each_in_its_own(in_l2, finished):
    smd, _ = finished
    in_two = next(run for run in folders.all_runs() if run.config.norm == "L2")
    app = open_page("compare", compare=[smd.id, in_two.id])
    measure = next(one for one in app.multiselect if one.key == "measures")
    assert "mean margin (train, 1/255)" in measure.options
    assert "mean margin (train, L2 lengths)" in measure.options
    assert not app.exception
