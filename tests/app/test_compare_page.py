"""Compare: every accuracy has a true name, its images and its interval; spreads are told apart."""

import math
import shutil

import pandas as pd
import pytest
from paging import open_page, words
from storing import attack

from smd.export import interval
from smd.runs import folders
from smd.store import reader
from smd.store.writer import Recorder
from smd.training import monitor_size

pytestmark = pytest.mark.slow


def table(app, column):
    return next(frame for frame in app.dataframe if column in frame.value)


@pytest.fixture
def twice(finished, own_runs):
    """Two trainings of SMD that differ in their seed alone, each attacked with two seeds, and one
    of STD."""
    smd, std = finished
    other = own_runs / f"{smd.id[:-4]}ffff"
    shutil.copytree(smd.folder, other)
    config = (other / "config.json").read_text()
    (other / "config.json").write_text(config.replace('"seed": 0', '"seed": 1'))
    for store, rights in (
        (smd.store, (24, 26)),
        (other / "run.duckdb", (31, 31)),
        (std.store, (10, 10)),
    ):
        recorder = Recorder(store)
        attack(recorder, "autoattack", eps=0.0, ok=(1,) * 36 + (0,) * 4, steps=0)
        for seed, right in enumerate(rights):
            attack(
                recorder, "autoattack", ok=(1,) * right + (0,) * (40 - right), steps=0, seed=seed
            )
    return folders.all_runs()


def test_a_quick_accuracy_says_that_it_is_quick_and_of_how_many_images(finished):
    run, _ = finished
    frame = table(open_page("compare"), "quick PGD (val, %)")
    row = frame.value.set_index("run").loc[run.id]
    own = reader.validation(run.store)
    last = own[own["epoch"] == own["epoch"].max()].sort_values("eps")["value"]
    sizes = reader.split_sizes(run.store).set_index("split")["n"]
    clean, attacked = monitor_size.images(sizes["train"], sizes["val"], (1, 8, 8))
    assert attacked == 75  # a quarter of the training images
    assert row["clean: 95 %"] == f"{interval(last.iloc[0], clean)}, n = {clean}"
    assert row["quick PGD: 95 %"] == f"{interval(last.iloc[-1], attacked)}, n = {attacked}"
    robust = [name for name in frame.value if name.startswith("robust")]
    assert robust == ["robust (test, %)"]  # under an attack, no quick look


@pytest.mark.slow
def test_spreads_over_trainings_and_over_attack_seeds_have_columns_of_their_own(twice):
    app = open_page("compare")
    assert not app.exception
    shown = table(app, "spread over trainings").value
    row = shown[(shown["defense"] == "SMD") & (shown["attack"] == "AutoAttack")].iloc[0]
    assert row[["trainings", "attack seeds", "n"]].tolist() == [2, 2, 40]
    assert row["accuracy (%)"] == 70
    assert row["spread over trainings"] == pytest.approx(10.61)  # of 62.5 and 77.5
    # of 60 and 65 in one, of none in the other
    assert row["spread over attack seeds"] == pytest.approx(2.5)
    std = shown[(shown["defense"] == "STD") & (shown["attack"] == "AutoAttack")].iloc[0]
    assert std["trainings"] == 1
    assert math.isnan(std["spread over trainings"])
    assert "seeds of" not in words(app)


@pytest.mark.slow
def test_no_cell_shows_a_word_where_there_is_no_value(twice):
    for frame in open_page("compare").dataframe:
        assert frame.proto.placeholder == "–"


def test_the_axes_hold_every_interval_and_training():
    from app.charts import pareto
    from smd import export
    from smd.config.schema import TrainConfig
    from tests.export.exporting import attacked

    def run(defense, seed, clean, robust):
        return TrainConfig(data="cifar10", defense=defense, seed=seed), attacked(
            {0: clean, 8: robust}, n=1000
        )

    near = {
        "a": run("smd", 0, 0.95, 0.501),
        "b": run("smd", 1, 0.96, 0.62),
        "c": run("std", 0, 0.953, 0.502),
    }
    points = export.pareto_points(near, {})
    spec = pareto.pareto(points, "8/255").to_dict()
    scales = {
        (axis, tuple(layer["encoding"][axis]["scale"]["domain"]))
        for layer in spec["layer"]
        for axis in ("x", "y")
        if "scale" in layer["encoding"][axis]
    }
    assert scales == {("x", (90.0, 100.0)), ("y", (45.0, 65.0))}
    rows = [pd.DataFrame(found) for found in spec["datasets"].values()]
    assert [len(found) for found in rows if "clean_low" in found] == [2]
    assert [len(found) for found in rows if "clean_low" not in found] == [2]  # the trainings of SMD
