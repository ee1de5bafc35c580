"""The table of a campaign, as text and as docs/torture.md."""

import datetime
import json
import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smd import __version__
from smd.files import durable


@dataclass
class Row:
    """What came of one campaign."""

    name: str
    what: str
    tries: int = 0
    seconds: float = 0.0
    skipped: str = ""
    faults: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    seed: int = 0
    day: str = field(default_factory=lambda: datetime.date.today().isoformat())


def kept(path: Path) -> dict[str, Row]:
    """The rows of earlier campaigns, by their names."""
    values = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {
        name: Row(**{**row, "outcomes": Counter(row["outcomes"])}) for name, row in values.items()
    }


def keep(path: Path, row: Row) -> None:
    """Store a row in place of an earlier one of that campaign."""
    rows = {**kept(path), row.name: row}
    durable.write(path, json.dumps({name: vars(each) for name, each in rows.items()}, indent=1))


HEAD = ("Campaign", "What was done", "Tries", "Failures", "Seconds", "What came of it")


def cells(row: Row) -> tuple[str, ...]:
    """One row as texts."""
    counted = ", ".join(f"{outcome}: {n}" for outcome, n in row.outcomes.most_common())
    said = "; ".join(
        part for part in (counted, row.skipped and f"not tried: {row.skipped}") if part
    )
    failures = f"**{len(row.faults)}**" if row.faults else "0" if row.tries else "-"
    return row.name, row.what, str(row.tries), failures, f"{row.seconds:.0f}", said


def table(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|--:|--:|--:|---|"]
    return "\n".join([*lines, *("| " + " | ".join(cells(row)) + " |" for row in rows)])


def machine() -> str:
    """This machine in general words."""
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"


def markdown(rows: Sequence[Row]) -> str:
    """The whole page."""
    days = sorted({row.day for row in rows})
    seeds = ", ".join(map(str, sorted({row.seed for row in rows})))
    faults = [f"- {row.name}: {fault}" for row in rows for fault in row.faults]
    total = f"{sum(row.tries for row in rows)} tries, {len(faults)} failures"
    about = (
        f"Version {__version__}, {' to '.join(dict.fromkeys((days[0], days[-1])))}, {machine()},"
        f" seed {seeds}: {total}."
    )
    parts = [
        INTRODUCTION,
        about,
        table(rows),
        "## Failures",
        "\n".join(faults) or "None.",
        FOUND,
        ENDING,
    ]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """# Bad luck, measured

`make torture` writes this page. Every try starts a real job in a folder of its own, spoils it, and
then asks: does the
store open, is the status true, do the results after a resume equal an unbroken run's bit for bit
(every table, the
weights, the adversarial images; without times and readings of the machine)? A failure names the
command that repeats
that try. `--only kills,disk` runs some campaigns, `--tries 0` all their cases, `--seed` others by
chance."""

FOUND = """## What it has found

Each was mended with a test in `tests/hostile/`, and what had failed was tried again.

- A power loss emptied this installation's key, and every command ended with an error until it was
  deleted by hand.
- A disk that turned read-only for an error is still called writable by newer kernels: the job was
  told as lost.
- Without room for one more name (inodes) a job that could not begin stayed queued, and a worker
  would have started it
  again and again; one that found no room before it began was told as cancelled, not as failed."""

ENDING = """## What is not tried

- GPUs, and kills of the driver's own threads; jobs here are the smallest trainings on a processor.
- The machine's own clock is not set: each process is given another one in Python, and another time
  of boot, so what
  DuckDB and the kernel read stays as it was. A virtual machine that is put to sleep and woken is
  not tried.
- Power losses are those of ext4 (`FS_IOC_SHUTDOWN` without a flush of its journal) with four kinds
  of mount options; a
  disk that lies about what it has written, other file systems, NFS and SMB are not tried.
- Kills of maps (UMAP), of sweeps and of the dashboard itself; two real machines with one network
  folder.
- Where disks cannot be mounted (no root) or strace is missing, the campaigns that need them say so
  and are left out."""
