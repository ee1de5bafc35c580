"""Data sets by name: own images by where they lay, as far as that tells them apart."""

from dataclasses import replace

import pytest

from smd.config.schema import TrainConfig
from smd.export import data_name, data_names, data_title


def own(path):
    return TrainConfig(data="folder", data_path=path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/mednist.tar.gz", "mednist"),
        ("/data/Chest X-rays/", "Chest X-rays"),
        ("/data/scans.npz", "scans"),
        ("/data/.zip", ".zip"),
        ("/data/digits", "digits (own)"),  # of the registry, and not these images
    ],
)
def test_own_images_have_the_name_of_their_folder_or_archive(path, name):
    assert data_name(own(path)) == data_title(own(path)) == name


def test_a_known_data_set_has_its_name_and_title():
    assert data_name(TrainConfig()) == "digits"
    assert data_title(TrainConfig(data="fashion-mnist")).startswith("Fashion-MNIST")


def test_two_places_of_one_name_are_told_apart_by_as_much_as_it_takes():
    given = [own("/a/x/images"), own("/b/x/images"), own("/c/other"), own("/a/x/images")]
    assert data_names([*given, TrainConfig()]) == [
        "a/x/images",
        "b/x/images",
        "other",
        "a/x/images",
        "digits",
    ]
    assert data_names(given[:1]) == ["images"]
    assert data_names([own("/a/images.zip"), own("/b/images")]) == ["a/images", "b/images"]
    assert data_names([own("/a/scans.npz"), own("/a/scans.zip")]) == [
        "/a/scans.npz",
        "/a/scans.zip",
    ]


def test_one_folder_read_in_two_ways_is_two_sets():
    small, large = (replace(own("/a/scans"), image_size=size) for size in (32, 64))
    assert data_names([small, large, small]) == ["scans (1)", "scans (2)", "scans (1)"]
