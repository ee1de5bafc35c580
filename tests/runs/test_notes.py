"""Notes, tags, pins: kept beside a run, never in the way of it."""

import pytest

from smd import __main__ as cli
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.runs import folders, notes
from smd.runs.notes import Notes


@pytest.fixture
def run():
    return folders.create(TrainConfig())


def test_what_is_noted_is_read_again(run):
    kept = notes.write(
        run, Notes("Try **more** epochs.", (" baseline ", "paper", "baseline", ""), True, False)
    )
    assert kept == Notes("Try **more** epochs.", ("baseline", "paper"), True, False)
    assert notes.read(run) == kept


@pytest.mark.parametrize("content", ["", "[]", "{", '{"tags": 3}', '"text"', "\x00"])
def test_a_broken_file_reads_as_no_notes(run, content):
    (run.folder / notes.FILE).write_text(content)
    assert notes.read(run) == Notes()


def test_a_run_without_notes_has_empty_ones(run):
    assert notes.read(run) == Notes()


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (Notes(text="x" * 20_001), "shorten them to 20,000"),
        (Notes(tags=tuple(f"t{k}" for k in range(21))), "keep at most 20"),
        (Notes(tags=("x" * 41,)), "shorten it to 40 characters"),
    ],
)
def test_what_is_too_long_is_refused_and_nothing_is_lost(run, bad, sentence):
    notes.write(run, Notes("before"))
    with pytest.raises(UserError, match=sentence):
        notes.write(run, bad)
    assert notes.read(run).text == "before"


def test_pinned_runs_come_first_and_hidden_ones_not_at_all_unless_they_are_open():
    made = [folders.create(TrainConfig(seed=k)) for k in range(3)]
    notes.write(made[0], Notes(pinned=True))
    notes.write(made[1], Notes(hidden=True))
    order = [run.id for run, _ in notes.listed(folders.all_runs())]
    assert order == [made[0].id, made[2].id]
    assert made[1].id in [run.id for run, _ in notes.listed(folders.all_runs(), keep=made[1].id)]


def test_the_shell_writes_and_prints_notes(run, capsys):
    assert cli.main(["note", run.id, "--text", "good", "--tag", "a", "--tag", "b", "--pin"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{run.id} pinned", "tags: a, b", "good"]
    assert cli.main(["note", run.id, "--untag", "a", "--unpin", "--hide"]) == 0
    assert notes.read(run) == Notes("good", ("b",), False, True)
    assert cli.main(["note", run.id]) == 0
    assert f"{run.id} hidden" in capsys.readouterr().out
