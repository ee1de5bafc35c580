"""Makers of unlucky and hostile images, folders and archives.

Nothing is larger on the disk than a few MB.
"""

import gzip
import io
import os
import socket
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

NOBODY = 65534  # who has no rights of their own
Files = Mapping[str, bytes]


def picture(
    seed: int = 0, mode: str = "L", size: tuple[int, int] = (8, 8), kind: str = "PNG", **more
) -> bytes:
    """An encoded image of noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return encoded(Image.fromarray(noise).convert(mode), kind, **more)


def encoded(image: Image.Image, kind: str = "PNG", **more) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def lay_out(folder: Path, files: Files) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def zip_of(place: Path, files: Files) -> Path:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return place


def two_classes(n: int = 3) -> dict[str, bytes]:
    """Gray images of two classes, no two alike."""
    return {f"{c}/{i}.png": picture(10 * i + (c == "b")) for c in "ab" for i in range(n)}


def pipe(file: Path) -> None:
    os.mkfifo(file)


def endless(file: Path) -> None:
    file.symlink_to("/dev/zero")


def dangling(file: Path) -> None:
    file.symlink_to(file.with_name("nowhere.png"))


def listening(file: Path) -> None:
    """A socket; its path may be long, so it is bound from its folder."""
    here = Path.cwd()
    os.chdir(file.parent)
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(file.name)
    finally:
        os.chdir(here)


def huge(file: Path) -> None:
    """6 GB that take no room."""
    with file.open("wb") as opened:
        opened.truncate(6 * 10**9)


SPECIAL: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (pipe, "is a named pipe"),
    "device": (endless, "is a device"),
    "socket": (listening, "is a socket"),
    "dangling": (dangling, "is a link to nothing"),
    "huge": (huge, "is larger than 150.0 MB"),
}


def tar_bomb(place: Path, gigabytes: int) -> Path:
    """A .tar.gz of a few kB a GB: one member of zeros, in gzip members that are all the same."""
    info = tarfile.TarInfo("a/notes.bin")
    info.size = gigabytes * 2**30
    block = gzip.compress(bytes(2**28))
    with place.open("wb") as out:
        out.write(gzip.compress(info.tobuf(tarfile.GNU_FORMAT)))
        for _ in range(gigabytes * 4):
            out.write(block)
        out.write(gzip.compress(bytes(1024)))
    return place


def tar_of_many(place: Path, members: int) -> Path:
    """A .tar.gz of so many folders, all of them one and the same."""
    folder = tarfile.TarInfo("a/notes")
    folder.type = tarfile.DIRTYPE
    info = folder.tobuf()
    with place.open("wb") as out:
        for _ in range(members // 10_000):
            out.write(gzip.compress(info * 10_000, 1))
        out.write(gzip.compress(bytes(1024)))
    return place


def zip_of_many(place: Path, members: int) -> Path:
    """A .zip whose directory lists so many folders, all of them one and the same."""
    name = b"a/notes/"
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
    entry = (
        struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0
        )
        + name
    )
    size = len(entry) * members
    with place.open("wb") as out:
        out.write(local)
        for _ in range(members // 1000):
            out.write(entry * 1000)
        at = len(local) + size
        out.write(
            struct.pack(
                "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, members, members, size, len(local)
            )
        )
        out.write(struct.pack("<4sLQL", b"PK\6\7", 0, at, 1))
        out.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0))
    return place


def npz_bomb(place: Path, gigabytes: int) -> Path:
    """An .npz of black images that unpacks to so many GB; only one in a hundred of its bytes is on
    the disk."""
    n = gigabytes * 2**30 // 4096
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        with opened.open("images.npy", "w", force_zip64=True) as out:
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                header, {"descr": "|u1", "fortran_order": False, "shape": (n, 64, 64)}
            )
            out.write(header.getvalue())
            for _ in range(gigabytes * 16):
                out.write(bytes(2**26))
        labels = io.BytesIO()
        np.save(labels, np.arange(n) % 2)
        opened.writestr("labels.npy", labels.getvalue())
    return place


def postscript() -> bytes:
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"


def frames(count: int) -> bytes:
    """A TIFF of so many frames, all of them the first one: its directory leads to itself again and
    again."""
    images = [Image.new("L", (8, 8), k) for k in range(count)]
    return encoded(images[0], "TIFF", save_all=True, append_images=images[1:])


def oriented(orientation: int, kind: str = "JPEG") -> bytes:
    """An image, wide and dark on its left as it is stored, that is to be turned."""
    pixels = np.full((8, 16), 255, np.uint8)
    pixels[:, :8] = 0
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(Image.fromarray(pixels), kind, exif=exif.tobytes())


def as_anybody(act: Callable[[], object]) -> str:
    """What the act raises where nothing is allowed that root alone may do; "" if nothing.

    A process of its own does it.

    A superuser may list and read whatever the modes say, so that tests of permissions would test
    nothing.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        said = ""
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            act()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read().decode()
    os.waitpid(child, 0)
    return said
