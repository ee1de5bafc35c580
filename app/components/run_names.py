"""What runs are called in lists and links, and moments as pages write them."""

import time
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from smd import export, registry
from smd.errors import UserError
from smd.jobs import kinds
from smd.paths import runs_root
from smd.runs import example, names, notes
from smd.runs.folders import Run


def label(run: Run) -> str:
    """A run in a list: what it is called, what it is, when it was started, how it stands."""
    try:
        config = run.config
    except UserError:
        return f"{shown(run.id) if named(run.id) else run.id} (unreadable)"
    defense = registry.KNOWN_DEFENSES.get(config.defense)
    title = defense.title if defense else config.defense
    about = f"{title} · {export.data_name(config)}"
    if named(run.id):
        about = f"{shown(run.id)} · {about}"
    if example.is_example(run.id):
        return f"{about} · example"
    return f"{about} · {when(run.status.created)} · {run.id[-4:]}"


def run_of(folder: Path) -> Run:
    """The run that a job belongs to: itself, or the one in whose folder it lies."""
    own = folder.parent.parent if kinds.of_folder(folder).folder else folder
    return Run(own.name, own)


def link(run_id: str) -> str:
    """What addresses and files call a run: its id without the time, short and as stable as the id.

    Of a copied folder whose id differs in the time alone, and of what it was copied from, it is the
    whole id.
    """
    short = _short(run_id)
    return run_id if short in _twice(str(runs_root()), stamp(runs_root())) else short


def shown(run_id: str) -> str:
    """What a run is called wherever it is shown, no two alike: the name that a person gave it, or
    its link name. It may say anything: Markdown takes it through `plain`."""
    return _called(run_id).shown


def named(run_id: str) -> bool:
    """Whether a person has named the run."""
    return _called(run_id).named


def beside(run: Run, title: str) -> str:
    """What a run is called beside its defense's title: its name where it has one."""
    own = named(run.id) or example.is_example(run.id)
    return shown(run.id) if own else f"{title} {run.id[-4:]}"


class _Called(NamedTuple):
    stamp: int  # of the file that says so
    shown: str
    named: bool


_kept: tuple[object, dict[str, _Called]] = (None, {})  # of a folder of runs as it stood


def _called(run_id: str) -> _Called:
    """Read again for all runs where this run's file or the folder of runs has changed."""
    global _kept
    root = runs_root()
    at, called = (root, stamp(root)), _kept[1]
    own = called.get(run_id)
    if _kept[0] != at or (own and own.stamp != stamp(root / run_id / notes.FILE)):
        called = _all_called(root)
        _kept = at, called
    return called.get(run_id) or _Called(0, link(run_id), False)  # of a run that is gone


def _all_called(root: Path) -> dict[str, _Called]:
    runs = [Run(path.name, path) for path in root.glob("*") if not path.name.startswith(".")]
    stamps = {run.id: stamp(run.folder / notes.FILE) for run in runs}  # before it is read
    given = {
        run.id: _given(str(run.folder), stamps[run.id]) if stamps[run.id] else "" for run in runs
    }
    called = names.distinct({i: (name, link(i)) for i, name in given.items()})
    return {i: _Called(stamps[i], name, bool(given[i])) for i, name in called.items()}


@lru_cache(maxsize=10_000)
def _given(folder: str, _stamp: int) -> str:
    return notes.read(Run(Path(folder).name, Path(folder))).name


def _short(run_id: str) -> str:
    return run_id.split("-", 2)[-1]


@lru_cache(maxsize=4)
def _twice(root: str, _stamp: int) -> frozenset[str]:
    """Short names that two run folders have; listed again when a folder has come or gone."""
    counts = Counter(
        _short(path.name) for path in Path(root).glob("*") if not path.name.startswith(".")
    )
    return frozenset(short for short, n in counts.items() if n > 1)


def stamp(path: Path) -> int:
    """Changes when a file, or something in a folder, is made, renamed or removed; 0 if it is not
    there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def when(moment: float) -> str:
    """A time of day today, else a date with it, local time."""
    today = time.strftime("%Y-%m-%d") == time.strftime("%Y-%m-%d", time.localtime(moment))
    return time.strftime("%H:%M" if today else "%d %b %H:%M", time.localtime(moment))
