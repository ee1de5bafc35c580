"""Where things lie on this machine: runs, data and the cache of imported images."""

import os
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from smd.errors import UserError

AROUND = Path(__file__).resolve().parent.parent


def _checkout(around: Path) -> Path | None:
    """The folder around this package where the dashboard is app/ in it; None where the package is
    installed: an `app` beside an installed dashboard is somebody else's."""
    here = (around / "app" / "main.py").is_file() and not (around / "smd_app").is_dir()
    return around if here else None


CHECKOUT = _checkout(AROUND)
# what names the user's folder of that kind, and where it usually lies in the home
DATA = ("XDG_DATA_HOME", ".local/share")
CACHE = ("XDG_CACHE_HOME", ".cache")
STATE = ("XDG_STATE_HOME", ".local/state")


def given(text: str | Path) -> Path:
    """The place that somebody names, as a whole path; "~" is a home.

    Raises UserError where there can be none: nobody has that name, or it is too long.
    """
    try:
        place = Path(text).expanduser().absolute()
        if "\0" in str(place):
            raise ValueError("a NUL")
        place.lstat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # whoever opens it says more
    except (OSError, RuntimeError, ValueError):
        shown = ascii(str(text)[:200])[1:-1]
        raise UserError(f"There is nothing at {shown}: check the path.") from None
    return place


def runs_root() -> Path:
    """The folder of all runs: `SMD_RUNS`, or `runs/` in a checkout, or in the user's folder of
    data."""
    return _beside("SMD_RUNS", "runs")


def only_looked_at() -> bool:
    """Whether the folder of all runs is there but takes nothing: another's, or on a disk that is
    read-only."""
    root = runs_root()
    return root.is_dir() and not os.access(root, os.W_OK | os.X_OK)


def data_root() -> Path:
    """The folder where data sets are looked for and downloaded to: `SMD_DATA`, or `data/`
    likewise."""
    return _beside("SMD_DATA", "data")


def nets_root() -> Path:
    """The folder of own networks' files: `SMD_NETS`, or `nets/` likewise."""
    return _beside("SMD_NETS", "nets")


def usual(name: str) -> str:
    """Where the folder "runs", "data", "nets" or "cache" lies if no SMD_... is set, in words."""
    if name != "cache" and CHECKOUT:
        return f"{name}/"
    base, below = CACHE if name == "cache" else DATA
    above = os.environ.get(base) or f"~/{below}"
    return str(Path(above) / "smd-studio" / ("" if name == "cache" else name))


def _beside(own: str, name: str) -> Path:
    if CHECKOUT and not os.environ.get(own):
        return CHECKOUT / name
    return _of_the_user(own, DATA, name)


def state_root() -> Path:
    """The folder of what this installation keeps to itself: `SMD_STATE`, or `smd-studio` in the
    user's state folder."""
    return _of_the_user("SMD_STATE", STATE)


def _of_the_user(own: str, kind: tuple[str, str], name: str = "") -> Path:
    """The folder that `own` names, or ours in the user's folder of that kind; a temporary one where
    there is none and none can be."""
    if named := os.environ.get(own):
        return given(named)
    base, below = kind
    above = given(os.environ.get(base) or _home() / below)
    folder = above / "smd-studio" / name
    if _exists(folder) or _takes(folder):
        return folder
    return temporary("smd-studio") / below.lstrip(".") / name


def _takes(folder: Path) -> bool:
    """Whether it could be made, or written to."""
    above = next(each for each in (folder, *folder.parents) if _exists(each))
    return above.is_dir() and os.access(above, os.W_OK | os.X_OK)


def _exists(path: Path) -> bool:
    with suppress(OSError):  # another user's home, as after `su`
        return path.exists()
    return False


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
    return _of_the_user("SMD_CACHE", CACHE)


def share() -> None:
    """Let what this process makes belong to a group as well, where the runs or the cache lie in a
    group's folder.

    Such a folder hands its group on (setgid) and lets it write: without this only who made a run
    could go on with it.
    """
    with suppress(UserError):
        for folder in (runs_root(), cache_root()):
            _share(folder)


@cache
def _share(
    folder: Path,
) -> None:  # once: for a moment no thread shall make what nobody else can read
    with suppress(OSError):
        mode = folder.stat().st_mode
        if mode & stat.S_ISGID and mode & stat.S_IWGRP:
            os.umask(os.umask(0o077) & ~0o070)


def compiled_root() -> Path:
    """The folder of what numba compiles.

    In the cache, or where that cannot be written in a temporary place.

    Whoever can write there can have programs run, so a cache that others share is not taken. Raises
    UserError.
    """
    root = cache_root() / "numba"
    with suppress(OSError):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        above, about = cache_root().stat(), root.stat()
        own = (
            above.st_uid == about.st_uid == os.getuid()
            and not (above.st_mode | about.st_mode) & 0o022
        )
        if own and os.access(root, os.W_OK | os.X_OK):
            return root
    return temporary("smd-numba")
