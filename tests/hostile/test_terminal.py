"""What is printed on old terminals, into pipes that end early, into files and into nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from making_machines import latin1

from smd.paths import AROUND as REPOSITORY
from smd.runs import folders, notes

pytestmark = pytest.mark.slow

ODD = "ε = 8/255, naïve 🐘"


def piped(command, **env):
    """(what the reader got, what was said on stderr) of a shell's line."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m smd {command}"],
        cwd=REPOSITORY,
        capture_output=True,
        env={**os.environ, **env},
        timeout=60,
        check=False,
    )
    return done.stdout, done.stderr


@pytest.fixture
def noted(tiny):
    run = folders.create(tiny)
    notes.write(run, notes.Notes(text=ODD))
    return run


@pytest.fixture(params=["latin-1 locale", "C locale", "ascii streams"])
def old(request, tmp_path):
    return {
        "latin-1 locale": lambda: latin1(tmp_path / "locales"),
        "C locale": lambda: {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "ascii streams": lambda: {"PYTHONIOENCODING": "ascii"},
    }[request.param]()


def test_every_print_survives_a_terminal_that_lacks_the_letters(noted, old):
    shown = subprocess.run(
        [sys.executable, "-m", "smd", "note", noted.id],
        cwd=REPOSITORY,
        capture_output=True,
        env={**os.environ, **old},
        timeout=60,
        check=False,
    )
    assert shown.returncode == 0
    assert b"8/255" in shown.stdout
    assert b"\\U0001f418" in shown.stdout
    assert shown.stderr == b""


def test_files_are_utf8_on_every_machine(noted, tmp_path):
    there = latin1(tmp_path / "locales")
    _, said = piped(f"note {noted.id} > '{tmp_path}/out'", **there)
    assert said == b""
    assert ODD in (tmp_path / "out").read_text(encoding="utf-8")
    word = "Größe".encode("latin-1")  # as that machine's keyboard sends it
    command = [sys.executable, "-m", "smd", "note", noted.id, "--tag", word]
    shown = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, env={**os.environ, **there}, check=True
    )
    assert notes.read(noted).tags == ("Größe",)
    assert word in shown.stdout  # what the terminal can show stays as it is


@pytest.mark.parametrize("command", ["--help", "train --help", "runs", "export accuracies --help"])
def test_a_reader_who_has_enough_is_left_in_peace(noted, command):
    shown, said = piped(f"{command} | true")
    assert (shown, said) == (b"", b"")


def test_streams_that_are_closed_or_full_end_nothing(noted):
    assert piped("runs >&-") == (b"", b"")
    assert piped("runs 2>&-")[0]
    _, said = piped("runs > /dev/full")
    assert said == b"smd: The disk is full: free some space, then resume.\n"


def test_a_broken_pipe_does_not_end_a_training():
    done, said = piped("train --defense std --epochs 1 --n-train 20 --n-test 20 2>&1 | true")
    assert (done, said) == (b"", b"")
    (run,) = folders.all_runs()
    assert run.status.state == "finished"
    assert Path(run.card).exists()
