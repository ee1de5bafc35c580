"""What a job prints while it works."""

import errno
import io

from smd.terminal.progress import Progress


class Full(io.StringIO):
    """Where there is no room left."""

    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_goes_to_the_log_and_to_the_screen(tmp_path):
    out = io.StringIO()
    Progress("run", tmp_path / "log.txt", out).line("epoch 1/2, γ₂ 0.5")
    assert out.getvalue() == "epoch 1/2, γ₂ 0.5\n"
    assert (tmp_path / "log.txt").read_text(encoding="utf-8") == "epoch 1/2, γ₂ 0.5\n"


def test_a_full_disk_under_a_line_ends_nothing(tmp_path):
    progress = Progress("run", tmp_path / "log.txt", Full())
    progress.line("one")
    progress.show(0.5, "epoch 1/2", 3.0)
    assert (tmp_path / "log.txt").read_text().startswith("one\n")


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path):
    out = io.StringIO()
    Progress("run", tmp_path / "gone" / "log.txt", out).line("one")
    assert out.getvalue() == "one\n"
