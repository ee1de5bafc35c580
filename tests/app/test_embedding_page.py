"""The Embedding page: what it draws, what its colours tell, what is drawn around in it, and the
form that makes it."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from paging import open_page, switch, tiles, words
from storing import attack

from app.charts import embedding
from app.sections import embedding_colours
from app.selection import region
from smd.config import schema
from smd.config.schema import EmbeddingConfig
from smd.runs import folders
from smd.store.records import EmbeddingRecord, Points
from smd.store.writer import Recorder


def mapped(run, split="train", n=40, pairs=5):
    """An embedding: sample i lies at (i, 0) and its adversarial example at (i, 1)."""
    idx = np.concatenate([np.arange(n), np.arange(pairs)])
    adversarial = np.repeat([False, True], [n, pairs])
    ok = np.concatenate([np.arange(n) > 1, np.zeros(pairs, bool)])
    points = Points(
        idx,
        adversarial,
        idx.astype(np.float32),
        adversarial.astype(np.float32),
        np.zeros(n + pairs, int),
        ok,
    )
    record = EmbeddingRecord(
        f"m-{split}", split, n, pairs, 8 / 255, 0, "umap-learn", "0", 1.0, "j", 1.0
    )
    Recorder(run.store).embedding(record, points)


def option(app):
    return json.loads(app.get("echarts_chart")[0].proto.spec)


def test_without_an_embedding_the_page_offers_to_make_one(finished):
    run, _ = finished
    app = open_page("embedding", run=run.id)
    assert "There is no embedding of the training images yet." in words(app)
    assert f"python -m smd embedding {run.id} --split train --n 300" in app.code[0].value
    app.button(key="start-map").click().run()
    assert not app.exception
    (job,) = folders.jobs_of(run, "embed")
    assert schema.read(EmbeddingConfig, job / "config.json") == EmbeddingConfig(
        run.id, split="train", n=300
    )


def test_a_run_that_is_not_over_says_when_an_embedding_can_be(request):
    import kinds

    run = kinds.make("running", request)
    assert "when the training is over" in words(open_page("embedding", run=run.id))


def test_an_embedding_says_how_many_are_misclassified(finished):
    run, _ = finished
    mapped(run)
    app = open_page("embedding", run=run.id)
    assert "2 of 40 images are misclassified." in words(app)
    assert "300 training images" in words(app)


def test_what_was_drawn_around_in_the_link_is_selected(finished):
    run, _ = finished
    mapped(run)
    region = "m-train~4.5~-1~8.5~-1~8.5~1~4.5~1"
    app = open_page("embedding", run=run.id, region=region)
    assert "4 of 300 training images" in words(app)
    assert tiles(app, "map") == [5, 6, 7, 8]
    switch(app, "samples")
    assert tiles(app, "samples") == [5, 6, 7, 8]
    app.button(key="clear-selection").click().run()
    assert "300 training images" in words(app)
    assert "region" not in app.query_params


@pytest.mark.slow
def test_the_page_s_old_address_leads_to_it_with_all_that_it_says(finished):
    run, _ = finished
    mapped(run)
    app = open_page("map", run=run.id, region="m-train~4.5~-1~8.5~-1~8.5~1~4.5~1")
    assert app.title[0].value == "Embedding"
    assert "4 of 300 training images" in words(app)
    assert tiles(app, "map") == [5, 6, 7, 8]


@pytest.mark.slow
def test_an_embedding_is_coloured_by_what_the_store_allows(finished):
    run, std = finished
    mapped(run)
    mapped(std)
    own = next(
        group
        for group in open_page("embedding", run=run.id).get("button_group")
        if group.key == "colour"
    )
    assert own.options == ["class", "margin", "change of margin"]
    bare = next(
        g
        for g in open_page("embedding", run=std.id, split="train").get("button_group")
        if g.key == "colour"
    )
    assert bare.options == ["class"]


def test_the_verdict_of_the_strongest_attack_colours_the_embedding(finished):
    run, _ = finished
    mapped(run, "test", n=4, pairs=0)
    recorder = Recorder(run.store)
    attack(
        recorder,
        "autoattack",
        eps=64 / 255,
        ok=(1, 0, 0, 1),
        stage=(-1, 1, 0, -1),
        stages=("apgd-ce",),
        created=9e9,
    )
    app = open_page("embedding", run=run.id, split="test", colour="verdict")
    assert "Under AutoAttack, 20 steps at 64/255, 2 images are robust and 1 are fooled." in words(
        app
    )


def test_the_margin_s_colours_begin_at_zero_and_a_change_s_are_even_around_it():
    table = pd.DataFrame({"value": [1.0, 9.0], "class": ["a", "b"]})
    _, margin = embedding_colours.layers(table, embedding_colours.MARGIN, ("a", "b"))
    _, change = embedding_colours.layers(table, embedding_colours.CHANGE, ("a", "b"))
    assert (margin.low, margin.high) == (0.0, 9.0)
    assert (change.low, change.high) == (-9.0, 9.0)


def test_a_class_keeps_its_colour_whichever_images_are_selected():
    table = pd.DataFrame({"value": ["a", "b", "c"], "class": ["a", "b", "c"]})
    every, _ = embedding_colours.layers(table, embedding_colours.CLASS, ("a", "b", "c"))
    some, _ = embedding_colours.layers(table.iloc[1:], embedding_colours.CLASS, ("a", "b", "c"))
    assert {layer.name: layer.colour for layer in some}.items() <= {
        layer.name: layer.colour for layer in every
    }.items()
    assert [layer.name for layer in some] == ["b", "c"]


def test_lines_join_each_image_with_its_adversarial_example():
    rows = pd.DataFrame(
        {"x": [0.0], "y": [1.0], "id": [7], "class": ["a"], "value": ["a"], "said": [""]}
    )
    pairs = rows.assign(adversarial_x=2.0, adversarial_y=3.0)
    chart = embedding.option([embedding.Layer("a", rows, "#123456")], rows.iloc[:0], pairs, None)
    (lines,) = [series for series in chart["series"] if series["type"] == "lines"]
    assert lines["data"] == [{"coords": [[0.0, 1.0], [2.0, 3.0]]}]
    assert len(chart["dataset"]) == 2


def test_images_that_are_not_selected_stay_as_a_gray_ground():
    rows = pd.DataFrame(
        {"x": [0.0], "y": [1.0], "id": [7], "class": ["a"], "value": [3.0], "said": [""]}
    )
    scale = embedding.Scale("margin (1/255)", 0, 9, embedding.RISING)
    chart = embedding.option([embedding.Layer("margin", rows)], rows, pd.DataFrame(), scale)
    assert [series["name"] for series in chart["series"]] == ["others", "margin"]
    assert chart["visualMap"]["seriesIndex"] == [1]
    faded = chart["series"][0]
    assert faded["datasetIndex"] == 1


def contrast(colour, ground):
    """Of a point of the map against the page, as WCAG has it."""

    def light(rgb):
        linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05

    low, high = sorted(
        (light(embedding.OPACITY * colour + (1 - embedding.OPACITY) * ground), light(ground))
    )
    return high / low


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("scale", ["RISING", "AROUND_ZERO"])
def test_every_value_of_a_scale_stands_out_against_the_page(scale, theme):
    import tomllib

    from smd.paths import AROUND as REPOSITORY

    def rgb(text):
        return np.array([int(text[k : k + 2], 16) / 255 for k in (1, 3, 5)])

    themes = tomllib.loads((REPOSITORY / ".streamlit" / "config.toml").read_text())["theme"]
    ground, stops = (
        rgb(themes[theme]["backgroundColor"]),
        [rgb(c) for c in getattr(embedding, scale)],
    )
    between = [a + t * (b - a) for a, b in pairwise(stops) for t in np.linspace(0, 1, 11)]
    assert min(contrast(colour, ground) for colour in between) >= 3


def test_the_legend_lies_under_the_tools_whatever_it_is():
    rows = pd.DataFrame(
        {"x": [0.0], "y": [1.0], "id": [7], "class": ["a"], "value": [3.0], "said": [""]}
    )
    scale = embedding.Scale("margin (1/255)", 0, 9, embedding.RISING)
    for chart, legend in (
        (
            embedding.option(
                [embedding.Layer("margin", rows)], rows.iloc[:0], pd.DataFrame(), scale
            ),
            "visualMap",
        ),
        (
            embedding.option(
                [embedding.Layer("a", rows, "#123456")], rows.iloc[:0], pd.DataFrame(), None
            ),
            "legend",
        ),
    ):
        tools = chart["toolbox"]
        # 5 of padding on either side
        assert chart[legend]["top"] >= tools["top"] + tools["itemSize"] + 10
        assert chart["grid"]["top"] > chart[legend]["top"] + 40


def test_a_clicked_point_is_that_of_its_own_layer_also_behind_faded_ones():
    at = {"x": [0.0, 1.0], "y": [0.0, 1.0], "said": ["", ""], "class": ["a", "a"], "value": [1, 2]}
    own = pd.DataFrame({**at, "id": [4, 9]})
    others = pd.DataFrame({**at, "id": [7, 2]})
    pairs = own.assign(adversarial_x=2.0, adversarial_y=2.0)
    drawn = embedding.option([embedding.Layer("a", own)], others, pairs, None)
    names = [series.get("name") for series in drawn["series"]]

    def ids(name, *at):
        group = {"series_index": names.index(name), "data_indices": list(at)}
        return embedding.clicked(drawn, [group])

    assert ids("others", 1) == [2]
    assert ids("a", 0, 1) == [4, 9]
    assert ids("adversarial example", 1) == [9]
    assert ids("a", 5) == []  # of a chart that was another
    assert embedding.clicked(drawn, []) == []


def test_points_bring_a_picture_of_their_image_unless_they_are_too_many(finished, monkeypatch):
    run, _ = finished
    mapped(run)
    app = open_page("embedding", run=run.id, region="m-train~4.5~-1~8.5~-1~8.5~1~4.5~1")
    formatters = [s.get("tooltip", {}).get("formatter", "") for s in option(app)["series"]]
    assert {"<img" in formatter for formatter in formatters} == {
        True,
        False,
    }  # faded ones have none
    monkeypatch.setattr("app.views.embedding.MOST_PICTURES", 3)
    app = open_page("embedding", run=run.id, region="m-train~4.5~-1~8.5~-1~8.5~1~4.5~1")
    assert "<img" not in json.dumps(option(app))


def test_a_clicked_point_opens_its_image_and_keeps_what_was_drawn_around(finished, monkeypatch):
    run, _ = finished
    mapped(run)
    region = "m-train~4.5~-1~8.5~-1~8.5~1~4.5~1"
    app = open_page("embedding", run=run.id, region=region)
    app.session_state["clicked-map"] = True
    app.session_state["sample"] = 7
    app.run()
    assert app.title[0].value == "Samples"
    assert "Image 7 ·" in words(app)
    assert "**3** of 4" in words(app)
    assert app.query_params["region"] == region


def test_by_the_keyboard_an_image_and_those_nearest_to_it_are_selected(finished):
    run, _ = finished
    mapped(run)
    app = open_page("embedding", run=run.id, sample="12")
    app.number_input(key="around-image").set_value(12).run()
    app.button_group(key="around-many").set_value(10).run()
    app.button(key="around-select").click().run()
    assert not app.exception
    assert "11 of 300 training images" in words(app)  # 7 to 17: on a line the last two are as far
    assert tiles(app, "map") == list(range(7, 18))
    assert "m-train~" in str(app.query_params["region"])
    app.number_input(key="around-image").set_value(39).run()
    assert not app.button(key="around-select").disabled


@pytest.mark.parametrize(("n", "most"), [(1, 1), (24, 24), (100, 100), (900, 300)])
def test_a_circle_holds_about_so_many(n, most):
    draw = np.random.default_rng(n)
    x, y = draw.normal(0, 6, (2, 300))
    circle = region.around("m", x, y, 17, n)
    assert len(circle.corners) <= region.MOST_CORNERS
    again = region.parse(circle.text())
    held = again.holds(x, y)
    assert held[17]
    assert held.sum() == pytest.approx(most, abs=2)
