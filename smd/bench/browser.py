"""The dashboard in a headless browser: how long until a page is drawn."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from smd.paths import AROUND

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE = 120.0  # seconds until something that does not come is given up


@dataclass(frozen=True)
class Place:
    """A page or one of its views, and what it shows at least once it is drawn."""

    title: str
    charts: int = 0
    tables: int = 0
    pictures: int = 0
    maps: int = 0
    # what is clicked on the page, which is open already; "": the page itself, from the side bar
    view: str = ""

    @property
    def name(self) -> str:
        """As a row of the benchmark names it."""
        return f"{self.title}, {self.view}" if self.view else self.title


PLACES = (
    Place("Train"),
    Place("Live", charts=1),
    Place("Embedding", maps=1),
    Place("Margins", charts=2),
    Place("Margins", charts=10, tables=1, view="by class"),
    Place("Margins", charts=2, pictures=24, view="over time"),
    Place("Margins", view="forces"),  # no charts where too few images are at the boundary
    Place("Margins", charts=2, view="all images"),
    Place("Samples", charts=1, pictures=20),
    Place("Attacks", tables=1),
    Place("Agreement", charts=2),
    Place("Compare", charts=1, tables=1),
    Place("Figures", charts=1),
    Place("Query", tables=1),
)

# The script of the page is over, nothing of the page before is left, and all that it shows is
# drawn.
DRAWN = """([title, charts, tables, pictures, maps]) => {
    const all = name => [...document.querySelectorAll(`[data-testid="${name}"]`)];
    const drawn = (name, least) => all(name).length >= least && all(name).every(each =>
        [...each.querySelectorAll('canvas, svg')].some(picture =>
        picture.getBoundingClientRect().width > 0));
    const images = [...document.querySelectorAll('[data-testid="stImage"] img')];
    const app = all('stApp')[0];
    return app && app.dataset.testScriptState === 'notRunning'
        && [...document.querySelectorAll('h1')].some(head => head.innerText.trim() === title)
        && !document.querySelector('[data-stale="true"]')
        && !all('stStatusWidget').length && !all('stSkeleton').length
        && drawn('stVegaLiteChart', charts) && drawn('stEChartsChart', maps) &&
        drawn('stDataFrame', tables)
        && images.length >= pictures && images.every(each => each.complete && each.naturalWidth >
        0);
}"""


@contextmanager
def chromium() -> "Iterator[Browser | None]":
    """A headless Chromium, the system's or Playwright's; None without either."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        yield None
        return
    with sync_playwright() as playwright:
        browser = None
        try:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
                args=["--no-sandbox", "--disable-background-networking", "--disable-gpu"],
            )
        except Error as error:
            print(f"The browser does not start: {error}", file=sys.stderr)
        yield browser
        if browser:
            browser.close()


class Server(NamedTuple):
    """A running dashboard."""

    address: str
    pid: int


@contextmanager
def server(env: Mapping[str, str]) -> Iterator[Server]:
    """Within, a running dashboard. Raises RuntimeError if it does not start."""
    port = _free_port()
    options = ["--server.port", str(port), "--server.headless", "true"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app/main.py", *options],
        cwd=AROUND,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _healthy(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The dashboard's server does not start.")
            time.sleep(0.02)
        yield Server(f"http://localhost:{port}", process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False


def opened(browser: "Browser", address: str) -> "Page":
    """A new window with the first page's title visible."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(address)
    page.get_by_role("heading", level=1, name="Train").wait_for()
    return page


def show(page: "Page", place: Place) -> None:
    """Click on a page or view and wait until it is drawn; RuntimeError: it shows an error."""
    if place.view:
        page.get_by_test_id("stMain").get_by_role("radio", name=place.view, exact=True).click()
    else:
        page.get_by_test_id("stSidebarNav").get_by_role(
            "link", name=place.title, exact=True
        ).click()
    page.wait_for_function(
        DRAWN, arg=[place.title, place.charts, place.tables, place.pictures, place.maps]
    )
    if page.get_by_test_id("stException").count():
        raise RuntimeError(f"{place.title} shows an error.")
