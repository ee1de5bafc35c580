"""Every image keeps the name of its file, from the import to the tables that are taken away."""

import io
import random
import unicodedata
import zipfile

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making_runs import begun, picture_folder
from paging import open_page
from PIL import Image

from smd import data
from smd.data import filenames, names
from smd.jobs import launch
from smd.store import reader, schema


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def names_of(images):
    return filenames.read(images.key, len(images.labels))


def test_samples_of_a_folder_have_their_paths_in_the_store(tmp_path):
    run = begun(picture_folder(tmp_path / "own", names="scan {:02}.png"))
    files, samples = reader.sample_paths(run.store), reader.samples(run.store, "train")
    assert len(files) == 24
    assert set(files["path"]) == {
        f"{name}/scan {k:02}.png" for name in ("dark", "light") for k in range(12)
    }
    train = files[files["split"] == "train"].set_index("idx")["path"]
    for row in samples.itertuples():
        assert train[row.idx].startswith(("dark/", "light/")[row.label])


def test_the_picture_at_a_path_is_the_one_in_the_row(tmp_path):
    folder = picture_folder(tmp_path / "own")
    images = data.load("folder", str(folder))
    for row, name in enumerate(names_of(images)):
        np.testing.assert_array_equal(np.asarray(Image.open(folder / name)), images.pixels[row, 0])


@pytest.mark.slow
@pytest.mark.parametrize("table", ["margins", "verdicts"])
def test_tables_of_images_have_the_files(tmp_path, table, smd_here):
    folder = picture_folder(tmp_path / "own", n=20, names="=1+1 {:02}.png")
    smd_here(
        "train",
        "--data",
        "folder",
        "--path",
        folder,
        "--epochs",
        1,
        "--device",
        "cpu",
        "--n-margins",
        0,
    )
    out = tmp_path / "table.parquet"
    smd_here("export", "last", "--table", table, "--format", "parquet", "--out", out)
    rows = pd.read_parquet(out)
    assert rows["path"].str.fullmatch(r"(dark|light)/=1\+1 \d\d\.png").all()
    assert rows.columns.tolist().index("path") == rows.columns.tolist().index("id") + 1
    text = smd_here("export", "last", "--table", table).stdout
    assert len(text.splitlines()) == len(rows) + 1
    assert "dark/=1+1" in text


@pytest.mark.slow
def test_sets_without_files_have_no_paths(finished, smd_here):
    run, _ = finished
    assert reader.sample_paths(run.store).empty
    assert "path" not in smd_here("export", run.id, "--table", "margins").stdout.splitlines()[0]


@pytest.mark.slow
def test_a_store_of_the_fifth_version_learns_paths(tmp_path):
    path = tmp_path / "run.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(schema.DDL + schema.DDL_2 + schema.DDL_3 + schema.DDL_4 + schema.DDL_5)
        con.execute("INSERT INTO meta VALUES ('schema', '5')")
        con.execute("INSERT INTO sample VALUES ('train', 0, 1, 7)")
    assert reader.sample_paths(path).empty
    assert reader.samples(path, "train").to_numpy().tolist() == [[0, 1, 7]]
    assert reader.meta(path) == {"schema": schema.VERSION}


PATHS = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20)


@settings(max_examples=200, deadline=None)
@given(PATHS)
def test_a_name_is_shown_on_one_line_as_text_that_can_be_stored(path):
    shown = names.visible(path)
    assert shown.encode()
    assert "\0" not in shown
    assert len(shown.splitlines()) == 1
    assert "\x1b" not in shown
    if path.isprintable():
        assert shown == unicodedata.normalize("NFC", path)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(PATHS, min_size=1, max_size=20))
def test_names_come_back_row_by_row(cache, found):
    (cache / "own-0").mkdir(parents=True, exist_ok=True)
    filenames.write(cache / "own-0", found)
    assert filenames.read("own-0", len(found)) == tuple(map(names.visible, found))
    assert filenames.read("own-0", len(found) + 1) == ()


def test_a_byte_that_is_no_utf8_can_be_seen():
    assert (
        names.visible(b"M\xe4nner/\xe9.png".decode("utf-8", "surrogateescape"))
        == "M\\xe4nner/\\xe9.png"
    )


def packed(place, files):
    with zipfile.ZipFile(place, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return str(place)


def encoded(value):
    out = io.BytesIO()
    Image.fromarray(np.full((4, 4), value, np.uint8)).save(out, "PNG")
    return out.getvalue()


STEMS = st.text("abcxyz019 -ü", min_size=1, max_size=6).map(str.strip).filter(bool)
TREES = st.dictionaries(
    STEMS, st.sets(STEMS, min_size=1, max_size=5), min_size=2, max_size=5
).filter(lambda tree: not {"train", "val", "valid", "test"} & set(tree))


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TREES, st.randoms(use_true_random=False))
def test_an_import_does_not_depend_on_the_order_of_an_archive(
    tmp_path_factory, tree: dict, chance: random.Random
):
    tmp = tmp_path_factory.mktemp("order")
    files = [
        (f"{name}/{stem}.png", encoded(hash_of(name, stem))) for name in tree for stem in tree[name]
    ]
    mixed = chance.sample(files, len(files))
    one, other = (
        data.load("folder", packed(tmp / f"{k}.zip", each)) for k, each in enumerate((files, mixed))
    )
    assert names_of(one) == names_of(other)
    assert sorted(names_of(one)) == sorted(name for name, _ in files)
    assert [one.classes[label] for label in one.labels] == [
        name.split("/")[0] for name in names_of(one)
    ]
    for kept in ("pixels", "labels", "split"):
        np.testing.assert_array_equal(getattr(one, kept), getattr(other, kept))
    content = dict(files)
    for row, name in enumerate(names_of(one)):
        assert encoded(int(one.pixels[row, 0, 0, 0])) == content[name]


def hash_of(name, stem):
    return sum(f"{name}/{stem}".encode()) % 256


def test_a_run_of_an_earlier_version_is_shown_without_names(tmp_path, monkeypatch):
    monkeypatch.setattr(filenames, "read", lambda key, n: ())
    run = begun(picture_folder(tmp_path / "own"))
    monkeypatch.setattr(launch, "wake_all", lambda: None)
    app = open_page("samples", run=run.id)
    assert any(
        "no file name (imported by an earlier version)" in caption.value for caption in app.caption
    )
