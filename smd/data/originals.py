"""The official files of the official sets.

Which they are, where they are on the net, how they are read.

torchvision knows addresses and checksums and reads CIFAR-10 and SVHN. It would unpack Fashion-MNIST
and CIFAR-10 beside the files, which may be shared and read-only, so that is done elsewhere or not
at all.
"""

import importlib.util
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from smd.data.download import Remote
from smd.data.idx import read_idx
from smd.data.split import TEST, TRAIN
from smd.errors import UserError

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]  # pixels (N, C, H, W), labels (N,), split (N,)

FASHION_RAW = Path("FashionMNIST", "raw")
FASHION_PARTS = tuple(
    f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
)
SVHN_FILES = ("train_32x32.mat", "test_32x32.mat")
CIFAR_FOLDER, CIFAR_ARCHIVE = "cifar-10-batches-py", "cifar-10-python.tar.gz"


def fashion_files(root: Path) -> list[Path]:
    """The four files under the data root, packed or not; [] if one is missing."""
    raw = root / FASHION_RAW
    complete = [
        next((f for f in (raw / part, raw / f"{part}.gz") if f.exists()), None)
        for part in FASHION_PARTS
    ]
    return [file for file in complete if file] if all(complete) else []


def fashion_remotes(root: Path) -> list[Remote]:
    """Where the four files are on the net."""
    from torchvision.datasets import FashionMNIST

    return [
        Remote(FashionMNIST.mirrors[0] + name, md5, root / FASHION_RAW / name)
        for name, md5 in FashionMNIST.resources
    ]


def read_fashion(files: list[Path]) -> Arrays:
    """70,000 images (1, 28, 28); raises UserError if a file is damaged."""
    images = [read_idx(files[at], ndim=3) for at in (0, 2)]
    labels = [read_idx(files[at], ndim=1) for at in (1, 3)]
    for at in (0, 1):
        if len(images[at]) != len(labels[at]):
            raise UserError(
                f"{files[2 * at]} and {files[2 * at + 1]} do not belong together: download them"
                " again."
            )
    return _joined([part[:, None] for part in images], labels)


def svhn_files(root: Path) -> list[Path]:
    """The two files under the data root; [] if one is missing."""
    files = [root / name for name in SVHN_FILES]
    return files if all(file.exists() for file in files) else []


def svhn_remotes(root: Path) -> list[Remote]:
    """Where the two files are on the net; raises UserError if they could not be read then."""
    _need_scipy()
    from torchvision.datasets import SVHN

    return [
        Remote(SVHN.split_list[s][0], SVHN.split_list[s][2], root / SVHN.split_list[s][1])
        for s in ("train", "test")
    ]


def read_svhn(files: list[Path]) -> Arrays:
    """99,289 images (3, 32, 32); raises UserError if a file is damaged or scipy is missing."""
    _need_scipy()
    from torchvision.datasets import SVHN

    try:
        parts = [SVHN(files[0].parent, split) for split in ("train", "test")]
    except RuntimeError:
        raise _damaged(files) from None
    return _joined([part.data for part in parts], [part.labels for part in parts])


def cifar10_files(root: Path) -> list[Path]:
    """The unpacked files under the data root, or else the archive; [] if there is neither."""
    unpacked = sorted((root / CIFAR_FOLDER).glob("*_batch*"))
    archive = root / CIFAR_ARCHIVE
    return unpacked or ([archive] if archive.exists() else [])


def cifar10_remotes(root: Path) -> list[Remote]:
    """Where the archive is on the net."""
    from torchvision.datasets import CIFAR10

    return [Remote(CIFAR10.url, CIFAR10.tgz_md5, root / CIFAR_ARCHIVE)]


def read_cifar10(files: list[Path]) -> Arrays:
    """60,000 images (3, 32, 32); raises UserError if a file is damaged."""
    if files[0].name != CIFAR_ARCHIVE:
        return _read_batches(files[0].parent.parent, files)
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import check_integrity

    if not check_integrity(files[0], CIFAR10.tgz_md5):
        raise _damaged(files)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(files[0]) as archive:
            archive.extractall(folder, filter="data")
        return _read_batches(Path(folder), files)


def _read_batches(root: Path, files: list[Path]) -> Arrays:
    from torchvision.datasets import CIFAR10

    try:
        parts = [CIFAR10(root, train) for train in (True, False)]
    except RuntimeError:
        raise _damaged(files) from None
    return _joined(
        [part.data.transpose(0, 3, 1, 2) for part in parts], [part.targets for part in parts]
    )


def _joined(pixels: list[np.ndarray], labels: list[np.ndarray]) -> Arrays:
    """Training and test part to one set."""
    split = np.repeat((TRAIN, TEST), [len(part) for part in labels])
    return np.concatenate(pixels), np.concatenate(labels), split


def _need_scipy() -> None:
    if importlib.util.find_spec("scipy") is None:
        raise UserError(
            "The official SVHN files need scipy to be read: run 'pip install scipy' and start"
            " again."
        )


def _damaged(files: list[Path]) -> UserError:
    names = ", ".join(file.name for file in files)
    return UserError(
        f"Not all of {names} in {files[0].parent} are the original files: delete and download them"
        " again."
    )
