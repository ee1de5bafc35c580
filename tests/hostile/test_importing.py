"""Looking at own images from a page.

Whatever they do to the process that reads them, the page goes on.
"""

import signal
import sys

import making_images as making
import psutil
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from smd.data import apart, load
from smd.data.validation import Unusable
from smd.errors import UserError
from smd.jobs import launch
from smd.paths import AROUND as REPOSITORY

DYING = (
    "import json, os, sys; print(json.dumps({{'text': 'Reading', 'part': 0.5}}), flush=True);"
    " os.kill(os.getpid(), {})"
)
HANGING = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(launch, "wake_all", lambda: None)
    st.cache_data.clear()
    st.cache_resource.clear()


def told(text, part):
    """Nobody watches."""


def dying(how):
    return (sys.executable, "-c", DYING.format(int(how)))


def on_page(source):
    app = AppTest.from_file(str(REPOSITORY / "app" / "dashboard.py"), default_timeout=60)
    app.run()
    app.selectbox(key="train-data").set_value("folder").run()
    app.text_input(key="train-path").set_value(str(source)).run()
    app.button(key="look").click().run()
    assert not app.exception
    return app


def test_the_process_imports_what_this_one_would(tmp_path):
    source, seen = str(making.lay_out(tmp_path / "own", making.two_classes())), []
    key = apart.load(lambda *each: seen.append(each), path=source)
    assert key == load("folder", source).key
    assert ("Listing own", 0.0) in seen
    with pytest.raises(UserError, match="There is nothing at"):
        apart.load(told, path=f"{source}-not")
    making.lay_out(tmp_path / "own", {"a/broken.png": b"no image"})
    with pytest.raises(Unusable, match=r"'a/broken\.png' cannot be read") as caught:
        apart.load(told, path=source)
    assert (caught.value.broken, caught.value.odd) == (1, ())


def test_a_path_is_that_of_the_one_who_asks(tmp_path, monkeypatch):
    making.lay_out(tmp_path / "own", making.two_classes())
    monkeypatch.chdir(tmp_path)
    assert apart.load(told, path="own") == load("folder", "own").key


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (signal.SIGBUS, "SIGBUS: the disk of the cache is full"),
        (signal.SIGKILL, "memory ran out"),
        (signal.SIGSEGV, "one of the files crashes"),
    ],
)
def test_a_crash_is_one_sentence(monkeypatch, how, words):
    monkeypatch.setattr(apart, "COMMAND", dying(how))
    with pytest.raises(UserError, match=words):
        apart.load(told, path="/")


def test_a_hang_is_ended_and_told(monkeypatch):
    for name, value in (
        ("COMMAND", (sys.executable, "-c", HANGING)),
        ("STALL", 0.1),
        ("TICK", 0.05),
        ("ENDING", 0.5),
    ):
        monkeypatch.setattr(apart, name, value)
    before = {child.pid for child in psutil.Process().children()}
    with pytest.raises(UserError, match="has stood still"):
        apart.load(told, path="/")
    assert {child.pid for child in psutil.Process().children()} <= before


def test_whoever_stops_watching_ends_the_import_and_nothing_of_it_is_left(tmp_path):
    source = str(
        making.lay_out(
            tmp_path / "own", {f"{c}/{i}.png": making.picture(i) for c in "ab" for i in range(500)}
        )
    )

    class Stopped(Exception):
        """What a page raises where it is drawn anew."""

    def stop(text, part):
        if text.startswith("Reading own"):
            raise Stopped

    with pytest.raises(Stopped):
        apart.load(stop, path=source)
    assert not list((tmp_path / "cache").glob("*"))


def test_an_import_that_dies_does_not_take_the_page_along(tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "COMMAND", dying(signal.SIGBUS))
    app = on_page(making.lay_out(tmp_path / "own", making.two_classes()))
    assert any("SIGBUS" in box.value for box in app.error)
    monkeypatch.undo()
    monkeypatch.setenv("SMD_CACHE", str(tmp_path / "cache"))
    app.button(key="look").click().run()
    assert not app.exception


@pytest.mark.slow
def test_the_page_offers_what_can_be_done_about_files_in_the_way(tmp_path):
    files = {
        f"{name}/{i}.png": making.picture(i + 50 * (name == "b"))
        for name in "ab"
        for i in range(15)
    }
    odd = {"a/broken.png": b"no image", "b/rgb.png": making.picture(99, "RGB")}
    app = on_page(making.lay_out(tmp_path / "own", files | odd))
    assert {"own-leave-out", "own-to-rgb", "own-to-gray"} <= {button.key for button in app.button}
    app.button(key="own-leave-out").click().run()
    assert app.checkbox(key="train-skip").value
    app.button(key="own-to-gray").click().run()
    assert app.selectbox(key="train-channels").value == "gray"
    notes = " ".join(box.value for box in app.info)
    assert (
        "1 of 32 images is left out as asked for" in notes
        and "1 of 32 images were converted" in notes
    )
    making.lay_out(tmp_path / "other", files)
    app.text_input(key="train-path").set_value(str(tmp_path / "other")).run()
    assert (
        not app.checkbox(key="train-skip").value and not app.selectbox(key="train-channels").value
    )
