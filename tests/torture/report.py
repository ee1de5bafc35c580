"""The table of a campaign, as text and as docs/torture.md."""

import datetime
import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from smd import __version__


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


HEAD = ("Campaign", "What was done", "Tries", "Failures", "Seconds", "What came of it")


def cells(row: Row) -> tuple[str, ...]:
    """One row as texts."""
    counted = ", ".join(f"{outcome}: {n}" for outcome, n in row.outcomes.most_common())
    said = "; ".join(part for part in (counted, row.skipped and f"not tried: {row.skipped}") if part)
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


def markdown(rows: Sequence[Row], seed: int) -> str:
    """The whole page."""
    today = datetime.date.today().isoformat()
    faults = [f"- {row.name}: {fault}" for row in rows for fault in row.faults]
    parts = [INTRODUCTION, f"Version {__version__}, {today}, {machine()}, seed {seed}.", table(rows)]
    parts += ["## Failures", "\n".join(faults) or "None.", ENDING]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """# Bad luck, measured

`make torture` writes this page. Every try starts a real job in a folder of its own, spoils it, and then asks: does the
store open, is the status true, do the results after a resume equal an unbroken run's bit for bit (every table, the
weights, the adversarial images; without times and readings of the machine)? A failure names the command that repeats
exactly that try."""

ENDING = """## What was not tried

TODO"""
