"""Imports of own images that are killed or lose their power.

A set is whole or absent, and nothing stays behind.
"""

import hashlib
import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path

from tests.hostile.making_runs import picture_folder
from tests.torture import mounts, shared, steps, work
from tests.torture.campaign import Campaign, Case, check, spread
from tests.torture.forked import Child, ask


def digest() -> str:
    """All of an imported set, imported now unless it was before."""
    from smd import data

    images = data.load("folder", str(source()))
    whole = (
        images.classes,
        images.pixels.tobytes(),
        images.labels.tobytes(),
        images.split.tobytes(),
    )
    return hashlib.blake2b(repr(whole).encode(), digest_size=8).hexdigest()


def source() -> Path:
    """A folder of pictures, made once."""
    folder = shared.folder("pictures") / "own"
    return folder if folder.exists() else picture_folder(folder, 12)


def _operations(cache: Path) -> list[str]:
    def body() -> list[str]:
        found: list[str] = []
        steps.install(cache, steps.recorder(found))
        digest()
        return found

    with work.places(shared.folder("none"), cache):
        return ask(body, cache.with_suffix(".out"))


def killed(tries: int, chance: random.Random) -> Sequence[Case]:
    """An import killed before its n-th operation on a file."""
    source()
    cache = shared.folder("imported") / "cache"
    operations = _operations(cache)
    with work.places(shared.folder("none"), cache):
        expected = ask(digest, cache.with_suffix(".out"))

    def case(number: int) -> Case:
        def run(folder: Path) -> str:
            with work.places(folder / "runs", folder / "cache"):
                Child(
                    lambda: (steps.install(folder / "cache", steps.killer(number)), digest()),
                    folder / "out",
                ).wait()
                return _goes_on(folder / "cache", folder / "out", expected)

        return Case(
            f"killed before operation {number} of {len(operations)}: {operations[number - 1]}", run
        )

    return [case(number) for number in spread(len(operations), tries, chance)]


def _goes_on(cache: Path, out: Path, expected: str) -> str:
    whole = [each.name for each in cache.glob("[!.]*")] if cache.exists() else []
    check(ask(digest, out) == expected, "the next import gives another set")
    left = [each.name for each in cache.iterdir() if each.name.startswith(".")]
    locked = [name for name in left if (cache / name / ".importing").exists()]
    check(not locked, f"the next import leaves {locked}")  # one without a lock goes after a day
    return "whole" if whole else "imported anew"


def without_power(tries: int, chance: random.Random) -> Sequence[Case]:
    """An import whose disk loses its power before the n-th operation on a file, or just after
    it."""
    mounts.require()
    source()
    cache = shared.folder("imported-2") / "cache"
    operations = [*_operations(cache), "none more"]
    with work.places(shared.folder("none"), cache):
        expected = ask(digest, cache.with_suffix(".out"))

    def case(number: int, options: str) -> Case:
        def run(folder: Path) -> str:
            with (
                mounts.crashing(folder, options) as disk,
                work.places(folder / "runs", disk / "cache"),
            ):

                def meet(count: int, _what: str) -> None:
                    if count == number:
                        mounts.cut_power(disk)
                        os.kill(os.getpid(), signal.SIGKILL)

                Child(
                    lambda: (steps.install(disk / "cache", meet), digest()), folder / "out"
                ).wait()
                if number == len(operations):
                    mounts.cut_power(disk)
                mounts.restart(folder)
                return _goes_on(disk / "cache", folder / "out", expected)

        return Case(
            f"no power before operation {number}: {operations[number - 1]} ({options})", run
        )

    options = ("commit=300,noauto_da_alloc", "commit=300,noauto_da_alloc,data=writeback")
    return [case(n, options[k % 2]) for k, n in enumerate(spread(len(operations), tries, chance))]


CAMPAIGNS = (
    Campaign(
        "import",
        "an import of own images is killed before its n-th operation, then done again",
        killed,
        0,
    ),
    Campaign(
        "import-power",
        "power is lost during an import (ext4, journal not flushed)",
        without_power,
        0,
    ),
)
