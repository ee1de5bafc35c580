"""A run in L2 on the pages: its margins are lengths, and what is in 1/255 leaves it out and says
so."""

import re
from dataclasses import replace

import duckdb
import pytest
import storing
from paging import open_page, spec, words

from app.sections import embedding_colours as colours
from app.selection import choices, image_query
from app.selection.filters import FINDS, Filters
from app.selection.selected import Selection
from smd import export
from smd.errors import UserError
from smd.runs import folders
from smd.store import reader
from smd.store.writer import Recorder

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
    assert "correct, found or reached > 0.25 L2" in {metric.label for metric in app.metric}
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


def asked(run, find, split="test", **more):
    """The images that a question of the filters means, of this run."""
    known = choices.of(run, {"split": split, "show": None})
    query = {"split": split, "find": FINDS[find], **more}
    return image_query.answer(run.store, Filters.from_query(query, known))


def test_verdicts_are_asked_for_in_the_norm_of_the_run(in_l2):
    wrong, right = (asked(in_l2, find, level="1 L2") for find in ("misclassified", "correct"))
    known = reader.predicted_classes(in_l2.store, "test", 1.0, "L2")
    assert set(wrong["idx"]) == set(known.loc[~known["ok"], "idx"])
    assert set(right["idx"]) == set(known.loc[known["ok"], "idx"])
    assert len(wrong) > 0


def test_the_closest_are_by_length(in_l2):
    with duckdb.connect(str(in_l2.store)) as con:  # it has learnt too little to have many
        con.execute("UPDATE margin SET clean_ok = true, margin = 0.1 * epoch + 0.001 * idx")
    rows = asked(in_l2, "closest", split="train", closest=10)
    kept = reader.margins(in_l2.store, 4).set_index("idx")["margin"]
    assert rows["margin_l2"].tolist() == pytest.approx(kept[rows["idx"]].tolist())
    assert len(rows) == 10
    found = rows["kind"] == "found"
    assert rows.loc[found, "margin_l2"].is_monotonic_increasing
    moved = asked(in_l2, "grew", split="train", between=(1, 4))
    assert len(moved) > 0
    assert moved["change_l2"].to_numpy() == pytest.approx(0.3)


def test_a_margin_is_held_against_attacks_in_its_own_norm_alone(in_l2):
    recorder = Recorder(in_l2.store)
    storing.estimate(recorder, [255 * 9] * 4, split="test", norm="L2", created=9e9)
    storing.attack(recorder, "autoattack", eps=1.0, ok=(1, 0, 0, 1), norm="L2", steps=0)
    recorder.flush()
    assert asked(in_l2, "overestimated", level="1 L2")["idx"].tolist() == [1, 2]
    mixed = Filters(
        "test",
        estimate=f"pgd:{8 / 255:.4f}:9000000000.0",
        find="overestimated",
        eps=1.0,
        eps_norm="L2",
    )
    with pytest.raises(UserError, match="neither can be held against the other"):
        image_query.answer(in_l2.store, mixed)


def test_tiles_and_words_say_lengths(opened):
    app = opened("samples", split="train", find="closest to the boundary")
    labels = [b.label for b in app.button if (b.key or "").startswith("open-samples-")]
    assert len(labels) == 24
    assert all(label.endswith(" L2") for label in labels)
    app = opened("samples", split="test", find="misclassified", level="1 L2")
    assert "misclassified at 1 L2" in words(app)
    level = next(one for one in app.selectbox if one.key == "level")
    assert (level.label, level.options) == (
        "Noise level ε (L2)",
        ["clean", "0.25 L2", "0.5 L2", "1 L2"],
    )


def test_attacks_shows_confusions_selected_images_and_clinical_numbers_in_l2(opened, in_l2):
    name = reader.class_names(in_l2.store)[3]
    app = opened("attacks", split="test", **{"class": [name]})
    level = next(one for one in app.segmented_control if one.key == "confusion")
    assert (level.label, level.value) == ("Noise level ε (L2)", "1 L2")
    assert re.search(r"images under CE-PGD, \d+ steps at 1 L2:", words(app))
    tables = [frame.value for frame in app.dataframe]
    selected = next(table for table in tables if "difference (points)" in table)
    assert selected["noise level"].tolist() == ["0.25 L2", "0.5 L2", "1 L2"]
    clinical = next(table for table in tables if "balanced accuracy (%)" in table)
    assert len(clinical) == 4
    assert COARSE not in clinical.to_csv()
    (which,) = [one for one in app.selectbox if one.key == "clinical-attack"]
    assert which.value == "the strongest at each level, L2"


def test_compare_has_clinical_numbers_and_a_name_for_the_level_in_l2(opened, in_l2):
    app = opened("compare")
    (level,) = [one for one in app.selectbox if (one.key or "").startswith("clinical-at-")]
    assert (level.label, level.value) == ("Noise level ε (L2)", "1")
    listed = next(frame.value for frame in app.dataframe if "attack" in frame.value)
    assert ", 1 L2, n = " in listed["attack"].item()


def test_clean_against_robust_accuracy_is_in_l2_where_most_have_seen_that(in_l2):
    table = reader.attack_table(in_l2.store)
    runs = {
        name: (replace(in_l2.config, defense=name, params={}), table.assign(norm=norm))
        for name, norm in (("smd", "L2"), ("std", "L2"), ("at", "Linf"))
    }
    points = export.pareto_points(runs, {})
    assert (set(points["defense"]), set(points["norm"])) == ({"smd", "std"}, {"L2"})
    assert set(points["eps"]) == {1.0}
    both = {name: runs[name] for name in ("smd", "at")}
    assert set(export.pareto_points(both, {})["norm"]) == {"Linf"}  # as many: in doubt that


def test_robustbench_has_the_run_in_its_norm(in_l2):
    cells = export.accuracy_cells({"a": (in_l2.config, reader.attack_table(in_l2.store))})
    entry = export.robustbench(in_l2.config, {}, cells, {})
    assert (entry["eps"], entry["smd_studio"]["norm"]) == ("1", "L2")
    strongest = cells[(cells["eps"] == 1.0) & (cells["split"] == "test")]
    assert entry["reported"] == f"{strongest['percent'].min():.2f}"
    assert entry["clean_acc"] is not None
    linf = cells.assign(norm="Linf")
    assert export.robustbench(in_l2.config, {}, linf, {})["reported"] is None


def test_a_run_that_was_attacked_in_the_other_norm_alone_shows_that(in_l2):
    with duckdb.connect(str(in_l2.store)) as con:
        con.execute("UPDATE attack SET norm = 'Linf'")
    known = choices.of(in_l2, {"split": "test", "show": None})
    assert (known.norm, len(known.levels)) == ("Linf", 3)
    assert not any("L2" in level for level in known.levels)


def test_the_embedding_s_colours_are_lengths(in_l2):
    known = choices.of(in_l2, {"split": "train", "show": None})
    filters = Filters.from_query({}, known)
    rows = image_query.answer(in_l2.store, filters)
    chosen = Selection(in_l2, filters, known, rows, len(rows), "")
    points = rows.assign(x=0.0, y=0.0, ok=True, pred=rows["label"])
    for by, form in ((colours.MARGIN, r"margin \d\.\d{3} L2"), (colours.CHANGE, r"margin [+-]\d")):
        table, finding = colours.coloured(chosen, points, by)
        assert all(re.match(form, said) and "/255" not in said for said in table["said"])
        assert "/255" not in finding
        _, scale = colours.layers(table, by, known.classes, filters.norm)
        assert "L2" in scale.title
