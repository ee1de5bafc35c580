"""Named sets of images: kept beside a run, bounded, and what `--ids NAME` means."""

import json

import pytest

from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.runs import folders, image_sets


@pytest.fixture
def run():
    return folders.create(TrainConfig())


def test_images_are_put_in_and_taken_out_and_an_empty_set_is_none(run):
    image_sets.add(run, "odd hands", "test", [5, 3, 3])
    image_sets.add(run, "odd hands", "train", [1])
    image_sets.add(run, "odd hands", "test", [9])
    assert image_sets.read(run) == {"odd hands": {"test": (3, 5, 9), "train": (1,)}}
    assert image_sets.of_split(run, "test") == {"odd hands": (3, 5, 9)}
    assert image_sets.of_split(run, "val") == {}
    image_sets.remove(run, "odd hands", "train", [1, 77])
    assert image_sets.read(run) == {"odd hands": {"test": (3, 5, 9)}}
    image_sets.remove(run, "odd hands", "test", [3, 5, 9])
    assert image_sets.read(run) == {}


def test_a_deleted_set_leaves_the_others(run):
    image_sets.add(run, "a", "test", [1])
    image_sets.add(run, "b", "test", [2])
    assert image_sets.delete(run, "a") == {"b": {"test": (2,)}}
    assert image_sets.read(run) == {"b": {"test": (2,)}}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "has no name"),
        ("x" * 41, "shorten it to 40"),
        ("a\nb", "no text"),
        (" a", "spaces at an end"),
        ("a,b", "taken for ids"),
        ("17", "taken for ids"),
        ("--eps", "taken for ids"),
    ],
)
def test_names_that_cannot_be_are_refused_in_a_sentence(run, name, sentence):
    with pytest.raises(UserError, match=sentence):
        image_sets.add(run, name, "test", [1])
    assert not (run.folder / image_sets.FILE).exists()


def test_there_are_bounds(run, monkeypatch):
    monkeypatch.setattr(image_sets, "MOST_SETS", 2)
    monkeypatch.setattr(image_sets, "MOST_IMAGES", 5)
    image_sets.add(run, "a", "test", range(4))
    image_sets.add(run, "b", "test", [1])
    for name, sentence in (("c", "delete one first"), ("a", "keep fewer")):
        with pytest.raises(UserError, match=sentence):
            image_sets.add(run, name, "test", [7])
    assert set(image_sets.read(run)) == {"a", "b"}


ODD = {
    "good": {"test": [4, 2, 2, -1, True, "3", 2**40], "elsewhere": [1]},
    "bad\nname": {"test": [1]},
    "no parts": [1],
    "no ids": {"test": {}},
    "1,2": {"test": [1]},
}


def test_of_a_file_from_elsewhere_only_what_is_a_set_is_read(run):
    (run.folder / image_sets.FILE).write_text(json.dumps({"sets": ODD}))
    assert image_sets.read(run) == {"good": {"test": (2, 4)}}


@pytest.mark.parametrize("content", ["{", "[]", '{"sets": 3}', "\x00"])
def test_a_broken_file_is_no_sets_and_is_not_written_over(run, content):
    (run.folder / image_sets.FILE).write_text(content)
    assert image_sets.read(run) == {}
    if content != '{"sets": 3}':
        with pytest.raises(UserError, match="broken"):
            image_sets.add(run, "a", "test", [1])
        assert (run.folder / image_sets.FILE).read_text() == content


def test_a_name_stands_for_the_ids_of_its_split(run):
    image_sets.add(run, "odd", "test", [5, 3])
    given = {"ids": "odd", "split": "test", "n": 0}
    asked = {"ids": "3,5", "split": "test", "n": 0, "named": "odd"}
    assert image_sets.asked(run, given) == asked
    for ids in ("", "1,2", "3", "1,-2"):
        plain = image_sets.asked(run, {**given, "ids": ids})
        assert (plain["ids"], plain["named"]) == (ids, "")


@pytest.mark.parametrize(
    ("ids", "split", "sentence"),
    [("even", "test", "whose sets are: odd"), ("odd", "train", "add --split test")],
)
def test_a_name_that_is_no_set_of_the_split_says_what_to_do(run, ids, split, sentence):
    image_sets.add(run, "odd", "test", [5])
    with pytest.raises(UserError, match=sentence):
        image_sets.asked(run, {"ids": ids, "split": split})
