"""Where things lie on this machine: runs, data and the cache of imported images."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from smd.errors import UserError

REPOSITORY = Path(__file__).resolve().parent.parent


def runs_root() -> Path:
    """The folder of all runs: `SMD_RUNS`, or `runs/` in the checkout."""
    return Path(os.environ.get("SMD_RUNS") or REPOSITORY / "runs").expanduser().absolute()


def data_root() -> Path:
    """The folder where data sets are looked for and downloaded to: `SMD_DATA`, or `data/`."""
    return Path(os.environ.get("SMD_DATA") or REPOSITORY / "data").expanduser().absolute()


def state_root() -> Path:
    """The folder of what this installation keeps to itself: `SMD_STATE`, or `smd-studio` in the user's state folder."""
    base = os.environ.get("XDG_STATE_HOME") or _home() / ".local" / "state"
    return Path(os.environ.get("SMD_STATE") or Path(base) / "smd-studio").expanduser().absolute()


def _home() -> Path:
    """The user's home, or a folder of this user's own where there is none, as in a container."""
    try:
        return Path.home()
    except RuntimeError:
        return temporary("smd-studio")


def temporary(name: str) -> Path:
    """A folder among the temporary ones that is this user's alone.

    Raises UserError where there is none: others may have taken its name, to have their files read.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        about = folder.lstat()
    except OSError as error:
        raise UserError(
            f"No temporary folder can be had ({error.strerror}): point TMPDIR at one of your own."
        ) from None
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o022:
        raise UserError(f"{folder} is not yours alone: point TMPDIR at a folder of your own.")
    return folder


def cache_root() -> Path:
    """The folder of imported images: `SMD_CACHE`, or `smd-studio` in the user's cache.

    It is apart from the data root, which may be shared and read-only.
    """
    base = os.environ.get("XDG_CACHE_HOME") or _home() / ".cache"
    return Path(os.environ.get("SMD_CACHE") or Path(base) / "smd-studio").expanduser().absolute()


def compiled_root() -> Path:
    """The folder of what numba compiles: in the cache, or where that cannot be written in a temporary place.

    Whoever can write there can have programs run, so a cache that others share is not taken. Raises UserError.
    """
    root = cache_root() / "numba"
    above = next(folder for folder in (root, *root.parents) if folder.exists())
    own = above.stat().st_uid == os.getuid() and not above.stat().st_mode & 0o022
    return root if own and os.access(above, os.W_OK | os.X_OK) else temporary("smd-numba")
