"""The official sets from their official files, from class folders, or from the net."""

import gzip
import hashlib
import pickle
import struct
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from smd.data import load, official, originals
from smd.errors import UserError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


def idx(array: np.ndarray) -> bytes:
    return (
        struct.pack(f">BBBB{array.ndim}i", 0, 0, 8, array.ndim, *array.shape)
        + array.astype(np.uint8).tobytes()
    )


def fashion_parts() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        f"{part}-{what}": array
        for part, n in (("train", 30), ("t10k", 20))
        for what, array in (
            ("images-idx3-ubyte", rng.integers(0, 256, (n, 28, 28))),
            ("labels-idx1-ubyte", np.arange(n) % 10),
        )
    }


def write_fashion(root: Path, packed: bool) -> dict[str, np.ndarray]:
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    parts = fashion_parts()
    for name, array in parts.items():
        content = gzip.compress(idx(array)) if packed else idx(array)
        (raw / (name + ".gz" * packed)).write_bytes(content)
    return parts


@pytest.mark.parametrize("packed", [True, False])
def test_fashion_mnist_is_read_where_it_lies(root, offline, packed):
    parts = write_fashion(root, packed)
    before = sorted(root.rglob("*"))
    images = load("fashion-mnist")
    assert images.classes[0] == "T-shirt/top" and images.classes[9] == "Ankle boot"
    both = np.concatenate([parts["train-images-idx3-ubyte"], parts["t10k-images-idx3-ubyte"]])
    np.testing.assert_array_equal(images.pixels[:, 0], both)
    assert images.labels.tolist() == [*(np.arange(30) % 10), *(np.arange(20) % 10)]
    assert images.split.tolist() == [0] * 30 + [2] * 20
    assert sorted(root.rglob("*")) == before, "nothing is unpacked beside the files"


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-1], lambda c: b"\1" + c[1:], lambda c: c[:3], lambda c: b""]
)
def test_damaged_idx_file_is_named(root, damage):
    write_fashion(root, packed=False)
    file = root / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match="t10k-images-idx3-ubyte is damaged"):
        load("fashion-mnist")


def test_damaged_gz_file_is_named(root):
    write_fashion(root, packed=True)
    file = root / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte.gz cannot be read"):
        load("fashion-mnist")


def test_labels_of_another_part_are_refused(root):
    write_fashion(root, packed=False)
    raw = root / "FashionMNIST" / "raw"
    (raw / "t10k-labels-idx1-ubyte").write_bytes((raw / "train-labels-idx1-ubyte").read_bytes())
    with pytest.raises(UserError, match="do not belong together"):
        load("fashion-mnist")


@pytest.mark.parametrize(
    "name,missing,place",
    [
        (
            "fashion-mnist",
            "train-images-idx3-ubyte.gz, .*t10k-labels-idx1-ubyte.gz",
            "FashionMNIST/raw",
        ),
        ("cifar10", "cifar-10-python.tar.gz", "data"),
        ("svhn", "train_32x32.mat, test_32x32.mat", "data"),
    ],
)
def test_missing_and_no_network_says_what_to_put_where(
    tmp_path, offline, monkeypatch, name, missing, place
):
    monkeypatch.setattr(originals, "_need_scipy", lambda: None)
    words = (
        f"no route to host.*put {missing} into .*{place}, or .*{name}-images.tar.gz"
        f" .*{tmp_path}/data"
    )
    with pytest.raises(UserError, match=words):
        load(name)


def test_svhn_files_without_scipy(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(UserError, match="pip install scipy"):
        load("svhn")
    for name in originals.SVHN_FILES:
        (root / name).write_bytes(b"")
    with pytest.raises(UserError, match="pip install scipy"):
        load("svhn")


def test_svhn_files_are_read_and_checked(root, monkeypatch):
    io = pytest.importorskip("scipy.io")
    from torchvision.datasets import SVHN

    rng, split_list = np.random.default_rng(0), {}
    pixels = {
        part: rng.integers(0, 256, (32, 32, 3, n), dtype=np.uint8)
        for part, n in (("train", 30), ("test", 20))
    }
    for part, x in pixels.items():
        file = root / f"{part}_32x32.mat"
        io.savemat(file, {"X": x, "y": (np.arange(x.shape[3]) % 10 + 1)[:, None]})
        split_list[part] = ["", file.name, hashlib.md5(file.read_bytes()).hexdigest()]
    monkeypatch.setattr(SVHN, "split_list", split_list)
    images = load("svhn")
    assert images.labels[:10].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0], "label 10 is the digit 0"
    np.testing.assert_array_equal(images.pixels[30], pixels["test"][..., 0].transpose(2, 0, 1))
    (root / "test_32x32.mat").write_bytes(b"")
    with pytest.raises(UserError, match="original files"):
        load("svhn")


@pytest.fixture
def cifar(tmp_path, monkeypatch) -> Path:
    """Six batches of five images, which torchvision is told to take for the official ones."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / "made" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    rng, sums = np.random.default_rng(0), {}
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"]
    for name in names:
        batch = {"data": rng.integers(0, 256, (5, 3072), dtype=np.uint8), "labels": [0, 1, 2, 3, 9]}
        content = pickle.dumps(
            {"label_names": list(official.CIFAR10.classes)} if "meta" in name else batch
        )
        (folder / name).write_bytes(content)
        sums[name] = hashlib.md5(content).hexdigest()
    monkeypatch.setattr(CIFAR10, "train_list", [[name, sums[name]] for name in names[:5]])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": sums["batches.meta"]})
    archive = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    monkeypatch.setattr(CIFAR10, "url", archive.as_uri())
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    return folder


def check_cifar(images, folder: Path) -> None:
    assert images.classes == official.CIFAR10.classes
    assert images.split.tolist() == [0] * 25 + [2] * 5
    assert images.labels.tolist() == [0, 1, 2, 3, 9] * 6
    last = pickle.loads((folder / "test_batch").read_bytes())["data"]
    np.testing.assert_array_equal(images.pixels[25:], last.reshape(5, 3, 32, 32))


def test_cifar10_unpacked(root, cifar, offline):
    cifar.rename(root / cifar.name)
    check_cifar(load("cifar10"), root / cifar.name)
    (root / cifar.name / "test_batch").write_bytes(b"")
    with pytest.raises(UserError, match=r"test_batch .*are the original files"):
        load("cifar10")


def test_cifar10_is_downloaded_with_progress_and_not_unpacked_there(root, cifar):
    heard = []
    check_cifar(load("cifar10", progress=lambda *said: heard.append(said)), cifar)
    assert ("Downloading cifar-10-python.tar.gz", 1.0) in heard
    assert [file.name for file in root.iterdir()] == ["cifar-10-python.tar.gz"]


def test_wrong_download_is_not_kept(root, cifar, monkeypatch):
    from torchvision.datasets import CIFAR10

    monkeypatch.setattr(CIFAR10, "tgz_md5", "0" * 32)
    with pytest.raises(UserError, match="is not the original file"):
        load("cifar10")
    assert not list(root.iterdir())


def test_damaged_cifar10_archive(root, cifar):
    (root / "cifar-10-python.tar.gz").write_bytes(b"something else")
    with pytest.raises(UserError, match=r"cifar-10-python.tar.gz .*are the original files"):
        load("cifar10")


@pytest.mark.parametrize("ending", ["", ".tar.gz", ".zip"])
def test_class_folders_under_the_set_s_name(root, picture, lay_out, pack, offline, ending):
    files = {
        f"svhn-images/{part}/{label}/{part}.png": picture(label, "RGB", (32, 32))
        for part in ("train", "test")
        for label in range(10)
    }
    place = root / f"svhn-images{ending}"
    (pack if ending else lay_out)(place, files)
    images = load("svhn")
    assert images.name == "svhn" and images.labels.tolist() == [*range(10)] * 2


def test_class_folders_by_label_get_the_official_names(root, picture, pack, offline):
    files = {f"train/{label}/0.png": picture(label, "L", (28, 28)) for label in range(10)}
    pack(root / "fashion-mnist-images.tar", files)
    assert load("fashion-mnist").classes == official.FASHION_MNIST.classes


@pytest.mark.parametrize("classes,size", [("0123456789", 31), ("012345678x", 32)])
def test_class_folders_of_another_set_are_refused(root, picture, pack, offline, classes, size):
    files = {f"train/{name}/0.png": picture(0, "RGB", (size, size)) for name in classes}
    pack(root / "cifar10-images.zip", files)
    with pytest.raises(
        UserError, match=r"cifar10-images.zip is not cifar10: it needs 32x32 images .*airplane"
    ):
        load("cifar10")


def test_official_files_come_before_class_folders(root, picture, pack, offline):
    write_fashion(root, packed=True)
    pack(
        root / "fashion-mnist-images.tar",
        {f"train/{c}/0.png": picture(0, "L", (28, 28)) for c in range(10)},
    )
    assert len(load("fashion-mnist").labels) == 50
