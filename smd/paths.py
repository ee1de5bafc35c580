"""Where things lie on this machine: runs, data and the cache of imported images."""

import os
import tempfile
from pathlib import Path

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
        return Path(tempfile.gettempdir()) / f"smd-studio-{os.getuid()}"


def cache_root() -> Path:
    """The folder of imported images: `SMD_CACHE`, or `smd-studio` in the user's cache.

    It is apart from the data root, which may be shared and read-only.
    """
    base = os.environ.get("XDG_CACHE_HOME") or _home() / ".cache"
    return Path(os.environ.get("SMD_CACHE") or Path(base) / "smd-studio").expanduser().absolute()
