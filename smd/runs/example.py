"""The example: two small finished runs that come with the program, so that every page has something
to show before anything was trained.

`python -m docs.example` makes the archive; nothing in it is treated better than what a stranger
sends: its stores are opened by the process that tries unknown ones first.
"""

import secrets
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path

from smd import data
from smd.errors import UserError
from smd.jobs import listing
from smd.paths import only_looked_at, runs_root
from smd.runs import folders

FILE = Path(__file__).with_name("example.zip")
DATA = "digits"  # what both were trained on
NAMES = ("20260101-000002-example-smd", "20260101-000001-example-std")  # the newest first
MARK = ".example"  # in the folder of runs, where it has been once: it does not come back


def is_example(run_id: str) -> bool:
    """Whether the run with that id is part of the example."""
    return run_id in NAMES


def own() -> list[folders.Run]:
    """The runs that are no example, the newest first."""
    return [run for run in folders.all_runs() if not is_example(run.id)]


def bring() -> bool:
    """Put the example into a folder of runs that has none and never had it; whether that was done.

    A folder that takes nothing stays as it is: the pages do without.
    """
    if only_looked_at() or (runs_root() / MARK).exists() or listing.runs():
        return False
    with suppress(OSError, UserError):
        runs_root().mkdir(parents=True, exist_ok=True)
        (runs_root() / MARK).touch(exist_ok=False)  # of two programs at once the first one goes on
        _unpack(runs_root())
        data.load(DATA)  # its pictures
        return True
    return False


def _unpack(root: Path) -> None:
    """Each run appears at once, complete."""
    place = root / f".new-example-{secrets.token_hex(2)}"
    try:
        with zipfile.ZipFile(FILE) as packed:
            packed.extractall(place)
        for name in NAMES:
            (place / name).rename(root / name)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def remove() -> None:
    """Delete the example for good; raises UserError where a job on it is not over."""
    for run in folders.all_runs():
        if is_example(run.id):
            folders.delete(run)
