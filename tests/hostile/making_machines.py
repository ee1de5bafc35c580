"""Makers of unlucky machines: small disks that fill, disks that turn read-only, old locales.

Most need root.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

mounts = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("mount") is None, reason="needs root to mount a disk"
)


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own, "64k" or "2m"; skips the test where none can be had."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "small", folder],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], capture_output=True, check=False)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder takes nothing, as after an error of its disk; what is open already stays open."""
    subprocess.run(["mount", "--bind", folder, folder], check=True, capture_output=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True, capture_output=True)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True, capture_output=True)


def fill(folder: Path) -> Path:
    """Use every byte that is left."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while file.write(b"x"):
            pass
    assert os.statvfs(folder).f_bavail == 0
    return path


def latin1(folder: Path) -> dict[str, str]:
    """The environment of a machine that speaks en_US.ISO-8859-1; skips the test where none can be
    made."""
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/en_US").exists():
        pytest.skip("no locales can be made here")
    made = folder / "en_US.ISO-8859-1"
    if not made.exists():
        folder.mkdir(parents=True, exist_ok=True)
        words = ["localedef", "--no-archive", "-i", "en_US", "-f", "ISO-8859-1", made]
        subprocess.run(words, capture_output=True, check=False)  # ends with 1 after mere warnings
    return {
        "LOCPATH": str(folder),
        "LC_ALL": "en_US.ISO-8859-1",
        "PYTHONUTF8": "0",
        "PYTHONIOENCODING": "",
    }


def on_host(name: str, *command: object) -> list[str]:
    """The command as it runs on a machine of that name; skips the test where none can be had."""
    renamed = (
        "import os, socket, sys; socket.sethostname(sys.argv[1]); os.execvp(sys.argv[2],"
        " sys.argv[2:])"
    )
    words = ["unshare", "--uts", sys.executable, "-c", renamed, name]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*words, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no machine can be given another name here")
    return [*words, *map(str, command)]


HIDDEN = """
kept=$(mktemp -d); mount --bind "$2" "$kept"; mount -t tmpfs -o mode=755 none "$1"
mkdir -p "$2"; mount --bind "$kept" "$2"; shift 2; exec "$@"
"""


def as_user(uid: int, group: int, *command: object, **env: str) -> list[str]:
    """The command as another user runs it, one without a name and with nothing but `env` in the
    environment.

    Skips the test where this user cannot become another. An interpreter that lies in a private home
    is laid open for that process alone.
    """
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root to become another user")
    words = [
        "setpriv",
        f"--reuid={uid}",
        f"--regid={uid}",
        f"--groups={group}",
        "env",
        "-i",
        f"PATH={os.defpath}",
    ]
    words += [f"{name}={value}" for name, value in env.items()]
    base = Path(sys.base_prefix)
    closed = next(
        (folder for folder in reversed(base.parents) if not folder.stat().st_mode & 0o001), None
    )
    if closed:
        words = [
            "unshare",
            "--mount",
            "sh",
            "-e",
            "-c",
            HIDDEN,
            "sh",
            str(closed),
            str(base),
            *words,
        ]
    if subprocess.run(
        [*words, sys.executable, "-c", ""], capture_output=True, check=False
    ).returncode:
        pytest.skip("another user cannot use this installation")
    return [*words, *map(str, command)]


def step_clock(patch: pytest.MonkeyPatch, seconds: float) -> None:
    """This process's wall clock is set, from now on; psutil's starts of processes move with it, as
    on Linux."""
    now, started = time.time, psutil.Process.create_time
    patch.setattr(time, "time", lambda: now() + seconds)
    patch.setattr(psutil.Process, "create_time", lambda self: started(self) + seconds)


ODD_NAMES = ["#%20%s", "two words", "line\nline", "'\"", "🐘 ü", "[a]*", "md:x", "~", "-x", "\x01"]
REFUSED_NAMES = ["a?access_mode=read_only", "a\\b", b"M\xe4nner"]  # DuckDB would look elsewhere


def odd(folder: Path, name: str | bytes) -> Path:
    """A folder of an odd name in another; bytes are of a name that is no UTF-8."""
    path = folder / os.fsdecode(name)
    path.mkdir(parents=True)
    return path


IMPORTER = """
import os, sys
from pathlib import Path
import numpy as np
from smd.data import cache
from smd.errors import UserError

def make(folder):
    pixels = cache.allocate(folder, (400, 1, 32, 32))
    try:  # somebody else takes all that is left
        with open(folder.parent / "ballast", "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError:
        pass
    pixels[:] = 7
    return cache.Imported(("a",), pixels, np.zeros(400, int), np.zeros(400, int))

try:
    cache.fetch("tiny", {"v": 1}, make)
except UserError as error:
    sys.exit(f"said: {error}")
"""
