from pathlib import Path

import duckdb
import pytest

from smd import jobs
from smd.config import schema
from smd.errors import UserError
from smd.evaluation import final_margins
from smd.files import foreign
from smd.jobs import listing
from smd.runs import folders, notes, provenance
from smd.store import run_tables, writer

NUMBERS = ["1" + "0" * 400, "-1" + "0" * 400, "1" + "0" * 5000, "1e999", "-1e999", "NaN"]
NESTED = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("value", [*NUMBERS, NESTED])
def test_a_number_that_no_float_holds_is_told_in_a_sentence(tmp_path: Path, value: str) -> None:
    file = tmp_path / "values.json"
    file.write_text(f'{{"created": {value}}}')
    with pytest.raises(UserError, match="is broken"):
        foreign.json_object(file)


@pytest.mark.parametrize("value", [*NUMBERS, NESTED])
def test_no_file_of_a_copied_run_stops_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SMD_RUNS", str(tmp_path))
    run = folders.Run("20260101-0000-copied", tmp_path / "20260101-0000-copied")
    run.folder.mkdir()
    text = f'{{"kind": "train", "state": "finished", "created": {value}, "n": {value}}}'
    for name in ("config.json", "status.json", "notes.json", "provenance.json", final_margins.FILE):
        (run.folder / name).write_text(text)
    assert jobs.read(run.folder).state == "failed"
    assert [folder.name for folder in listing.runs()] == [run.id]
    assert notes.read(run) == notes.Notes()
    assert final_margins.read(run.folder) is None
    for read in (schema.read_run, lambda folder: provenance.read(folder / "provenance.json")):
        with pytest.raises(UserError):
            read(run.folder)


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_a_status_s_bounds_hold_for_whole_numbers_of_any_length(value: int) -> None:
    for name in ("created", "pid", "eta", "rate", "schema"):
        assert not jobs._fits(name, value)


def test_a_description_with_a_number_that_no_float_holds_is_broken(tmp_path: Path) -> None:
    store = tmp_path / "run.duckdb"
    writer.Recorder(store).start({"data": "digits"}, {})
    with duckdb.connect(str(store)) as con:
        con.execute("INSERT INTO meta VALUES ('delta', ?)", ["1" + "0" * 400])
    with pytest.raises(UserError, match="broken"):
        run_tables.meta(store)
