"""Files that are replaced as a whole: a power loss, a crash or a link in the way harms nothing."""

import os
import stat

import pytest

from smd.files import durable


def kind(descriptor):
    return "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content"


def test_the_content_is_on_the_disk_before_the_name_and_the_name_before_anybody_is_told(
    tmp_path, monkeypatch
):
    order = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append(kind(fd)), sync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("name"), replace(a, b)))
    durable.write(tmp_path / "status.json", "{}")
    assert order == ["content", "name", "folder"]
    assert (tmp_path / "status.json").read_text() == "{}"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["status.json"]


def test_what_fails_half_way_leaves_the_file_before_and_nothing_else(tmp_path):
    path = tmp_path / "last.pt"
    durable.write(path, b"old")
    with pytest.raises(OSError, match="full"), durable.replacing(path) as file:
        file.write(b"ne")
        raise OSError("full")
    assert path.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last.pt"]


@pytest.mark.parametrize("there", ["link", "pipe", "dangling"])
def test_nothing_that_lies_at_the_draft_s_name_is_followed(tmp_path, there):
    victim, folder = tmp_path / "victim", tmp_path / "run"
    folder.mkdir()
    draft = folder / ".status.json.partial"
    if there == "pipe":
        os.mkfifo(draft)
    else:
        draft.symlink_to(victim)
    if there == "link":
        victim.write_text("mine")
    durable.write(folder / "status.json", "{}")
    assert (folder / "status.json").read_text() == "{}"
    assert sorted(p.name for p in folder.iterdir()) == ["status.json"]
    assert not victim.exists() if there != "link" else victim.read_text() == "mine"


def test_a_link_at_the_file_s_own_name_is_replaced_and_its_target_left_alone(tmp_path):
    victim, path = tmp_path / "victim", tmp_path / "notes.json"
    victim.write_text("mine")
    path.symlink_to(victim)
    durable.write(path, "{}")
    assert victim.read_text() == "mine"
    assert not path.is_symlink()


@pytest.mark.parametrize("there", ["link", "pipe", "device"])
def test_a_log_that_is_no_file_of_its_own_is_not_written_to(tmp_path, there):
    victim, log = tmp_path / "victim", tmp_path / "log.txt"
    victim.write_text("mine")
    if there == "pipe":
        os.mkfifo(log)
    else:
        log.symlink_to(victim if there == "link" else "/dev/null")
    with pytest.raises(OSError), durable.appending(log):  # which one differs
        pass
    assert victim.read_text() == "mine"


def test_lines_are_appended(tmp_path):
    for line in (b"one\n", b"two\n"):
        with durable.appending(tmp_path / "log.txt") as file:
            file.write(line)
    assert (tmp_path / "log.txt").read_bytes() == b"one\ntwo\n"


def test_text_is_utf_8_whatever_the_locale_says(tmp_path):
    durable.write(tmp_path / "card.md", "γ₂ naïve")
    assert (tmp_path / "card.md").read_bytes() == "γ₂ naïve".encode()
