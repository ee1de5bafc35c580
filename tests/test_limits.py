"""How much memory a process may take: what is given, what a control group says, odd sizes."""

import pytest

from smd import limits
from smd.errors import UserError


@pytest.mark.parametrize(
    ("text", "count"),
    [("2GiB", 2**31), ("500MB", 5 * 10**8), ("1.5 gi", 3 * 2**29), ("1048576", 2**20)],
)
def test_a_size_is_read_as_it_is_written(text, count):
    assert limits.size(text) == count


@pytest.mark.parametrize("text", ["much", "2 PiB", "-1GiB", "1000", "inf", "9" * 400])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(UserError, match="write it as 2GiB"):
        limits.size(text)


def test_the_smallest_limit_counts_and_is_named(monkeypatch):
    monkeypatch.delenv(limits.GIVEN, raising=False)
    whole = limits.memory()
    monkeypatch.setenv(limits.GIVEN, "64MiB")
    assert (limits.memory(), limits.told()) == (2**26, "SMD_MEMORY")
    monkeypatch.setenv(limits.GIVEN, "100TB")
    assert limits.memory() == whole


def test_a_control_group_is_bounded_by_those_above_it(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "GROUPS", tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.setattr(limits, "_groups", lambda: [(tmp_path / "a" / "b", "memory.max")])
    (tmp_path / "a" / "b" / "memory.max").write_text("max\n")
    assert limits._of_group() is None
    (tmp_path / "a" / "memory.max").write_text("3000000\n")
    assert limits._of_group() == 3_000_000
