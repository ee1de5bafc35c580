"""A store of an earlier version is brought up to date when it is opened, with all it holds."""

import duckdb
import numpy as np
import pytest
from storing import attack, epoch, started

from smd.errors import UserError
from smd.store import reader, schema


@pytest.fixture
def old(tmp_path):
    """A store as version 1 wrote it: an attack of one stage, and the clean images before it."""
    path = tmp_path / "run.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            schema.DDL.replace("note VARCHAR", "warnings VARCHAR").replace(", stage SMALLINT", "")
        )
        con.execute("INSERT INTO meta VALUES ('schema', '1'), ('classes', '[\"a\", \"b\"]')")
        for name, eps, flags in (
            ("j:0:0", 0.0, (True, False)),
            ("j:8/255:0", 8 / 255, (False, False)),
        ):
            con.execute(
                "INSERT INTO attack SELECT ?, 'ce-pgd', ?, 'Linf', 20, 0, 'test', 2, 'smd', '0', 1,"
                " '', 'j', 1, false",
                [name, eps],
            )
            for idx, ok in enumerate(flags):
                con.execute("INSERT INTO attack_result VALUES (?, ?, ?, 1, 0.1)", [name, idx, ok])
    return path


@pytest.mark.slow
def test_an_older_store_keeps_what_it_holds_and_learns_stages(old):
    assert list(reader.attack_table(old)["accuracy"]) == [0.5, 0.0]
    assert reader.meta(old) == {"schema": schema.VERSION, "classes": ["a", "b"]}
    assert list(reader.attack_results(old, "j:8/255:0")["stage"]) == [1, 0]
    assert list(reader.attack_results(old, "j:0:0")["stage"]) == [-1, 0]
    stages = reader.attack_stages(old)
    assert stages[["name", "attacked", "broken"]].to_numpy().tolist() == [["ce-pgd", 1, 1]]
    assert reader.estimates(old).empty


def test_an_older_store_is_written_as_a_new_one(old):
    attack(
        started(old),
        "autoattack",
        ok=(1, 0, 0, 0),
        stage=(-1, 0, 1, 2),
        stages=("apgd-ce", "square"),
    )
    broken = reader.outcomes(old, "test", 8 / 255).set_index(["name", "idx"])["broken_by"]
    assert list(broken["autoattack"]) == ["", "clean", "apgd-ce", "square"]
    assert list(broken["ce-pgd"]) == ["ce-pgd", "clean"]


def test_an_older_store_that_cannot_be_written_says_so(old, monkeypatch):
    def refuse(con):
        raise duckdb.IOException("IO Error: read-only file system")

    monkeypatch.setattr(schema, "upgrade", refuse)
    with pytest.raises(UserError, match="cannot be written"):
        reader.metrics(old)


def test_a_store_of_the_second_version_learns_states(tmp_path):
    path = tmp_path / "run.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(schema.DDL + schema.DDL_2)
        con.execute("INSERT INTO meta VALUES ('schema', '2')")
    assert reader.state_names(path) == ()
    assert reader.meta(path) == {"schema": schema.VERSION}


def test_a_store_of_the_third_version_learns_maps_and_gauges(tmp_path):
    path = tmp_path / "run.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(schema.DDL + schema.DDL_2 + schema.DDL_3)
        con.execute("INSERT INTO meta VALUES ('schema', '3')")
    assert reader.embeddings(path).empty
    assert reader.gauges(path).empty
    assert reader.meta(path) == {"schema": schema.VERSION}


@pytest.mark.slow
def test_a_store_of_the_fourth_version_tells_found_margins_from_reached_ones(tmp_path):
    path = tmp_path / "run.duckdb"
    nan = float("nan")
    with duckdb.connect(str(path)) as con:
        con.execute(schema.DDL + schema.DDL_2 + schema.DDL_3 + schema.DDL_4)
        con.execute("INSERT INTO meta VALUES ('schema', '4')")
        con.execute(
            "INSERT INTO epoch_metric VALUES (1, 'train', 'margin_mean', 0, 0.5), (1, 'train',"
            " 'loss', 0, 0.5)"
        )
        con.execute("INSERT INTO margin_hist VALUES (1, 7, 5)")
        con.execute("INSERT INTO margin_summary VALUES (1, 0, 0, 0, 0, 0, 1, 1)")
        for idx, (margin, clean, grown) in enumerate(
            [
                (2 / 255, True, False),
                (7 / 255, True, True),
                (7 / 255, True, True),
                (85 / 255, False, False),
                (nan, True, True),
            ]
        ):
            con.execute("INSERT INTO margin VALUES (1, ?, ?, ?, ?)", [idx, margin, clean, grown])
    assert list(reader.margins(path, 1)["kind"]) == [
        "found",
        "reached",
        "reached",
        "misclassified",
        "reached",
    ]
    assert reader.margin_hist(path, 1).to_numpy().tolist() == [
        ["misclassified", -1, 1],
        ["found", 2, 1],
        ["reached", 7, 2],
    ]
    (summary,) = (255 * reader.margin_summary(path)).to_dict("records")
    assert summary["q50"] == pytest.approx(7, rel=1e-6)
    assert summary["max"] == pytest.approx(7, rel=1e-6)
    metrics = reader.metrics(path).set_index("name")["value"]
    assert 255 * metrics["margin_mean"] == pytest.approx(16 / 3, rel=1e-6)
    assert metrics["loss"] == 0.5


@pytest.mark.slow
def test_an_upgraded_store_equals_one_that_was_written_now(tmp_path):
    old, new = tmp_path / "old.duckdb", tmp_path / "new.duckdb"
    drawn = np.random.default_rng(0)
    margins = drawn.random(200).astype(np.float32) * 40 / 255
    clean = drawn.random(200) < 0.8
    adv = clean & (drawn.random(200) < 0.5)
    started(new, n=200).epoch(epoch(1, margins, clean=clean, adv=adv))
    with duckdb.connect(str(old)) as con:
        con.execute(schema.DDL + schema.DDL_2 + schema.DDL_3 + schema.DDL_4)
        con.execute("INSERT INTO meta VALUES ('schema', '4')")
        rows = {
            "epoch": np.ones(200, np.int16),
            "idx": np.arange(200),
            "margin": margins,
            "clean_ok": clean,
            "adv_ok": adv,
        }
        con.register("rows", rows)
        con.execute("INSERT INTO margin BY NAME SELECT * FROM rows")
    assert reader.margin_hist(old, 1).equals(reader.margin_hist(new, 1))
    assert np.allclose(reader.margin_summary(old), reader.margin_summary(new))
    assert reader.margins(old, 1)["kind"].equals(reader.margins(new, 1)["kind"])


def test_margins_of_the_eighth_version_keep_the_name_of_the_search_that_found_them(tmp_path):
    path = tmp_path / "run.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("".join(schema.STEPS[:8]))
        con.execute("INSERT INTO meta VALUES ('schema', '8')")
        row = "'Linf', 0, 'test', 1, 'smd', '0', 1.0, 'j', 1.0, 'last'"
        con.execute(f"INSERT INTO estimate VALUES ('a', 'min-norm', 0, {row})")
        con.execute(f"INSERT INTO estimate VALUES ('b', 'gem', 0, {row})")
    assert list(reader.estimates(path)["method"]) == ["fab", "gem"]


def test_estimates_of_the_ninth_version_are_of_images_that_nobody_picked(tmp_path):
    path = tmp_path / "run.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("".join(schema.STEPS[:9]))
        con.execute("INSERT INTO meta VALUES ('schema', '9')")
        row = "0, 'Linf', 0, 'test', 1, 'smd', '0', 1.0, 'j', 1.0, 'last'"
        con.execute(f"INSERT INTO estimate VALUES ('a', 'gem', {row})")
    assert list(reader.estimates(path)["picked"]) == [False]
