"""What a power loss leaves of this installation's own key, which signs all that it has queued."""

import os

import pytest

from smd import jobs, paths
from smd.errors import UserError
from smd.files import secret
from smd.jobs import transitions
from tests.jobs.jobbing import new_run


@pytest.fixture
def key(own_runs, tmp_path, monkeypatch):
    """Where the key of an installation of this test's own lies."""
    monkeypatch.setenv("SMD_STATE", str(tmp_path / "state"))
    secret.key.cache_clear()
    yield paths.state_root() / "key"
    secret.key.cache_clear()


def test_the_key_is_on_the_disk_before_it_has_its_name(key, monkeypatch):
    done = []
    fsync, link = os.fsync, os.link
    monkeypatch.setattr(
        os, "fsync", lambda file: done.append(os.fstat(file).st_size) or fsync(file)
    )
    monkeypatch.setattr(os, "link", lambda *names: done.append("named") or link(*names))
    key.parent.mkdir()
    secret.make(key)
    assert done[: done.index("named")][-1] == secret.BYTES
    assert len(done) > done.index("named") + 1  # the name, too


@pytest.mark.parametrize("left", [b"", bytes(secret.BYTES)])
def test_a_key_that_a_power_loss_has_emptied_is_made_anew_and_waiting_jobs_can_be_resumed(
    key, left
):
    folder = new_run()
    key.write_bytes(left)
    secret.key.cache_clear()
    assert (jobs.read(folder).state, jobs.read(folder).error) == ("lost", jobs.ELSEWHERE)
    assert transitions.move(folder, "queued").state == jobs.read(folder).state == "queued"
    assert any(key.read_bytes()) and len(key.read_bytes()) == secret.BYTES


def test_a_key_that_is_cut_short_is_told_of(key):
    new_run()
    key.write_bytes(b"short")
    secret.key.cache_clear()
    with pytest.raises(UserError, match="delete it"):
        new_run()
