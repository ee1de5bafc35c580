"""Jobs on machines that fail them: full and read-only disks."""

import errno
import os
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from smd import jobs
from smd.errors import UserError
from smd.files import durable
from smd.jobs import endings, reserve, session, transitions, worker
from tests.hostile.making_machines import disk, fill, mounts, read_only
from tests.jobs.jobbing import new_run


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A runs root on a disk of 256 kB."""
    with disk(tmp_path / "disk", "256k") as folder:
        monkeypatch.setenv("SMD_RUNS", str(folder / "runs"))
        yield folder


@mounts
@pytest.mark.parametrize("kept", [True, False])
def test_a_job_on_a_full_disk_ends_as_failed_with_its_sentence(small, kept):
    folder = new_run()
    with pytest.raises(OSError), session.session(folder, "cpu") as job:
        fill(small)
        if not kept:  # as in a run of an earlier version: then only its present page is left
            (folder / reserve.FILE).unlink()
            (small / "ballast").unlink()
            fill(small)
        job.stopping = True
        durable.write(folder / "last.pt", b"x" * 9000)
    status = jobs.read(folder)
    assert (status.state, status.error) == ("failed", endings.FULL)


def test_a_job_that_cannot_begin_on_a_full_disk_is_stored_as_failed(own_runs, monkeypatch):
    folder = new_run()
    assert (folder / ".lock").is_file()  # it needs no name later
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(session.transitions, "own", lambda status: (_ for _ in ()).throw(full))
    with pytest.raises(OSError), session.claimed(folder), session.session(folder, "cpu"):
        pass
    assert (jobs.read(folder).state, jobs.read(folder).error) == ("failed", endings.FULL)


def test_a_job_whose_end_cannot_be_stored_is_not_started_again_and_again(own_runs, monkeypatch):
    folder, other = new_run(), new_run()
    started = []
    # which changes nothing
    monkeypatch.setattr(worker, "_run", lambda place, *_: started.append(place))
    worker.work("cpu")
    assert started == [folder, other]


@mounts
@pytest.mark.parametrize("state", ["finished", "cancelled"])
def test_every_other_end_is_stored_on_a_full_disk_too(small, state):
    folder = new_run()
    with suppress(session.Cancelled), session.session(folder, "cpu"):
        fill(small)
        if state == "cancelled":
            raise session.Cancelled
    assert jobs.read(folder).state == state


@mounts
def test_a_resume_on_a_full_disk_is_refused_in_words_and_works_when_there_is_room(small):
    folder = new_run()
    transitions.move(folder, "failed", "x" * 20_000)
    ballast = fill(small)
    with pytest.raises(UserError, match="The disk is full"):
        transitions.move(folder, "queued")
    ballast.unlink()
    assert transitions.move(folder, "queued").state == "queued"
    assert (folder / reserve.FILE).stat().st_size == reserve.SIZE


@mounts
def test_a_disk_that_turns_read_only_is_told_of_though_nothing_can_be_stored(small, monkeypatch):
    folder = new_run()
    with ExitStack() as broken:
        with pytest.raises(OSError, match="Read-only"), session.session(folder, "cpu"):
            broken.enter_context(read_only(folder))
            durable.write(folder / "last.pt", b"x")
        monkeypatch.setattr(jobs, "attended", lambda *_: False)  # its process is over then
        assert (jobs.read(folder).state, jobs.read(folder).error) == ("failed", endings.READ_ONLY)
    assert jobs.read(folder).state == "lost"


def test_so_is_one_that_refuses_writes_but_is_called_writable(own_runs, monkeypatch):
    folder = new_run()
    real = os.open

    def refusing(
        path, flags, *more, **options
    ):  # as ext4 does after an error, which statvfs does not tell
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return real(path, flags, *more, **options)

    with pytest.raises(OSError, match="Read-only"), session.session(folder, "cpu"):
        monkeypatch.setattr(os, "open", refusing)
        durable.write(folder / "last.pt", b"x")
    monkeypatch.setattr(jobs, "attended", lambda *_: False)
    assert (jobs.read(folder).state, jobs.read(folder).error) == ("failed", endings.READ_ONLY)
    monkeypatch.setattr(os, "open", real)
    assert jobs.read(folder).state == "lost"


@pytest.mark.parametrize("length", [0, 600, 50_000])
def test_an_error_of_any_length_fits_into_what_is_kept(own_runs, monkeypatch, length):
    folder = new_run()
    real, refused = durable.write, []

    def full(path: Path, content: str) -> None:
        if path.name == "status.json":
            refused.append(path)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, content)

    monkeypatch.setattr(durable, "write", full)
    transitions.move(folder, "failed", "😀" * length)
    assert refused and jobs.read(folder).state == "failed"
    assert not (folder / reserve.FILE).exists()


def test_what_is_kept_is_never_somebody_elses_file(own_runs, tmp_path, monkeypatch):
    folder, victim = new_run(), tmp_path / "victim"
    victim.write_text("mine")
    (folder / reserve.FILE).unlink()
    for link in (os.link, os.symlink):
        link(victim, folder / reserve.FILE)
        with pytest.raises(OSError, match=r"own|symbolic"):
            reserve._fill(folder / reserve.FILE, b"x")
        (folder / reserve.FILE).unlink()
    assert victim.read_text() == "mine"


def test_a_full_disk_is_named_however_deep_it_is_said():
    try:
        try:
            raise OSError(errno.ENOSPC, "no room")
        except OSError:
            raise RuntimeError("PytorchStreamWriter failed") from None
    except RuntimeError as hidden:
        assert "PytorchStreamWriter" in endings.reason(hidden)
    try:
        try:
            raise OSError(errno.EDQUOT, "no room")
        except OSError as error:
            raise UserError("The store cannot be written.") from error
    except UserError as error:
        assert endings.reason(error) == endings.FULL
