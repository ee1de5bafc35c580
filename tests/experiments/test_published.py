"""The paper's tables, number by number."""

import math

import pytest

from smd import export, registry
from smd.experiments import published

LEVELS = ["0", "2", "4", "8"]


def line(table, defense):
    """One printed line as texts."""
    printed = published.printed()
    (found,) = printed[(printed["table"] == table) & (printed["defense"] == defense)].to_dict(
        "records"
    )
    return found


def test_every_line_of_every_table_is_there():
    assert published.printed()["table"].value_counts().to_dict() == {
        "1a": 18,
        "1b": 18,
        "1c": 18,
        "2a": 12,
        "2b": 12,
    }
    assert not published.printed().duplicated(["table", "defense"]).any()


def test_every_printed_average_is_the_mean_of_its_line():
    for row in published.printed().to_dict("records"):
        assert sum(row[level] for level in LEVELS) / 4 == pytest.approx(row["avg"], abs=0.01), row


def test_accuracies_fall_with_the_noise_level_but_where_it_is_noted():
    for row in published.printed().to_dict("records"):
        values = [row[level] for level in LEVELS]
        assert (values == sorted(values, reverse=True)) == (row["note"] == ""), row


def test_the_misprint_stays_and_is_noted():
    assert (line("1c", "AT12")["2"], line("1c", "AT12")["avg"]) == (51.39, 59.88)
    assert "misprint" in line("1c", "AT12")["note"]


def test_clean_accuracy_does_not_depend_on_the_attack():
    clean = published.printed().groupby(["data", "defense"])["0"].nunique()
    assert set(clean) == {1}


def test_the_two_lines_that_share_a_cell_in_table_2b_are_apart():
    assert [line("2b", "TR-b6-8*")[k] for k in LEVELS] == [90.45, 89.13, 87.35, 83.51]
    assert [line("2b", "TR-b6-4")[k] for k in LEVELS] == [91.79, 88.93, 85.26, 76.42]


def test_data_networks_and_attacks_are_the_registrys():
    printed = published.printed()
    assert set(printed["data"]) <= registry.DATASETS.keys()
    assert set(printed["attack"]) <= registry.ATTACKS.keys()
    assert all(
        registry.DATASETS[data].net == net
        for data, net in zip(printed["data"], printed["net"], strict=True)
    )


def test_rows_are_cells_of_a_data_set():
    cells = published.rows("svhn")
    assert {name: str(kind) for name, kind in cells.dtypes.items()} == export.CELLS
    assert len(cells) == 12 * 4
    smd = cells[cells["defense"] == "SMD"]
    assert smd["percent"].to_list() == [90.10, 80.23, 69.15, 47.54]
    assert smd["eps"].to_list() == [0, 2 / 255, 4 / 255, 8 / 255]
    assert set(smd["run"]) == {"Table 2a"}
    assert smd[["n", "seeds", "steps"]].iloc[0].to_list() == [0, 3, 0]
    assert math.isnan(smd["low"].iloc[0])


def test_rows_can_be_of_one_attack():
    assert set(published.rows("cifar10")["attack"]) == {"ce-pgd", "ce-cw-pgd", "autoattack"}
    ours = published.rows("cifar10", "ce-pgd")
    assert set(zip(ours["attack"], ours["steps"], ours["seeds"], strict=True)) == {
        ("ce-pgd", 100, 5)
    }
    assert published.rows("digits").empty
    assert published.rows("svhn", "ce-pgd").empty


def test_who_changes_the_rows_changes_a_copy():
    for table in (published.rows("svhn"), published.printed()):
        table.iloc[0] = table.iloc[-1]
    assert published.rows("svhn")["percent"].iloc[0] == 92.57
    assert published.printed()["avg"].iloc[0] == 23.73


@pytest.mark.parametrize("data", ["cifar10", "svhn", "fashion-mnist"])
def test_smds_averages_come_out_as_printed(data):
    table = export.wide(published.rows(data))
    ours = table[table["defense"] == "SMD"]["Avg."].to_list()
    printed = published.printed()
    assert (
        ours == printed[(printed["data"] == data) & (printed["defense"] == "SMD")]["avg"].to_list()
    )
    # no verdicts of images are printed
    assert not export.best(published.rows(data), {}).to_numpy().any()
