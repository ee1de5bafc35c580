"""Every command where texts are not UTF-8.

Latin-1 and ASCII, no HOME, a pipe that is closed early.
"""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from smd.paths import AROUND as REPOSITORY
from tests.torture import shared
from tests.torture.campaign import Campaign, Case, check

CLASSES = ("Männer", "日本 ☃", "a # *b*")
TINY = ("--epochs", 1, "--n-test", 10, "--n-margins", 0, "--device", "cpu")


def commands(images: Path, run: str) -> list[tuple[str, ...]]:
    """All commands on a run of those images, in an order in which each has what it needs."""
    words: list[tuple[object, ...]] = [
        ("train", "--data", "folder", "--path", images, *TINY),
        ("note", run, "--text", "Grüße ☃ 😀", "--tag", "naïve"),
        ("runs",),
        ("runs", "--help"),
        ("attack", run, "--attack", "ce-pgd:steps=2", "--n", 5, "--device", "cpu"),
        ("margins", run, "--n", 4, "--device", "cpu"),
        ("export", run),
        ("export", run, "--format", "latex"),
        ("export", run, "--format", "markdown"),
        ("export", run, "--format", "json"),
        ("export", run, "--format", "csv"),
        ("query", run, "SELECT * FROM meta"),
        ("query", run, "SELECT * FROM sample LIMIT 3"),
        ("locate", run, "--path", images),
        ("probe", "--data", "folder", "--path", images, "--device", "cpu"),
        ("sweep", "--data", "folder", "--path", images, "--defenses", "std", *TINY, "--wait"),
        ("train", "--data", "folder", "--path", images.with_name("Größe gibt's nicht ☃")),
        ("cancel", run),
        ("delete", run, "--yes"),
    ]
    return [tuple(map(str, each)) for each in words]


def environments() -> dict[str, Mapping[str, str | None]]:
    """What is different in each environment; None takes a name away."""
    bare = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LANG": None, "LC_CTYPE": None}
    found: dict[str, Mapping[str, str | None]] = {
        "LC_ALL=C": {"LC_ALL": "C", "LANG": None},
        "ASCII without UTF-8 mode": {**bare, "LC_ALL": "C"},
        "no HOME": {"HOME": None},
        "strict ASCII": {**bare, "LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict"},
    }
    if place := _latin1():
        found["en_US.ISO-8859-1"] = {**bare, "LC_ALL": "en_US.ISO-8859-1", "LOCPATH": str(place)}
    else:
        found["Latin-1 streams"] = {**bare, "LC_ALL": "C", "PYTHONIOENCODING": "latin-1:strict"}
    return found


def _latin1() -> Path | None:
    """A folder with that locale, made here; None without localedef."""
    place = shared.folder("locales")
    if shutil.which("localedef") is None:
        return None
    subprocess.run(
        ["localedef", "-i", "en_US", "-f", "ISO-8859-1", place / "en_US.ISO-8859-1"],
        capture_output=True,
        check=False,
    )
    return place if (place / "en_US.ISO-8859-1" / "LC_CTYPE").exists() else None


def cases(tries: int, chance: random.Random) -> Sequence[Case]:
    """Each command in each environment; those of one environment go on with one run."""
    made = [_all_of(name, changed) for name, changed in environments().items()]
    return made[: tries or None]


def _all_of(name: str, changed: Mapping[str, str | None]) -> Case:
    def run(folder: Path) -> str:
        # a path beyond the locale's letters may be refused there
        narrow = changed.get("PYTHONUTF8") == "0"
        images = _images(folder / ("pictures" if narrow else "Bilder ä ☃ ?"))
        given = {
            **os.environ,
            "SMD_RUNS": str(folder / ("runs" if narrow else "Läufe ☃")),
            "OMP_NUM_THREADS": "1",
        }
        env = {key: value for key, value in {**given, **changed}.items() if value is not None}
        tried = [(words, _command(words, env)) for words in commands(images, "last")]
        elsewhere = {**env, "SMD_RUNS": str(folder / "Läufe 日本 ?")}
        tried.append((("runs", "refused or not"), _command(("runs",), elsewhere)))
        bad = [
            f"`{' '.join(words)[:60]}` ended with {done.returncode}: {done.stderr.strip()[-200:]}"
            for words, done in tried
            if "Traceback" in done.stderr or done.returncode not in _expected(words)
        ]
        bad += _closed_pipe(env)
        check(not bad, f"{len(bad)} of {len(tried) + 1} commands: {' | '.join(bad)[:1500]}")
        return f"all {len(tried) + 1} commands"

    return Case(f"every command under {name}", run)


def _expected(words: tuple[str, ...]) -> tuple[int, ...]:
    """What is refused: to cancel what is over, to train on what is not there, and perhaps an
    unusual folder."""
    if words[-1] == "refused or not":
        return 0, 1
    return (int(words[0] == "cancel" or "gibt's nicht" in words[-1]),)


def _command(words: Sequence[str], env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "smd", *words],
        cwd=REPOSITORY,
        env=dict(env),
        capture_output=True,
        text=True,
        errors="replace",
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def _closed_pipe(env: Mapping[str, str]) -> list[str]:
    """`| head -0`, in short: nobody reads what is printed."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "smd", "train", "--help"],
        cwd=REPOSITORY,
        env=dict(env),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    os.close(write)
    return (
        [f"into a closed pipe it said {done.stderr.strip()[-200:]}"] if done.stderr.strip() else []
    )


def _images(folder: Path) -> Path:
    from PIL import Image

    drawn = np.random.default_rng(0)
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for k in range(14):
            pixels = drawn.integers(80 * number, 80 * number + 80, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"Bild ü {k} ☃.png")
    return folder


CAMPAIGNS = (
    Campaign(
        "locales", "every command in ASCII and Latin-1, without HOME, into a closed pipe", cases, 0
    ),
)
