"""One-hot labels in a table: a column of 0 and 1 for each class."""

import csv

import pytest

from smd.data import load, onehot
from smd.data.folder import guessed
from smd.data.request import Request
from smd.errors import UserError

HEAD = ["image", "MEL", "NV", "T1+T2", "sex"]


@pytest.fixture
def flat(tmp_path, picture, lay_out):
    """Twelve images in one folder without classes."""
    return str(lay_out(tmp_path / "own", {f"{k}.png": picture(k) for k in range(12)}))


def hot(k: int) -> list[str]:
    return [f"{float(k % 3 == place)}" for place in range(3)]


def written(path, change=lambda rows: None, head=HEAD) -> str:
    """A table as ISIC's, which the change has been made to."""
    rows = [[f"{k}", *hot(k), "mf"[k % 2]] for k in range(12)]
    change(rows)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return str(path)


def test_one_hot_columns_are_found_said_and_can_be_changed(tmp_path, flat):
    place = written(tmp_path / "t.csv")
    images = load("folder", flat, labels=place)
    assert images.classes == ("MEL", "NV", "T1+T2")
    assert images.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert "path=image, label=MEL+NV+T1+T2, sex=sex;" in images.notes[0]
    words = "path=image,label=MEL+NV+T1+T2,group=sex"
    assert guessed(Request(flat, labels=place), float("inf")) == words
    assert load("folder", flat, labels=place, columns=words).labels.tolist() == [
        *images.labels.tolist()
    ]
    with pytest.raises(UserError, match=r"no column 'MEL\+BCC'"):
        load("folder", flat, labels=place, columns="label=MEL+BCC")


def test_a_row_of_no_class_or_several_is_refused_by_its_number_or_left_out_as_asked(tmp_path, flat):
    def change(rows):
        rows[4][1:4] = ["1", "1", "0"]
        rows[7][1:4] = ["", "0", "0"]

    place = written(tmp_path / "t.csv", change)
    told = "label=MEL+NV+T1+T2"
    with pytest.raises(
        UserError, match=r"Row 6 of 't.csv' has 2 1s in .*, and 1 more have no single 1"
    ):
        load("folder", flat, labels=place, columns=told)
    images = load("folder", flat, labels=place, columns=f"{told},rows=single")
    assert len(images.labels) == 10
    assert images.notes[1:] == (
        "2 rows of the table have no single 1 in the columns of the classes: left out.",
    )
    with pytest.raises(UserError, match="no rows 'all': write rows=single"):
        load("folder", flat, labels=place, columns=f"{told},rows=all")
    with pytest.raises(UserError, match=r"Row 2 .* has no 1 in the columns NV\+T1.*, and 3 more"):
        load("folder", flat, labels=written(tmp_path / "u.csv"), columns="label=NV+T1+T2")


def test_a_cell_that_is_neither_0_nor_1_is_never_taken_for_one_nor_shown(tmp_path, flat):
    place = written(tmp_path / "t.csv", lambda rows: rows[2].__setitem__(1, "-1"))
    with pytest.raises(UserError, match=r"No column of .* is called like a label.* label=A\+B"):
        load("folder", flat, labels=place)
    with pytest.raises(UserError, match=r"Row 4 .* else than 0 and 1 in column 'MEL'") as e:
        load("folder", flat, labels=place, columns="label=MEL+NV+T1+T2")
    assert "-1" not in str(e.value)


def test_a_column_without_a_1_is_no_class(tmp_path, flat):
    def change(rows):
        for row in rows:
            row.append("0.0")

    place = written(tmp_path / "t.csv", change, [*HEAD, "UNK"])
    assert load("folder", flat, labels=place).classes == ("MEL", "NV", "T1+T2")
    images = load("folder", flat, labels=place, columns="label=MEL+NV+T1+T2+UNK")
    assert images.classes == ("MEL", "NV", "T1+T2")
    assert images.notes[-1] == "No image has a 1 in 'UNK': not taken for classes."


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"a": "0101", "b": "1010", "c": "1111"}, ()),  # side by side, two 1s a row
        ({"a": "0101", "n": "wxyz", "b": "1010"}, ()),  # not side by side
        ({"male": "0101", "female": "1010"}, ()),
        ({"a": "0101", "b": "1010", "n": "wxyz", "c": "1111"}, ("a", "b")),
        ({"a": ["TRUE", ""], "b": ["False", "True"]}, ("a", "b")),
    ],
)
def test_what_is_taken_for_one_hot_labels_unasked(columns, found):
    assert onehot.guessed(columns, list(columns)) == found
