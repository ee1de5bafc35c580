"""Tiny images, folders and archives of them, and roots of their own for each test."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smd.paths import AROUND as REPOSITORY

Files = Mapping[str, bytes]


@pytest.fixture(autouse=True)
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SMD_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real image sets beside the checkout, if there are any."""
    place = Path(os.environ.get("SMD_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")
    if not place.is_dir():
        pytest.skip(f"no real image sets in {place}")
    return place


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """An encoded image of noise that depends on the seed."""

    def make(
        seed: int = 0, mode: str = "L", size: tuple[int, int] = (8, 8), kind: str = "PNG"
    ) -> bytes:
        noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        out = io.BytesIO()
        image = Image.fromarray(noise)
        if mode == "I;16":  # is reached from gray only
            image = image.convert("L")
        image.convert(mode).save(out, kind)
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def pixels() -> Callable[[bytes], np.ndarray]:
    """What Pillow reads: (H, W) or (H, W, 3) uint8."""
    return lambda data: np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture(scope="session")
def two_classes(picture: Callable[..., bytes]) -> dict[str, bytes]:
    """Twelve gray 8x8 images of cats and dogs in train/ and test/."""
    return {
        f"{part}/{name}/{i}.png": picture(seed=seed_of(part, name, i))
        for part, n in (("train", 4), ("test", 2))
        for name in ("dog", "cat")
        for i in range(n)
    }


def seed_of(part: str, name: str, i: int) -> int:
    return 100 * (part == "test") + 10 * (name == "dog") + i


@pytest.fixture(scope="session")
def lay_out() -> Callable[[Path, Files], Path]:
    def write(folder: Path, files: Files) -> Path:
        for name, content in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return folder

    return write


@pytest.fixture(scope="session")
def pack() -> Callable[[Path, Files], Path]:
    """Write an archive of the kind that its name ends with, members in the files' order."""

    def write(archive: Path, files: Files) -> Path:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
                for name, content in files.items():
                    zipped.writestr(name, content)
            return archive
        with tarfile.open(archive, "w" if archive.suffix == ".tar" else "w:gz") as tar:
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return archive

    return write
