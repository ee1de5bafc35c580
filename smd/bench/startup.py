"""How long the command line and every page take to show something, with many runs."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import psutil

from smd.bench import browser
from smd.bench.many import environment, fill
from smd.bench.part import Part, Row
from smd.bench.timing import interleaved, seconds
from smd.paths import AROUND

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TICK = 1 / os.sysconf("SC_CLK_TCK")  # s: the system counts the processor's time in these
COMMANDS = {"python -m smd --help": ("--help",), "python -m smd runs": ("runs",)}


def measure(quick: bool) -> Part:
    """100 finished runs on the digits, the newest of 150 epochs on 60,000 samples."""
    runs, epochs, samples, repetitions = (3, 2, 60, 1) if quick else (100, 150, 60_000, 3)
    note = (
        f"{runs} finished runs, the newest of {epochs} epochs on {samples:,} samples. A page counts"
        " as shown when its script is over and all charts, tables and pictures are drawn. first:"
        f" the first click on it since the server's start; again: the median of {repetitions} more,"
        " all pages in turn. Seconds of the processor are those that the server computed"
        " meanwhile, whatever else the machine did."
    )
    with TemporaryDirectory() as folder:
        env = environment(Path(folder) / "runs")
        fill(Path(folder) / "runs", runs, epochs, samples)
        rows = _shell(env, repetitions)
        with browser.chromium() as opened:
            if opened:
                rows += _pages(opened, env, repetitions)
            else:
                note += " Playwright or Chromium is missing here: no page was measured."
    return Part("startup", f"Until it is to be seen, with {runs} runs", rows, note)


def _row(what: str, value: float, unit: str = "s") -> Row:
    return {"what": what, "value": value, "unit": unit}


def _shell(env: Mapping[str, str], repetitions: int) -> list[Row]:
    """Whole processes."""
    times = interleaved(
        [partial(_command, env, *words) for words in COMMANDS.values()], repetitions
    )
    return [_row(what, time) for what, time in zip(COMMANDS, times, strict=True)]


def _command(env: Mapping[str, str], *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "smd", *words],
        cwd=AROUND,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        check=True,
    )


class Visit(NamedTuple):
    """What a page took."""

    seconds: float  # until it was drawn
    processor: float  # seconds that the server computed for it: others' work does not count


def _pages(opened: "Browser", env: Mapping[str, str], repetitions: int) -> list[Row]:
    """The first page from the server's start on; then each page, clicked on in the side bar."""
    starts, times = [], {place.name: list[Visit]() for place in browser.PLACES}
    for number in range(repetitions):
        began = time.perf_counter()
        with browser.server(env) as there:
            page = browser.opened(opened, there.address)
            starts.append(time.perf_counter() - began)
            for place in browser.PLACES * (1 + repetitions) if number == 0 else ():
                times[place.name].append(_visit(there.pid, partial(browser.show, page, place)))
            page.close()
    rows = [_row("server started and Train's title seen", statistics.median(starts))]
    for at, unit in enumerate(("s", "s of the processor")):
        each = {title: [visit[at] for visit in visits] for title, visits in times.items()}
        rows += [_row(f"{title}, first", taken[0], unit) for title, taken in each.items()]
        again = {title: statistics.median(taken[1:]) for title, taken in each.items()}
        rows += [_row(f"{title}, again", taken, unit) for title, taken in again.items()]
    return rows


def _visit(pid: int, show: Callable[[], None]) -> Visit:
    server = psutil.Process(pid)
    before = sum(server.cpu_times()[:2])
    taken = seconds(show)
    return Visit(taken, max(TICK, sum(server.cpu_times()[:2]) - before))
