"""Folders of every name, homes that are missing or not one's own, and users without a name."""

import stat
import tempfile

import numpy as np
import pytest
from making_machines import ODD_NAMES, REFUSED_NAMES, odd
from PIL import Image

from smd import paths
from smd.errors import UserError
from smd.runs import folders
from smd.store import query, reader
from smd.store.connection import reading, writing


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary things lie."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD_NAMES, ids=repr)
def test_a_store_lies_in_a_folder_of_any_name(tmp_path, name):
    path = odd(tmp_path, name) / "run.duckdb"
    for value in ("1", "2"):
        with writing(path) as con:
            con.execute("INSERT INTO meta VALUES ('key', ?)", [value])
    with reading(path) as con, reading(path) as other:
        assert con.execute("SELECT count(*) FROM meta WHERE key = 'key'").fetchone() == (2,)
        assert other.execute("SELECT count(*) FROM meta WHERE key = 'key'").fetchone() == (2,)
    assert sorted(p.name for p in path.parent.iterdir()) == ["run.duckdb"]
    assert [p.name for p in tmp_path.iterdir()] == [path.parent.name]


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("name", REFUSED_NAMES, ids=repr)
def test_where_no_store_can_lie_is_said_before_anything_is_done(
    tmp_path, monkeypatch, tiny, name, linked
):
    root = odd(tmp_path, name)
    if linked:
        (tmp_path / "link").symlink_to(root)
        root = tmp_path / "link"
    monkeypatch.setenv("SMD_RUNS", str(root))
    for act in (lambda: folders.create(tiny), lambda: reader.last_epoch(root / "run.duckdb")):
        with pytest.raises(UserError, match="rename it, or set SMD_RUNS"):
            act()
    assert list(root.iterdir()) == []


def test_a_query_is_answered_in_a_folder_of_an_odd_name(tmp_path):
    path = odd(tmp_path, "' # %\n🐘") / "run.duckdb"
    with writing(path):
        pass
    assert query.ask(path, "SELECT key FROM meta").table["key"].tolist() == ["schema"]


@pytest.mark.slow
def test_a_training_and_all_it_keeps_lie_in_folders_of_odd_names(tmp_path, monkeypatch, smd_here):
    images = odd(tmp_path, "d?\n'#🐘")
    for number in range(24):
        place = images / ("a?" if number % 2 else "b'\n#")
        place.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8), 10 * number, np.uint8)).save(place / f"{number} ?.png")
    monkeypatch.setenv("SMD_RUNS", str(odd(tmp_path, "runs #x=1 '\"\n🐘 %s")))
    monkeypatch.setenv("SMD_CACHE", str(odd(tmp_path, "cache ?\\ ü")))
    smd_here("train", "--defense", "std", "--epochs", 1, "--data", "folder", "--path", images)
    (run,) = folders.all_runs()
    assert run.status.state == "finished"
    assert reader.last_epoch(run.store) == 1


def test_a_temporary_folder_that_somebody_else_has_taken_is_not_used(temporary):
    mine = paths.temporary("mine")
    assert stat.S_IMODE(mine.stat().st_mode) == 0o700
    assert paths.temporary("mine") == mine
    mine.chmod(0o777)
    with pytest.raises(UserError, match="not yours alone"):
        paths.temporary("mine")
    mine.rmdir()
    mine.symlink_to(temporary)
    with pytest.raises(UserError, match="not yours alone"):
        paths.temporary("mine")


def test_what_numba_compiles_is_kept_where_no_other_can_write(tmp_path, temporary, monkeypatch):
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    assert paths.compiled_root() == tmp_path / "cache" / "numba"
    (tmp_path / "cache").chmod(0o2775)
    assert paths.compiled_root().parent == temporary
