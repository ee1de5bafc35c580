"""A table of labels in an archive: no more is kept in memory than can be meant, nothing large."""

from pathlib import Path

import pytest

from smd.data import packed_table, table
from smd.data.archive import Member
from smd.errors import UserError

ROW = b"path,label\nx.png,a\n"


def listed(*paths, size=20):
    read = []

    def member(path):
        return Member(path, size, lambda: read.append(path) or ROW)

    paths, found = packed_table.listed(map(member, paths), Path("a.zip"))
    return read, found


def test_of_many_folders_each_with_a_table_no_more_than_the_first_is_read():
    read, found = listed(*(f"{k}/labels.csv" for k in range(100)), "0/x.png")
    assert read == ["0/labels.csv"]
    assert found is None


def test_the_table_of_the_only_folder_or_of_the_top_is_taken():
    assert listed("all/x.png", "all/labels.csv")[1] is not None
    assert listed("a/x.png", "b/labels.csv", "labels.csv")[1] is not None
    with pytest.raises(UserError, match="several tables"):
        listed("labels.csv", "labels.tsv")


def test_one_that_is_too_large_is_not_read():
    with pytest.raises(UserError, match="larger than 200 MB"):
        listed("labels.csv", size=table.MOST_BYTES + 1)
