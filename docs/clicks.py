"""Counts the clicks and seconds from opening the dashboard to what people open it for, in a real
browser: `python -m docs.clicks` writes docs/clicks.md."""

import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from smd import data
from smd.bench import browser
from smd.bench.machine import machine

PAGE = Path(__file__).with_name("clicks.md")
CLASSES, EACH = 2, 40  # of the own images
PATIENCE = 60_000  # milliseconds


class Clicker:
    """A window that counts what is clicked in it."""

    def __init__(self, page: Any) -> None:
        """page: Playwright's, on the dashboard's first page."""
        self.page, self.clicks = page, 0

    def click(self, what: Any) -> None:
        """Click on a locator."""
        what.click(timeout=PATIENCE)
        self.clicks += 1

    def button(self, name: str) -> Any:
        """The first button or link whose name begins so, on the page itself."""
        main = self.page.get_by_test_id("stMain")
        named = re.compile(f"(^|\\W){name}")
        return (
            main.get_by_role("button", name=named).or_(main.get_by_role("link", name=named)).first
        )

    def seen(self, what: Any) -> None:
        """Wait until a locator is in sight."""
        what.wait_for(timeout=PATIENCE)


def first_network(w: Clicker, _: Path) -> None:
    """Train is the first page, its form is filled in."""
    w.click(w.page.get_by_role("button", name="Train", exact=True))
    w.seen(w.page.get_by_role("heading", level=1, name="Live"))


def fragile(w: Clicker, _: Path) -> None:
    """The newest result on Train leads there."""
    w.click(w.button("10 most fragile"))
    w.seen(w.page.get_by_text(re.compile("10 of [0-9,]+ test images")).first)


def ranking(w: Clicker, _: Path) -> None:
    """Attacks begins with this run and its baseline, and with the worst attack."""
    sidebar = w.page.get_by_test_id("stSidebarNav")
    w.click(sidebar.get_by_role("link", name="Attacks", exact=True))
    w.seen(w.page.get_by_text(re.compile("Worst case of .*AutoAttack")))


def latex(w: Clicker, _: Path) -> None:
    """A table below the ranking, as a file."""
    sidebar = w.page.get_by_test_id("stSidebarNav")
    w.click(sidebar.get_by_role("link", name="Attacks", exact=True))
    with w.page.expect_download(timeout=PATIENCE) as download:
        w.click(w.button("LaTeX"))
    if r"\label{" not in download.value.path().read_text():
        raise RuntimeError("The LaTeX has no label.")


def report(w: Clicker, _: Path) -> None:
    """Of the newest result, on Train."""
    with w.page.expect_download(timeout=PATIENCE) as download:
        w.click(w.button("Report"))
    download.value.path()


def own_images(w: Clicker, place: Path) -> None:
    """Choose "My own images", type where they are, Train."""
    w.click(w.page.get_by_role("combobox", name="Data set"))
    w.click(w.page.get_by_role("option", name="My own images"))
    path = w.page.get_by_role("textbox", name="Folder, archive or array file")
    path.fill(str(place), timeout=PATIENCE)
    path.press("Enter")
    w.seen(w.page.get_by_text("--path").first)
    w.click(w.page.get_by_role("button", name="Train", exact=True))
    w.seen(w.page.get_by_role("heading", level=1, name="Live"))


class Task(NamedTuple):
    """What somebody opens the dashboard for."""

    what: str
    goal: int  # clicks
    do: Callable[[Clicker, Path], None]


TASKS = (  # what trains comes last: the others are about the newest result
    Task("The report of the newest result", 1, report),
    Task("The ten most fragile test images", 2, fragile),
    Task("SMD against STD under AutoAttack", 4, ranking),
    Task("A LaTeX table for a paper", 2, latex),
    Task("The first network", 1, first_network),
    Task("Own images to a training that is queued, and typing their path", 3, own_images),
)


def write_images(place: Path) -> None:
    """Class folders of PNG files, of the built-in digits."""
    digits = data.load("digits")
    for label in range(CLASSES):
        (place / f"class-{label}").mkdir(parents=True)
        rows = [k for k, each in enumerate(digits.labels) if each == label][:EACH]
        for row in rows:
            Image.fromarray(digits.pixels[row, 0]).save(place / f"class-{label}" / f"{row}.png")


def measured(window: Any, address: str, place: Path) -> list[tuple[Task, int, float]]:
    """Each task in a window of its own: its clicks and seconds from opening to what is wanted."""
    rows = []
    for task in TASKS:
        page = window.new_page(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
        began = time.perf_counter()
        page.goto(address)
        clicker = Clicker(page)
        task.do(clicker, place)
        rows.append((task, clicker.clicks, time.perf_counter() - began))
        page.close()
        print(f"{task.what}: {rows[-1][1]} clicks, {rows[-1][2]:.1f} s", flush=True)
    return rows


TEXT = """# Clicks, counted

From opening the dashboard, with [the example](dashboard.md#the-first-half-minute) in it, to what
people open it for: clicks, and seconds until it is in sight, by a program that clicks as fast as
the pages allow. `python -m docs.clicks` counts anew and writes this page.

| what | clicks | goal | seconds |
| --- | --- | --- | --- |
{rows}

Measured on {machine}. Where AutoAttack has not been run yet, Attacks begins with a button for it,
with about how long it takes: one click more. LaTeX is a file here; on the clipboard it is one click
more.
"""


def on(about: dict[str, Any]) -> str:
    """The machine in words."""
    load = f"load {os.getloadavg()[1]:.0f} over five minutes"
    return f"{about['cpu']}, {about['cores']} cores, {load}, {about['date']} UTC"


def main() -> None:
    """All tasks on a server of their own, which begins with the example."""
    with tempfile.TemporaryDirectory() as folder, browser.chromium() as window:
        if window is None:
            raise SystemExit("There is no browser: install Debian's chromium.")
        place = Path(folder)
        write_images(place / "images")
        with browser.server({"SMD_RUNS": str(place / "runs")}) as there:
            rows = measured(window, there.address, place / "images")
    lines = [f"| {t.what} | {n} | {t.goal} | {seconds:.1f} |" for t, n, seconds in rows]
    PAGE.write_text(TEXT.format(rows="\n".join(lines), machine=on(machine())), encoding="utf-8")


if __name__ == "__main__":
    main()
