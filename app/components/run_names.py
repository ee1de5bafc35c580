"""What runs are called in lists and links, and moments as pages write them."""

import time
from collections import Counter
from functools import lru_cache
from pathlib import Path

from smd import export, registry
from smd.errors import UserError
from smd.jobs import kinds
from smd.paths import runs_root
from smd.runs.folders import Run


def label(run: Run) -> str:
    """A run in a list: what it is, when it was started, how it stands."""
    try:
        config = run.config
    except UserError:
        return f"{run.id} (unreadable)"
    defense = registry.KNOWN_DEFENSES.get(config.defense)
    title = defense.title if defense else config.defense
    return f"{title} · {export.data_name(config)} · {when(run.status.created)} · {run.id[-4:]}"


def run_of(folder: Path) -> Run:
    """The run that a job belongs to: itself, or the one in whose folder it lies."""
    own = folder.parent.parent if kinds.of_folder(folder).folder else folder
    return Run(own.name, own)


def name(run_id: str) -> str:
    """A run's id without its time: short, and as stable in links as the id itself.

    Of a copied folder whose id differs in the time alone, and of what it was copied from, it is the
    whole id.
    """
    short = _short(run_id)
    return run_id if short in _twice(str(runs_root()), stamp(runs_root())) else short


def _short(run_id: str) -> str:
    return run_id.split("-", 2)[-1]


@lru_cache(maxsize=4)
def _twice(root: str, _stamp: int) -> frozenset[str]:
    """Short names that two run folders have; listed again when a folder has come or gone."""
    counts = Counter(
        _short(path.name) for path in Path(root).glob("*") if not path.name.startswith(".")
    )
    return frozenset(short for short, n in counts.items() if n > 1)


def stamp(folder: Path) -> int:
    """Changes when something in the folder is made, renamed or removed; 0 if it is not there."""
    return folder.stat().st_mtime_ns if folder.exists() else 0


def when(moment: float) -> str:
    """A time of day today, else a date with it, local time."""
    today = time.strftime("%Y-%m-%d") == time.strftime("%Y-%m-%d", time.localtime(moment))
    return time.strftime("%H:%M" if today else "%d %b %H:%M", time.localtime(moment))
