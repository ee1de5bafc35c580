"""Tables of labels: columns guessed and told, rows matched to files, all that is left out said."""

import csv
import io

import numpy as np
import pytest

from smd.data import cached, load, matching, table
from smd.data.split import carve
from smd.errors import UserError

PLANTED = "Mustermann-1955"  # what a table calls a patient


@pytest.fixture
def flat(tmp_path, picture, lay_out):
    """Twelve images in one folder without classes."""
    return lay_out(tmp_path / "own", {f"scans/{k}.png": picture(k) for k in range(12)})


def rows(n=12, **columns):
    """The header and n rows: file, dx, and more columns, each (n,)."""
    cells = {"file": [f"scans/{k}.png" for k in range(n)], "dx": ["no", "yes"] * (n // 2)}
    cells |= columns
    return [[*cells], *zip(*cells.values(), strict=True)]


def written(path, rows, by=","):
    out = io.StringIO()
    csv.writer(out, delimiter=by).writerows(rows)
    path.write_text(out.getvalue())
    return str(path)


def test_columns_are_guessed_and_files_found_in_any_layout(tmp_path, flat):
    listed = rows(
        patient_id=[f"p{k // 2}" for k in range(12)],
        Hospital=["a", "b"] * 6,
        **{"Patient Sex": ["F"] * 12, "notes": ["-"] * 12},
    )
    images = load("folder", str(flat), labels=written(tmp_path / "t.csv", listed))
    assert images.classes == ("no", "yes")
    assert images.labels.tolist() == [0] * 6 + [1] * 6
    assert images.notes[0] == (
        "Columns guessed: path=file, label=dx, patient=patient_id, site=Hospital, sex=Patient Sex;"
        " --columns tells others."
    )
    assert sorted(images.facts.groups) == ["sex", "site"]
    assert images.facts.groups["site"] == ("a",) * 6 + ("b",) * 6
    units = images.facts.units.tolist()
    assert sorted(np.bincount(units).tolist()) == [2] * 6
    assert units[0] == units[6]  # 0.png and 1.png are of p0


@pytest.mark.parametrize("form", ["tsv", "semicolon", "parquet", "stem", "base", "other folder"])
def test_tables_and_names_in_other_forms(tmp_path, flat, form):
    listed = rows()
    if form == "stem":
        listed = [listed[0], *([f"{k}", dx] for k, (_, dx) in enumerate(listed[1:]))]
    if form in ("base", "other folder"):
        inside = "" if form == "base" else "C:\\data\\scans\\"
        listed = [listed[0], *([f"{inside}{k}.png", dx] for k, (_, dx) in enumerate(listed[1:]))]
    if form == "parquet":
        import pandas as pd

        place = str(tmp_path / "t.parquet")
        pd.DataFrame(listed[1:], columns=listed[0]).to_parquet(place)
    else:
        by = {"tsv": "\t", "semicolon": ";"}.get(form, ",")
        place = written(tmp_path / f"t.{'tsv' if form == 'tsv' else 'csv'}", listed, by)
    images = load("folder", str(flat), labels=place)
    assert images.labels.tolist() == [0] * 6 + [1] * 6


def test_columns_that_are_told_count(tmp_path, flat):
    listed = rows(grade=["1", "2", "10"] * 4, patient=["x"] * 12, room=["r"] * 12)
    place = written(tmp_path / "t.csv", listed)
    images = load("folder", str(flat), labels=place, columns="label=grade,patient=,group=room")
    assert images.classes == ("1", "2", "10")
    assert images.facts.patients == ()
    assert dict(images.facts.groups) == {"room": ("r",) * 12}
    with pytest.raises(UserError, match=r"no column 'colour': its columns are 'file', 'dx'"):
        load("folder", str(flat), labels=place, columns="label=colour")
    with pytest.raises(UserError, match="'lable' is no column's role"):
        load("folder", str(flat), labels=place, columns="lable=dx")


def test_what_is_left_out_is_counted_and_said(tmp_path, flat):
    listed = rows()
    listed = [list(row) for row in listed]
    listed[3][1] = ""  # 2.png has no label
    listed = [*listed[:12], listed[1], ["scans/gone.png", "no"]]  # 11.png has no row
    images = load("folder", str(flat), labels=written(tmp_path / "t.csv", listed))
    assert len(images.labels) == 10
    assert images.notes[1:] == (
        "1 row of the table has no image: left out.",
        "1 image has no row in the table: left out.",
        "1 row of the table is there again: left out.",
        "1 row of the table has no label: left out.",
    )


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda r: [r[0], *([f"{a}x", b] for a, b in r[1:])], "Only 0 of 12 .* closest are"),
        (lambda r: [*r, ["scans/0.png", "yes"]], "Rows 2 and 14 .* differ in column 'dx'"),
        (lambda r: [r[0], *([a, "no"] for a, _ in r[1:])], "has only one label"),
        (lambda r: [["file", "kind"], *r[1:]], "No column .* is called like a label"),
        (lambda r: [["file", "file"], *r[1:]], "several columns called 'file'"),
        (lambda r: [*r, ["a", "b", "c"]], "cannot be read as a table"),
        (lambda r: [[*r[0], "split"], *([*x, "train"] for x in r[1:-1]), [*r[-1], "?"]], ""),
        (lambda r: r[:1], "has 0 rows"),
    ],
)
def test_a_table_that_is_wrong_is_refused(tmp_path, flat, change, message):
    place = written(tmp_path / "t.csv", change(rows()))
    columns = "split=split" if not message else ""
    with pytest.raises(UserError, match=message or "Row 13 .* no split that is known"):
        load("folder", str(flat), labels=place, columns=columns)


def test_splits_of_the_table_are_used(tmp_path, flat):
    listed = rows(split=(["train"] * 2 + ["Validation", "test"]) * 3)
    images = load("folder", str(flat), labels=written(tmp_path / "t.csv", listed))
    assert np.bincount(images.split).tolist() == [6, 3, 3]
    assert "The table has no 'yes' among the validation images" in images.notes[1]


def test_a_table_without_labels_adds_to_class_folders(tmp_path, two_classes, lay_out):
    folder = lay_out(tmp_path / "own", two_classes)
    listed = [["file", "patient"], *([name, name[-5]] for name in two_classes)]
    images = load("folder", str(folder), labels=written(tmp_path / "t.csv", listed))
    assert (images.classes, np.bincount(images.split).tolist()) == (("cat", "dog"), [8, 0, 4])
    assert len(set(images.facts.patients)) == 4


def test_no_patient_stands_anywhere_in_plain(tmp_path, flat):
    """Not in the cache, the notes, or a message."""
    people = [PLANTED, "Other-2", "Third-3", "Fourth-4"] * 3
    listed = rows(patient=people, site=people)
    place = written(tmp_path / "t.csv", listed)
    images = load("folder", str(flat), labels=place)
    assert "Column 'site' is left out: it tells the patients apart" in " ".join(images.notes)
    assert PLANTED not in " ".join(images.notes)
    written_files = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert written_files
    assert not [file for file in written_files if PLANTED.encode() in file.read_bytes()]
    assert len(images.facts.patients[0]) == 16
    kept = cached(images.key)
    assert kept.facts.patients == images.facts.patients
    (tmp_path / "cache" / images.key / "facts.json").unlink()
    assert cached(images.key) is None  # else it would be divided without its patients
    again = written(tmp_path / "t2.csv", [*listed, ["scans/0.png", "no", "Else-5", "s"]])
    with pytest.raises(UserError, match="differ in column 'patient'") as error:
        load("folder", str(flat), labels=again)
    assert PLANTED not in str(error.value)


def test_names_of_files_that_tell_the_patient_are_said(tmp_path, flat):
    listed = rows(patient=["scans", *"abcdefghijk"])
    images = load("folder", str(flat), labels=written(tmp_path / "t.csv", listed))
    assert "The names of 1 files have in them what the table calls the patient" in images.notes[1]


def test_ages_become_decades_and_what_tells_images_apart_is_no_group(tmp_path, picture, lay_out):
    folder = lay_out(tmp_path / "own", {f"{k}.png": picture(k) for k in range(24)})
    cells = {"file": [f"{k}.png" for k in range(24)], "dx": ["a", "b"] * 12}
    cells |= {"age": [*range(20, 42), "95", ""], "serial": range(24)}
    listed = [[*cells], *zip(*cells.values(), strict=True)]
    place = written(tmp_path / "t.csv", listed)
    images = load("folder", str(folder), labels=place, columns="group=age,group=serial")
    ages = {"20-29", "30-39", "40-49", "90 and more", ""}
    assert (set(images.facts.groups), set(images.facts.groups["age"])) == ({"age"}, ages)
    assert "'serial' is left out: it has 24 different values" in " ".join(images.notes)


def test_carved_by_patient_the_same_for_every_seed(tmp_path, picture, lay_out):
    folder = lay_out(tmp_path / "own", {f"{k}.png": picture(k) for k in range(120)})
    cells = {"file": [f"{k}.png" for k in range(120)], "dx": [*"aab"] * 40}
    cells["patient"] = [f"p{k % 31}" for k in range(120)]
    listed = [[*cells], *zip(*cells.values(), strict=True)]
    images = load("folder", str(folder), labels=written(tmp_path / "t.csv", listed))
    one, other = carve(images, 0), carve(images, 1)
    assert one.test.tolist() == other.test.tolist()
    assert one.val.tolist() != other.val.tolist()
    parts = [set(images.facts.units[part].tolist()) for part in (one.train, one.val, one.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 31
    assert 18 <= len(one.test) <= 30  # a fifth, as patients allow
    tests = [carve(images, 0, 0, 5, k).test for k in range(1, 6)]
    assert sorted(np.concatenate(tests)) == list(range(120))
    with pytest.raises(UserError, match="only 31 patients, too few for 32"):
        carve(images, 0, 0, 32, 1)


def test_a_table_that_is_no_table(tmp_path, flat):
    for name, content in (("t.xlsx", b"PK"), ("t.parquet", b"PAR1"), ("t.csv", b"\xff\xfea")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=r"is no table|cannot be read|not in UTF-8"):
            load("folder", str(flat), labels=str(tmp_path / name))
    with pytest.raises(UserError, match="There is no file"):
        table.read(str(tmp_path / "none.csv"))


def test_a_cell_that_could_be_of_two_files_is_of_none():
    index = matching.Index(["a/1.png", "b/1.png", "b/2.png"])
    assert index.of(["1.png", "2.png"]) == ["", "b/2.png"]
    assert index.of(["a/1.png", "b/2"]) == ["a/1.png", "b/2.png"]
    assert index.of(["1.2.840", ""]) == ["", ""]
    assert matching.Index(["x/1.2.840.png"]).of(["1.2.840"]) == ["x/1.2.840.png"]


@pytest.mark.parametrize("top", ["", "moles/"])
@pytest.mark.parametrize("ending", [".zip", ".tar.gz"])
def test_a_table_in_the_archive_is_found_at_its_top(top, ending, tmp_path, picture, pack):
    images = {f"{top}all/{k}.png": picture(k) for k in range(12)}
    text = "file,label,patient\n" + "".join(f"{k}.png,{'ab'[k % 2]},P{k // 2}\n" for k in range(12))
    archive = pack(tmp_path / f"own{ending}", {**images, f"{top}labels.csv": text.encode()})
    found = load("folder", str(archive))
    assert found.classes == ("a", "b")
    assert len(set(found.facts.patients)) == 6
    assert "'labels.csv' in the archive" in found.notes[0]
    other = load("folder", str(archive), columns="patient=")
    assert not any(other.facts.patients)


def test_a_table_in_an_archive_that_is_another_one_is_named(tmp_path, two_classes, pack):
    files = {**two_classes, "labels.csv": b"file,label\nx.png,a\ny.png,b\n"}
    with pytest.raises(UserError, match=r"'labels\.csv' in the archive is no table of its images"):
        load("folder", str(pack(tmp_path / "own.zip", files)))
    deeper = {"sub/more/labels.csv" if k == "labels.csv" else k: v for k, v in files.items()}
    assert load("folder", str(pack(tmp_path / "two.zip", deeper))).classes == ("cat", "dog")
    with pytest.raises(UserError, match="leave --columns out"):
        load("folder", str(pack(tmp_path / "three.zip", deeper)), columns="label=a")


def test_two_tables_in_an_archive_are_refused(tmp_path, two_classes, pack):
    files = {**two_classes, "labels.csv": b"file\n", "labels.tsv": b"file\n"}
    with pytest.raises(UserError, match="several tables"):
        load("folder", str(pack(tmp_path / "own.zip", files)))
