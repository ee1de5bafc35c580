"""Adversarial images on disk."""

import os
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from smd.errors import UserError
from smd.evaluation import examples
from smd.evaluation.examples import Examples


def made_up(split="train", ids=(4, 2, 9), attack="ce-pgd"):
    rng, n = np.random.default_rng(0), len(ids)
    noise = rng.uniform(-8 / 255, 8 / 255, (n, 3, 5, 5)).astype(np.float32)
    p = rng.dirichlet(np.ones(4), (2, n)).astype(np.float32)
    eps = np.full(n, 8 / 255, np.float32)
    return Examples(
        split,
        attack,
        np.array(ids, np.int32),
        np.arange(n),
        eps,
        noise,
        p[0],
        p[1],
        np.zeros(n, bool),
        "L2",
    )


def test_what_is_written_is_read_bit_for_bit(tmp_path):
    path, written = tmp_path / "adv" / "one.npz", made_up()
    examples.write(path, written)
    read = examples.read(path)
    assert (read.split, read.attack, read.norm, read.rounded) == ("train", "ce-pgd", "L2", False)
    for name in (f.name for f in fields(Examples) if f.name not in ("split", "attack", "norm")):
        one, two = getattr(written, name), getattr(read, name)
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
    assert [file.name for file in path.parent.iterdir()] == ["one.npz"]


def test_writing_again_replaces_and_a_crash_leaves_no_half(tmp_path, monkeypatch):
    path = tmp_path / "adv" / "one.npz"
    examples.write(path, made_up(ids=(1,)))
    examples.write(path, made_up(ids=(2, 3)))
    assert examples.read(path).idx.tolist() == [2, 3]

    def crash(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", crash)
    with pytest.raises(OSError, match="disk full"):
        examples.write(path, made_up(ids=(4,)))
    assert examples.read(path).idx.tolist() == [2, 3]
    assert examples.names(tmp_path) == ["one"]


def test_find_tells_file_and_position_of_a_sample(tmp_path):
    assert examples.names(tmp_path) == []
    assert examples.find(tmp_path, "train", 4) == []
    examples.write(tmp_path / "adv" / "b.npz", made_up(ids=(4, 2, 9)))
    examples.write(tmp_path / "adv" / "a.npz", made_up(ids=(7, 4)))
    examples.write(tmp_path / "adv" / "c.npz", made_up(split="test", ids=(4,)))
    for age, name in enumerate("bac"):  # the newest last, whatever the clock's steps
        os.utime(tmp_path / "adv" / f"{name}.npz", (1000 + age, 1000 + age))
    assert examples.names(tmp_path) == ["b", "a", "c"]
    assert examples.find(tmp_path, "train", 4) == [("b", 0), ("a", 1)]
    assert examples.find(tmp_path, "test", 4) == [("c", 0)]
    assert examples.find(tmp_path, "val", 4) == []


def test_too_many_images_are_refused_with_the_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "LIMIT", 2**20)
    path = tmp_path / "adv" / "big.npz"
    big = replace(made_up(), noise=np.zeros((3, 3, 256, 256), np.float32))
    with pytest.raises(UserError, match=r"3 adversarial images take 2\.3 MiB, more than 1\.0 MiB"):
        examples.write(path, big)
    assert not path.exists()
    monkeypatch.setattr(examples, "LIMIT", 2**22)
    examples.write(path, big)
    assert path.stat().st_size < 2**16
    monkeypatch.setattr(examples, "LIMIT", 2**20)
    with pytest.raises(UserError, match=r"more than 1\.0 MiB"):
        examples.read(path)


def test_the_limit_holds_the_usual_256_images_of_64_cubed_voxels():
    assert examples.LIMIT == 512 * 1024 * 1024
    assert examples.space(256, 64**3, 10) <= examples.LIMIT


def adversarial_images(count=40, side=16, eps=32 / 255, seed=3):
    """Clean uint8 images, dark and bright, and float32 images near them, on corners of the ball and
    anywhere."""
    rng = np.random.default_rng(seed)
    clean = rng.choice(
        np.array([0, 1, 2, 5, 17, 64, 128, 254, 255], np.uint8), (count, 1, side, side)
    )
    x = examples.in_unit(clean)
    corners = x + rng.choice(np.array([-eps, eps], np.float32), x.shape)
    anywhere = rng.uniform(x - eps, x + eps)
    some = rng.random((count, 1, 1, 1)) < 0.5
    return clean, np.clip(np.where(some, corners, anywhere), 0, 1).astype(np.float32)


def test_an_image_comes_back_to_the_last_bit_though_its_noise_alone_would_not_give_it(tmp_path):
    clean, images = adversarial_images()
    plain = images - examples.in_unit(clean)
    assert (examples.in_unit(clean) + plain != images).any(), "no image here is hard"
    noise, whole = examples.packed(images, clean)
    assert whole.sum() > 0
    n, p = len(clean), np.full((len(clean), 2), 0.5, np.float32)
    kept = Examples(
        "test",
        "ce-pgd",
        np.arange(n),
        np.arange(n),
        np.ones(n, np.float32),
        noise,
        p,
        p,
        whole,
        "L2",
    )
    examples.write(tmp_path / "one.npz", kept)
    read = examples.read(tmp_path / "one.npz")
    for position in range(n):
        again = read.image(position, clean[position])
        assert again.dtype == np.float32
        np.testing.assert_array_equal(again.view(np.int32), images[position].view(np.int32))
        np.testing.assert_array_equal(read.difference(position, clean[position]), plain[position])


@pytest.mark.parametrize("count", [1, 256])
def test_what_is_said_beforehand_is_the_most_that_a_file_takes(tmp_path, count):
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 256, (count, 1, 16, 16), dtype=np.uint8)
    # nothing in it can be compressed
    noise, whole = examples.packed(rng.random(clean.shape, dtype=np.float32), clean)
    p = rng.dirichlet(np.ones(10), (2, count)).astype(np.float32)
    ids, eps = np.arange(count, dtype=np.int32), np.ones(count, np.float32)
    examples.write(
        tmp_path / "one.npz",
        Examples("test", "ce-pgd", ids, np.arange(count), eps, noise, *p, whole, "Linf"),
    )
    assert (
        0.85 * 4 * clean.size
        < (tmp_path / "one.npz").stat().st_size
        <= examples.space(count, 256, 10)
    )


def test_a_file_of_an_earlier_version_opens_and_says_that_it_is_rounded(tmp_path):
    new = made_up()
    old = {
        f.name: np.asarray(getattr(new, f.name))
        for f in fields(Examples)
        if f.name not in ("whole", "norm")
    }
    old["noise"] = new.noise.astype(np.float16)
    np.savez_compressed(tmp_path / "old.npz", **old)
    read = examples.read(tmp_path / "old.npz")
    assert (read.rounded, read.norm, read.whole.tolist()) == (True, "", [False] * 3)
    clean = np.full((3, 5, 5), 100, np.uint8)
    expected = np.float32(100) / np.float32(255) + old["noise"][1].astype(np.float32)
    np.testing.assert_array_equal(read.image(1, clean), expected)
    assert examples.find(tmp_path / "none", "train", 4) == []


def broken_files(folder):
    whole = folder / "whole.npz"
    examples.write(whole, made_up())
    content = whole.read_bytes()
    (folder / "cut.npz").write_bytes(content[: len(content) // 2])
    middle = len(content) // 2
    (folder / "flipped.npz").write_bytes(content[:middle] + b"\xff" * 64 + content[middle + 64 :])
    (folder / "text.npz").write_text("no archive")
    (folder / "empty.npz").write_bytes(b"")
    np.savez(folder / "less.npz", idx=np.arange(3))
    arrays = {f.name: np.asarray(getattr(made_up(), f.name)) for f in fields(Examples)}
    np.savez(folder / "uneven.npz", **{**arrays, "label": np.arange(2)})
    np.savez(folder / "flat.npz", **{**arrays, "noise": np.zeros((3, 5), np.float16)})
    np.savez(folder / "words.npz", **{**arrays, "idx": np.array(["a", "b", "c"])})
    np.savez(folder / "scalar.npz", **{**arrays, "eps": np.float32(0.1)})
    np.savez(
        folder / "pickle.npz",
        allow_pickle=True,
        **{**arrays, "label": np.array([{}, {}, {}], object)},
    )
    with zipfile.ZipFile(folder / "raw.npz", "w") as archive:
        for name in arrays:
            archive.writestr(name, b"no array")
    return sorted(path for path in folder.iterdir() if path != whole)


def test_broken_files_say_so_in_one_sentence(tmp_path):
    files = broken_files(tmp_path)
    assert len(files) == 11
    for path in files:
        with pytest.raises(UserError, match=r"is broken.*: delete it and attack again") as refused:
            examples.read(path)
        assert "\n" not in str(refused.value)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(UserError, match="is missing"):
        examples.read(tmp_path / "none.npz")
