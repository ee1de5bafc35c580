"""Margins class by class, from one epoch or run to another, and the forces of Theorem 3.1."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from paging import open_page, spec, tiles, words
from storing import N, epoch, started

from app.charts import forces as force_charts
from app.charts import margins, style
from app.sections import class_margins, force_words, margin_flow, margin_pairs
from smd.analysis import forces
from smd.core.kinds import KINDS, MISCLASSIFIED
from smd.store import reader
from smd.units import px


@pytest.mark.slow
def test_the_table_of_classes_is_that_of_the_store(finished):
    run, _ = finished
    app = open_page("margins", run=run.id, view="by class")
    table = next(frame.value for frame in app.dataframe if "histogram" in frame.value).set_index(
        "class"
    )
    rows = reader.margins(run.store, 3)
    assert (rows["kind"] == MISCLASSIFIED).any()
    for label, name in enumerate(reader.class_names(run.store)):
        own = rows[rows["label"] == label]
        right = own.loc[own["kind"] != MISCLASSIFIED, "margin"]
        assert table.at[name, "n"] == len(own)
        assert table.loc[name, list(KINDS)].sum() == len(own)
        assert table.at[name, MISCLASSIFIED] == len(own) - len(right)
        assert sum(table.at[name, "histogram"]) == len(right)
        assert table.at[name, "median"] == pytest.approx(
            255 * right.median(), abs=1e-3, nan_ok=True
        )
        # of all: misclassified ones do not count
        larger = 100 * (right > np.float32(8 / 255)).sum() / len(own)
        assert table.at[name, "correct, margin > 8/255 (%)"] == pytest.approx(larger)
    assert table["median"].dropna().is_monotonic_increasing


def class_tables(path):
    """A store with two classes, of which the second is misclassified throughout."""
    recorder = started(path)
    first = np.arange(N) % 2 == 0
    recorder.epoch(epoch(1, np.full(N, 9 / 255), clean=first, adv=first & (np.arange(N) > 0)))
    names = reader.class_names(path)
    counts, summary = (
        class_margins.named(rows, names)
        for rows in (reader.class_hist(path, 1), reader.class_summary(path, 1))
    )
    return counts, class_margins.overview(counts, summary, reader.margins(path, 1), px(8))


def test_a_class_without_a_correct_image_has_an_empty_median_no_larger_margin_and_stands_first(
    tmp_path,
):
    _, table = class_tables(tmp_path / "run.duckdb")
    assert table["class"].tolist() == ["dog", "cat"]
    assert table["median"].isna().tolist() == [True, False]
    assert table["correct, margin > 8/255 (%)"].tolist() == [0, 100]
    assert [sum(bars) for bars in table["histogram"]] == [0, 3]
    assert table[list(KINDS)].to_numpy().tolist() == [[0, 0, 3], [1, 2, 0]]
    assert (
        class_margins.said(table)
        == "Of 2 classes cat has the smallest median margin of correct images."
    )


@pytest.mark.slow
def test_a_missing_median_is_a_dash_and_no_word(finished):
    run, _ = finished
    app = open_page("margins", run=run.id, view="by class")
    frame = next(frame for frame in app.dataframe if "histogram" in frame.value)
    assert frame.proto.placeholder == "–"


def test_small_histograms_tell_the_kinds_apart_with_misclassified_images_left_of_0(tmp_path):
    counts, _ = class_tables(tmp_path / "run.duckdb")
    counts = counts.assign(
        percent=100 * counts["n"] / counts.groupby("class")["n"].transform("sum")
    )
    drawn = {}
    for name in ("cat", "dog"):
        chart = margins.of_class(counts[counts["class"] == name], px(8), (12.0, 100.0)).to_dict()
        rows = next(pd.DataFrame(r) for r in chart["datasets"].values() if "low" in r[0])
        drawn[name] = rows.set_index("kind")[["low", "high"]]
        scale = chart["layer"][0]["encoding"]["color"]["scale"]
        assert scale["range"] == [style.KIND_COLOURS[kind] for kind in scale["domain"]]
    assert drawn["cat"].index.tolist() == ["found", "reached"]
    assert (drawn["cat"]["low"] == 9).all()
    assert drawn["dog"].index.tolist() == [MISCLASSIFIED]
    assert (drawn["dog"]["high"] < 0).all()
    legend = margins.legend(counts).to_dict()["layer"][0]["encoding"]["color"]["scale"]
    assert legend["domain"] == list(KINDS)


@pytest.mark.slow
def test_a_small_histogram_for_each_class_stands_on_shared_axes_under_one_legend(finished):
    run, _ = finished
    app = open_page("margins", run=run.id, view="by class")
    legend, *panels = [spec(app, k) for k in range(len(app.get("vega_lite_chart")))]
    assert len(panels) == 10
    domains = {str(chart["layer"][0]["encoding"]["x"]["scale"]["domain"]) for chart in panels}
    assert len(domains) == 1
    assert all(chart["layer"][0]["encoding"]["color"]["legend"] is None for chart in panels)
    assert MISCLASSIFIED in legend["layer"][0]["encoding"]["color"]["scale"]["domain"]


def test_many_classes_come_in_pages():
    drawn = []
    class_margins.small_multiples([f"class {k}" for k in range(30)], drawn.append, "many")
    assert drawn == [f"class {k}" for k in range(class_margins.PER_PAGE)]


def moved(run, shrinking=10):
    """The run with margins of 5/255 after epoch 1; after epoch 3 so many are smaller, every fourth
    is the same."""
    with duckdb.connect(str(run.store)) as con:
        con.execute("UPDATE margin SET clean_ok = idx % 50 <> 0, margin = 5 / 255 WHERE epoch = 1")
        con.execute(
            """UPDATE margin SET clean_ok = idx % 20 <> 0, margin = 5 / 255
            + CASE WHEN idx % 20 = 0 THEN 0 WHEN idx % 2 = 1 AND idx < 2 * $1 THEN -(1 + idx) / 6000
            WHEN idx % 4 = 0 THEN 0
            ELSE (1 + idx) / 6000 END WHERE epoch = 3""",
            [shrinking],
        )
    return reader.flow(run.store, 1, 3)


@pytest.mark.slow
def test_flow_counts_who_grew_and_who_shrank_between_the_epochs_of_the_link(finished):
    run, _ = finished
    flow = moved(run)
    app = open_page("margins", run=run.id, view="over time", between=["1", "3"])
    text = words(app)
    assert "From epoch 1 to epoch 3" in text
    change = 255 * (flow["after"] - flow["before"])
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["grew, of 282"] == f"{100 * (change > 1e-3).mean():.1f} %"
    assert shown["shrank, of 282"] == f"{100 * 10 / 282:.1f} %"
    assert shown["median change of 282"] == f"{change.median():+.1f}/255"
    assert "282 of 300 training images are compared" in text
    assert "18 are left out" in text  # every 20th and every 50th
    assert "3 misclassified before, 12 after, 3 both times" in text


@pytest.mark.slow
def test_only_images_that_shrank_are_shrinkers_and_only_those_that_grew_growers(finished):
    run, _ = finished
    flow = moved(run)
    app = open_page("margins", run=run.id, view="over time", between=["1", "3"])
    assert tiles(app, "shrinkers") == list(range(19, 0, -2))
    assert tiles(app, "growers")[0] == flow.loc[(flow["after"] - flow["before"]).idxmax(), "idx"]
    assert len(tiles(app, "growers")) == margin_flow.FEW


@pytest.mark.slow
def test_where_no_margin_shrank_a_sentence_says_so(finished):
    run, _ = finished
    moved(run, shrinking=0)
    app = open_page("margins", run=run.id, view="over time", between=["1", "3"])
    assert tiles(app, "growers")
    assert not tiles(app, "shrinkers")
    assert "No compared image has a margin that shrank." in words(app)


@pytest.mark.slow
def test_where_every_image_is_misclassified_at_one_time_none_is_compared(finished):
    run, _ = finished
    with duckdb.connect(str(run.store)) as con:
        con.execute("UPDATE margin SET clean_ok = false WHERE epoch = 1")
        con.execute("UPDATE margin SET clean_ok = true WHERE epoch = 3")
    text = words(open_page("margins", run=run.id, view="over time", between=["1", "3"]))
    assert "300 misclassified before, 0 after, 0 both times" in text
    assert "No image can be compared." in text


def test_cells_count_every_image_once():
    rows = pd.DataFrame(
        {"before": np.array([0, 1, 1, 90]) / 255, "after": np.array([0, 5, 5.5, 0]) / 255}
    )
    cells = margin_pairs.cells(rows)
    assert cells["n"].sum() == 4
    assert cells["width"].unique().tolist() == [4]
    assert cells.sort_values("n").iloc[-1][["x", "y", "n"]].tolist() == [0, 4, 2]


@pytest.mark.slow
def test_flow_from_another_run_pairs_the_same_pictures(finished, own_runs):
    import shutil

    run, _ = finished
    moved(run)
    twin = own_runs / f"{run.id[:-4]}beef"
    shutil.copytree(run.folder, twin)
    app = open_page("margins", run=run.id, view="over time", **{"flow-from": twin.name})
    assert "both after their last epoch" in words(app)
    shown = {metric.label: metric.value for metric in app.metric}
    n = len(reader.flow(run.store, 3, 3))
    assert [shown[f"{name} {n}"] for name in ("grew, of", "shrank, of", "median change of")] == [
        "0.0 %",
        "0.0 %",
        "+0.0/255",
    ]
    assert n == 285
    assert "0 misclassified before, 0 after, 15 both times" in words(app)
    assert not tiles(app, "shrinkers")
    assert "No compared image has a margin that shrank." in words(app)
    assert "No compared image has a margin that grew." in words(app)


def test_images_that_only_one_of_two_runs_has_are_counted():
    rows = pd.DataFrame({"idx": [0]})
    text = margin_pairs.left_out(margin_pairs.Flow(rows, (1, 2, 3), single=4, broken=5))
    assert text.startswith("1 of 12 training images are compared")
    assert "6 are left out" in text
    assert "5 have a margin that is no number" in text
    assert text.endswith("4 further images are in one of the two runs only.")


def test_classes_of_one_table_keep_their_names():
    rows = class_margins.named(pd.DataFrame({"label": [1, 0]}), ("a", "b"))
    assert rows["class"].tolist() == ["b", "a"]


def summary(pressing):
    """Two classes over the epochs: a has as many images at the boundary as given, b has 20."""
    rows = [
        (e, k, name, n)
        for e, count in enumerate(pressing, start=1)
        for k, name, n in ((0, "a", count), (1, "b", 20))
    ]
    return pd.DataFrame(rows, columns=["epoch", "label", "class", "found"])


def test_pressure_is_relative_to_the_mean_of_the_classes_of_the_epoch():
    found = force_words.pressures(summary([60, 20])).set_index(["epoch", "class"])["relative"]
    assert found.tolist() == [1.5, 0.5, 1, 1]


def test_an_epoch_with_fewer_than_30_images_at_the_boundary_says_nothing_of_densities():
    assert force_words.pressures(summary([9, 10]))["epoch"].unique().tolist() == [2]
    assert force_words.evenness(force_words.pressures(summary([9, 9]))).startswith(
        "No epoch has 30 images"
    )


def test_unevenness_is_said_with_its_images_and_without_a_verdict():
    text = force_words.evenness(force_words.pressures(summary([60, 40, 20])))
    assert (
        text
        == "Unevenness 0.69 in the first third of 3 epochs, 0.00 in the last, with 80 and 40 images"
        " at the boundary"
    )


def link(r, low=-0.2, high=0.3):
    return forces.Link(r, low, high, 1234, np.zeros((1, 2)), np.zeros((1, 2)))


def test_the_verdict_names_r_the_band_and_the_images_and_inside_the_band_there_is_no_evidence():
    inside = force_words.verdict(link(0.29))
    assert inside.startswith("No evidence")
    assert (
        "r = +0.29, inside what chance makes here (-0.20 to +0.30, 95 %); 1,234 images at the"
        " boundary" in inside
    )
    assert "No evidence" in force_words.verdict(link(-0.19))
    assert force_words.verdict(link(0.31)).startswith(
        "More pressure went with a boundary that gave way: r = +0.31, out"
    )
    assert "against the argument" in force_words.verdict(link(-0.21))
    assert force_words.verdict(link(np.nan)).startswith("Nothing to correlate")


def test_what_followed_is_told_of_enough_epochs_and_images():
    rows = pd.DataFrame({"epoch": range(1, 6), "label": 0, "found": 9, "repeated": 6})
    assert force_words.told(rows)
    assert not force_words.told(rows[rows["epoch"] < 5])
    few = rows.assign(repeated=5)
    assert not force_words.told(few)
    assert force_words.not_told(few).endswith("so far there are 5 and 25.")


def test_points_keep_their_counts_beside_what_is_above_usual():
    rows = pd.DataFrame(
        [
            (e, k, 10 + k + e % 2 * (5 - 9 * k), 4 + e % 3, 3, (e + k) % 3 - 1.0)
            for e in range(1, 7)
            for k in (0, 1)
        ],
        columns=["epoch", "label", "found", "repeated", "held", "surplus"],
    ).drop(index=3)  # no image of b in epoch 2
    rows.loc[4, ["repeated", "held", "surplus"]] = 0
    epochs, found = force_words.linked(rows, 2)
    points = force_words.follows(rows, found, epochs, ("a", "b"))
    counted = ["found", "repeated", "held"]
    assert points[counted].to_numpy().tolist() == rows.drop(index=4)[counted].to_numpy().tolist()
    assert points["class"].tolist() == ["a", "b", "a", "b", *["a", "b"] * 3]
    assert np.isfinite(points[["pressure", "held_percent"]]).all(axis=None)
    assert np.average(points["held_percent"], weights=points["repeated"]) == pytest.approx(
        0, abs=1e-6
    )


def test_more_classes_than_colours_are_gray_together_and_the_legend_leaves_none_out():
    names = [f"class {k}" for k in range(30)]
    rows = pd.DataFrame({"class": names, "epoch": 1, "relative": 1.0, "found": range(30)})
    most = force_words.drawn(rows.assign(label=range(30)))
    assert most == names[-force_charts.MOST :]
    shown, scale = force_charts.coloured(rows, most)
    assert set(shown["shown"]) == {*most, force_charts.OTHERS}
    assert len(scale.to_dict()["range"]) == force_charts.MOST + 1
    lines = force_charts.pressure(rows, most).to_dict()["layer"][1]["encoding"]["color"]
    assert lines["scale"]["domain"] == most
    assert lines["legend"]["symbolLimit"] >= len(most)


def test_of_many_epochs_some_are_drawn_and_of_few_all():
    rows = pd.DataFrame({"epoch": range(1, 151)})
    assert force_words.thinned(rows)["epoch"].tolist() == list(range(4, 151, 4))
    assert len(force_words.thinned(rows.head(40))) == 40


def test_with_fewer_than_30_images_at_the_boundary_one_sentence_says_so_and_nothing_more(finished):
    run, _ = finished
    n = int(reader.class_summary(run.store)["found"].sum())
    app = open_page("margins", run=run.id, view="forces")
    text = words(app)
    assert n < forces.FEWEST_IMAGES
    assert f"{n} noisy images have met the boundary so far" in text
    assert "spread" not in text
    assert "Unevenness" not in text
    assert not app.get("vega_lite_chart")


@pytest.mark.slow
def test_a_run_with_enough_images_at_the_boundary_is_told_with_its_null(finished):
    run, _ = finished
    with duckdb.connect(
        str(run.store)
    ) as con:  # six epochs more, in which images of every class meet it
        con.execute(
            """INSERT INTO margin SELECT 3 + e.range, idx, margin, true,
            (idx * (3 + e.range)) % 7 > 2, (idx * (3 + e.range)) % 7 <= 2
            FROM margin, range(1, 7) AS e WHERE epoch = 3"""
        )
    text = words(open_page("margins", run=run.id, view="forces"))
    rows = reader.at_boundary(run.store)
    _, found = force_words.linked(rows, 10)
    assert force_words.verdict(found) in text
    assert f"{rows['repeated'].sum():,} images at the boundary" in text
    assert "Unevenness" in text
    assert "How each class's margins are spread" in text
