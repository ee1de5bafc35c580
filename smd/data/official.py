"""Fashion-MNIST, SVHN and CIFAR-10.

From their official files, from class folders, or from the net.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from smd import paths
from smd.data import cache, folder, originals, sources
from smd.data.archive import SUFFIXES
from smd.data.download import Remote, download
from smd.data.images import Images
from smd.data.originals import Arrays
from smd.data.request import Request
from smd.errors import UserError

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Official:
    """One official set."""

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]  # (C, H, W) of an image
    # the official files under the data root; [] if not all are there
    files: Callable[[Path], list[Path]]
    read: Callable[[list[Path]], Arrays]  # those files
    remotes: Callable[[Path], list[Remote]]  # where they are on the net


FASHION_MNIST = Official(
    "fashion-mnist",
    (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    (1, 28, 28),
    originals.fashion_files,
    originals.read_fashion,
    originals.fashion_remotes,
)
SVHN = Official(
    "svhn", DIGITS, (3, 32, 32), originals.svhn_files, originals.read_svhn, originals.svhn_remotes
)
CIFAR10 = Official(
    "cifar10",
    ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    (3, 32, 32),
    originals.cifar10_files,
    originals.read_cifar10,
    originals.cifar10_remotes,
)


def fashion_mnist(request: Request) -> Images:
    """Fashion-MNIST: 60,000 and 10,000 gray images of 28x28."""
    return _load(FASHION_MNIST, request)


def svhn(request: Request) -> Images:
    """SVHN, cropped digits: 73,257 and 26,032 RGB images of 32x32, or as many as the class folders
    hold."""
    return _load(SVHN, request)


def cifar10(request: Request) -> Images:
    """CIFAR-10: 50,000 and 10,000 RGB images of 32x32."""
    return _load(CIFAR10, request)


def _load(official: Official, request: Request) -> Images:
    root = paths.data_root()
    files = official.files(root)
    tree = None if files else _find_tree(official.name, root)
    if tree:
        return cache.fetch(
            official.name,
            folder.fingerprint(tree, request),
            partial(_read_tree, official, tree, request),
        )
    if not files:
        otherwise = (
            f"an archive {official.name}-images.tar.gz of train/ and test/ class folders into"
            f" {root}"
        )
        download(official.remotes(root), otherwise, request.report)
        files = official.files(root)
    return cache.fetch(
        official.name,
        sources.stamp(files, files[0].parent),
        partial(_read_files, official, files, request),
    )


def _find_tree(name: str, root: Path) -> Path | None:
    """The folder or archive of class folders of that set in the data root."""
    places = [root / f"{name}-images{suffix}" for suffix in ("", *SUFFIXES)]
    return next((place for place in places if place.exists()), None)


def _read_tree(official: Official, tree: Path, request: Request, into: Path) -> cache.Imported:
    imported = folder.read(tree, request, into)
    if (
        imported.classes not in (official.classes, DIGITS)
        or imported.pixels.shape[1:] != official.shape
    ):
        raise UserError(
            f"{tree} is not {official.name}: it needs {official.shape[1]}x{official.shape[2]}"
            " images in class folders named 0 to 9 by their labels, or"
            f" {', '.join(official.classes)}."
        )
    return replace(imported, classes=official.classes)


def _read_files(
    official: Official, files: list[Path], request: Request, into: Path
) -> cache.Imported:
    request.report(f"Reading {files[0].parent}", 0.0)
    images, labels, split = official.read(files)
    pixels = cache.allocate(into, images.shape)
    pixels[:] = images
    return cache.Imported(official.classes, pixels, labels, split)
