"""A real server and a real browser: Debian's Chromium, or the one that Playwright downloaded."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest

from smd.paths import AROUND as REPOSITORY


@pytest.fixture(scope="module", autouse=True)
def alone(tmp_path_factory):
    """One file of these at a time: two browsers, two servers and their jobs take a small machine
    past what a person would ever wait for."""
    around = tmp_path_factory.getbasetemp().parent  # shared by all processes of this session
    with (around / "browser").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def browser():
    """A headless browser; without one the tests fail in CI and are loudly skipped elsewhere.

    Of one file: as long as it is open, nothing else in this process can drive one.
    """
    from playwright.sync_api import Error, expect, sync_playwright

    expect.set_options(timeout=30_000)  # milliseconds; a busy machine is slow, not wrong

    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(
                executable_path=found,
                args=["--no-sandbox", "--disable-background-networking", "--disable-gpu"],
            )
        except Error as error:
            reason = (
                "NO BROWSER: install Debian's chromium, or run 'playwright install chromium'"
                f" ({error})"
            )
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        yield launched
        launched.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Where the server of a file looks for runs."""
    return tmp_path_factory.mktemp("served") / "runs"


@pytest.fixture(autouse=True)
def own_runs(served, monkeypatch):
    """This test's own runs, where the server looks; those of the test before are put away."""
    if served.exists():
        served.rename(served.with_name(f"before-{time.monotonic_ns()}"))
    monkeypatch.setenv("SMD_RUNS", str(served))
    return served


@pytest.fixture(scope="module")
def server(served, alone):
    """The dashboard on a free port of this machine, one for the tests of a file."""
    port = free_port()
    options = ["--server.port", str(port), "--server.headless", "true"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app/main.py", *options],
        cwd=REPOSITORY,
        env={**os.environ, "SMD_RUNS": str(served), "SMD_DATA": str(served.with_name("data"))},
        stdout=subprocess.DEVNULL,
    )
    address = f"http://localhost:{port}"
    deadline = time.monotonic() + 60
    while not healthy(address):
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.1)
    yield address
    process.send_signal(signal.SIGINT)
    process.wait(20)


def healthy(address):
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
            return answer.read() == b"ok"
    except OSError:
        return False


@pytest.fixture
def page(browser):
    """A fresh browser window; errors in its console fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    opened = context.new_page()
    errors = watch(opened)
    yield opened
    context.close()
    assert errors == []


def watch(page):
    """The errors of a page's console, and what it asks of other machines, as they come.

    Streamlit itself asks for its health below each page's own path first and is told 404.
    """
    errors = []

    def note(message):
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            errors.append(f"{message.text} {message.location}")

    def leaving(request):
        # data: and blob: have no host
        if urlsplit(request.url).hostname not in ("localhost", "127.0.0.1", None):
            errors.append(f"asks {request.url}")

    page.on("console", note)
    page.on("request", leaving)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors
