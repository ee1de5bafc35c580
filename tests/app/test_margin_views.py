"""Margins class by class, from one epoch or run to another, and the forces of Theorem 3.1."""

import class_margins
import margin_flow
import margin_forces
import numpy as np
import pandas as pd
import pytest
from paging import open_page, spec, tiles, words

from smd.jobs import launch
from smd.store import reader


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr(launch, "wake_all", lambda: None)


def test_the_table_of_classes_is_that_of_the_store(finished):
    run, _ = finished
    app = open_page("margins", run=run.id, view="by class")
    table = next(frame.value for frame in app.dataframe if "histogram" in frame.value).set_index("class")
    rows = reader.margins(run.store, 3)
    for label, name in enumerate(reader.class_names(run.store)):
        own = rows.loc[rows["label"] == label, "margin"]
        assert table.at[name, "n"] == len(own) == sum(table.at[name, "histogram"])
        assert table.at[name, "median"] == pytest.approx(255 * own.median(), abs=1e-3)
        assert table.at[name, "beyond 8/255 (%)"] == pytest.approx(100 * (own > np.float32(8 / 255)).mean())
    assert table["median"].is_monotonic_increasing


def test_a_small_histogram_for_each_class_stands_on_shared_axes(finished):
    run, _ = finished
    app = open_page("margins", run=run.id, view="by class")
    charts = [spec(app, k) for k in range(len(app.get("vega_lite_chart")))]
    assert len(charts) == 10
    domains = {str(chart["layer"][0]["encoding"]["x"]["scale"]["domain"]) for chart in charts}
    assert len(domains) == 1


def test_many_classes_come_in_pages():
    drawn = []
    class_margins.small_multiples([f"class {k}" for k in range(30)], drawn.append, "many")
    assert drawn == [f"class {k}" for k in range(class_margins.PER_PAGE)]


def test_flow_counts_who_grew_and_who_shrank_between_the_epochs_of_the_link(finished):
    run, _ = finished
    app = open_page("margins", run=run.id, view="over time", between=["1", "3"])
    assert "From epoch 1 to epoch 3" in words(app)
    flow = reader.flow(run.store, 1, 3)
    change = 255 * (flow["after"] - flow["before"])
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["grew"] == f"{100 * (change > 1e-3).mean():.1f} %"
    assert shown["shrank"] == f"{100 * (change < -1e-3).mean():.1f} %"
    assert tiles(app, "shrinkers")[0] == flow.loc[change.idxmin(), "idx"]


def test_cells_count_every_image_once():
    rows = pd.DataFrame({"before": np.array([0, 1, 1, 90]) / 255, "after": np.array([0, 5, 5.5, 0]) / 255})
    cells = margin_flow.cells(rows)
    assert cells["n"].sum() == 4
    assert cells["width"].unique().tolist() == [4]
    assert cells.sort_values("n").iloc[-1][["x", "y", "n"]].tolist() == [0, 4, 2]


def test_flow_from_another_run_pairs_the_same_pictures(finished, own_runs):
    import shutil

    run, _ = finished
    twin = own_runs / f"{run.id[:-4]}beef"
    shutil.copytree(run.folder, twin)
    app = open_page("margins", run=run.id, view="over time", **{"flow-from": twin.name})
    assert "both after their last epoch" in words(app)
    shown = {metric.label: metric.value for metric in app.metric}
    assert (shown["grew"], shown["shrank"], shown["median change"]) == ("0.0 %", "0.0 %", "+0.0/255")


def test_classes_of_one_table_keep_their_names():
    rows = class_margins.named(pd.DataFrame({"label": [1, 0]}), ("a", "b"))
    assert rows["class"].tolist() == ["b", "a"]


def summary(pressing):
    """Two classes over the epochs: a presses as given and b with one image; a's mean margin grows with pressure."""
    rows, mean = [], 10.0
    for epoch, count in enumerate(pressing, start=1):
        rows += [(epoch, 0, "a", 50, count, mean / 255), (epoch, 1, "b", 50, 1, 10 / 255)]
        mean += count - 1
    return pd.DataFrame(rows, columns=["epoch", "label", "class", "n", "at_boundary", "mean"])


def test_pressure_is_relative_to_the_mean_of_the_classes_of_the_epoch():
    found = margin_forces.pressures(summary([3, 1])).set_index(["epoch", "class"])["relative"]
    assert found.tolist() == [1.5, 0.5, 1, 1]


def test_an_epoch_in_which_nothing_presses_is_left_out():
    rows = summary([3, 1])
    rows.loc[rows["epoch"] == 1, "at_boundary"] = 0
    assert margin_forces.pressures(rows)["epoch"].unique().tolist() == [2]


def test_the_class_that_presses_more_grows_in_the_next_epoch_in_a_world_as_the_theory_says():
    follows = margin_forces.consequences(margin_forces.pressures(summary([3, 1, 2, 4, 1])))
    assert sorted(follows["epoch"].unique()) == [1, 2, 3, 4]  # nothing follows the last
    first = follows[follows["epoch"] == 1].set_index("class")["change"]
    assert first.round(6).tolist() == [1.0, -1.0]  # a gained 2/255 and b nothing: against their mean
    assert margin_forces.verdict(follows).startswith("Classes that press more grow: correlation +")


def test_densities_that_even_out_are_told_from_those_that_drift_apart():
    falling, rising = pd.Series([0.9, 0.5, 0.2]), pd.Series([0.2, 0.5, 0.9])
    assert "come closer" in margin_forces.evenness(falling)
    assert "drift apart" in margin_forces.evenness(rising)
    assert "stay as uneven" in margin_forces.evenness(pd.Series([0.5, 0.5, 0.5]))


def test_of_many_epochs_some_are_drawn_and_of_few_all():
    rows = pd.DataFrame({"epoch": range(1, 151)})
    assert margin_forces.thinned(rows)["epoch"].tolist() == list(range(4, 151, 4))
    assert len(margin_forces.thinned(rows.head(40))) == 40


def test_the_theory_is_shown_with_what_this_run_did(finished):
    run, _ = finished
    follows = margin_forces.consequences(
        margin_forces.pressures(class_margins.named(reader.class_summary(run.store), reader.class_names(run.store)))
    )
    text = words(open_page("margins", run=run.id, view="forces"))
    assert "Which class presses on the boundary" in text
    assert ("the theory expects it above 0" in text) == (len(follows) >= margin_forces.FEW)
    assert "How each class's margins are spread" in text
