"""Clinical numbers as people read them: value, interval and n in a cell."""

from storing import attack, started

from smd.analysis import clinical_layout
from smd.analysis.clinical_sources import Asked
from smd.analysis.clinical_tables import clinical_tables
from smd.store.connection import writing


def found(tmp_path, group=""):
    """Cats 0 and 2, dogs 1 and 3, of two sites; under attack one cat is right."""
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "run.duckdb"
    recorder = started(path)
    attack(recorder, eps=0.0, ok=(1, 1, 1, 0))
    attack(recorder, ok=(1, 0, 0, 0))
    with writing(path) as con:
        con.execute("INSERT INTO sample_group SELECT split, idx, 'site', 'A' FROM sample")
    return clinical_tables(Asked(path, "r"), group=group)


def test_a_row_a_level_with_the_rates_of_the_positive_class(tmp_path):
    table = clinical_layout.by_level(found(tmp_path, None).numbers, "dog")
    clean, worst = table.to_dict("records")
    assert list(table)[:4] == [
        "noise level",
        "accuracy (%)",
        "balanced accuracy (%)",
        "sensitivity (%)",
    ]
    assert clean["noise level"] == "clean"
    assert clean["sensitivity (%)"].startswith("50.00")
    assert clean["sensitivity (%)"].endswith("n = 2")  # dogs
    assert clean["PPV (%)"].endswith("n = 1")  # taken for a dog
    assert worst["noise level"] == "8/255 (at most)"
    assert worst["accuracy (%)"].startswith("25.00")
    assert worst["accuracy (%)"].endswith("n = 4")
    assert worst["from"] == "CE-PGD, 20 steps"
    assert "sensitivity (%)" not in clinical_layout.by_level(found(tmp_path / "x").numbers)


def test_a_row_a_class_and_a_small_group_says_that_it_is(tmp_path):
    all_ = found(tmp_path)
    classes = clinical_layout.by_class(all_.numbers, "8/255").set_index("class")
    assert classes["images"].to_dict() == {"cat": 2, "dog": 2}
    assert classes.loc["cat", "sensitivity (%)"].startswith("50.00")
    (row,) = clinical_layout.by_group(all_.groups, "8/255").to_dict("records")
    assert row["group"] == "site: A"
    assert row["accuracy (%)"] == "n = 4, some class under 10"


def test_what_is_undefined_has_no_cell():
    row = {"value": float("nan"), "measure": "PPV (%)", "95 % from": 0, "95 % to": 0, "out of": 0}
    assert clinical_layout.cell(row) is None
    area = row | {"value": 0.91234, "measure": "AUC", "95 % from": float("nan"), "out of": 1200}
    assert clinical_layout.cell(area) == "0.912, n = 1,200"
