"""Which jobs there are: the folders of all runs, and of the jobs in them."""

from contextlib import suppress
from pathlib import Path

from smd.jobs import kinds
from smd.paths import runs_root


def runs() -> list[Path]:
    """The folders of all runs, the newest first."""
    return listed(runs_root())


def on_run(run: Path, kind: str = "") -> list[Path]:
    """The folders of a run's jobs of one kind, or of every kind, the newest first."""
    chosen = [kinds.KINDS[kind]] if kind else kinds.on_runs()
    return [folder for each in chosen for folder in listed(run / each.folder)]


def listed(root: Path) -> list[Path]:
    """The folders of jobs right inside a folder, the newest first.

    A run may have come from elsewhere: no link leads out of it. A name that cannot be printed can
    be given to no command, so it is left out.
    """
    inside = root != runs_root()
    if inside and root.is_symlink():
        return []
    rows = []
    for path in root.glob("*/config.json"):
        folder = path.parent
        if folder.name.startswith(".") or not folder.name.isprintable():
            continue
        if inside and folder.is_symlink():
            continue
        with suppress(FileNotFoundError):  # deleted just now
            # Ids count in seconds; within one, the config tells, as it is written once.
            rows.append((folder.name[:15], path.lstat().st_mtime_ns, folder))
    return [folder for *_, folder in sorted(rows, reverse=True)]
