"""Disks that are too small, fill up or turn read-only.

The job ends as failed with its sentence and goes on later.
"""

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.torture import mounts, shared, steps, work
from tests.torture.campaign import Campaign, Case, check, spread
from tests.torture.forked import Child, ask

WORDS = (
    "train",
    "--epochs",
    work.EPOCHS,
    "--n-train",
    100,
    "--n-test",
    20,
    "--n-margins",
    0,
    "--device",
    "cpu",
)
STORED = ("The disk", "disk space")


def by_command() -> int:
    """The tiny training as a user starts it."""
    from smd.__main__ import main

    return main([str(word) for word in WORDS])


def sizes(tries: int, chance: random.Random) -> Sequence[Case]:
    """Runs on disks from 8 kB on, each larger than the one before, and with few names; then with
    room enough."""
    mounts.require()
    expected, number = shared.reference(), max(2, tries or 40)
    few = number // 5

    def grown(k: int) -> int:
        return 4 * round(2 * (10_000 / 8) ** ((k + chance.random()) / (number - few)))

    options = [f"size={grown(k)}k" for k in range(number - few)]
    options += [f"nr_inodes={n}" for n in spread(30, few, chance)]
    return [_on_a_small_disk(each, expected) for each in options]


def _on_a_small_disk(options: str, expected: dict[str, str]) -> Case:
    def run(folder: Path) -> str:
        out = folder / "out.txt"
        with mounts.small(folder / "disk", options) as disk, work.places(disk / "runs"):
            child = Child(lambda: os._exit(by_command()), out)
            code = child.wait()
            told = ended_well(code, out)
            mounts.grow(disk)
            work.finish(expected, out, truly)
        return told

    return Case(f"a disk of {options}", run)


def ended_well(code: int, out: Path) -> str:
    """How the command ended: with success, or with status 1 and one sentence that names the
    disk."""
    said = out.read_text(errors="replace").strip().splitlines()
    if code == 0:
        return "finished"
    check(code == 1, f"the command ended with {code}: {said[-1:]}")
    check(said[-1].startswith("smd: "), f"the command's last words are {said[-1]!r}")
    check("Traceback" not in "".join(said), "there is a traceback")
    check(
        any(words in said[-1] for words in (*STORED, "SMD_")),
        f"the command does not name the disk: {said[-1]!r}",
    )
    return "failed with its sentence"


def truly(before: dict) -> None:
    """Fault unless a run that ended on a full disk is stored as that, not as lost."""
    if before["state"] == "finished":
        return
    check(before["state"] == "failed", f"it ended on a full disk, but is told as {before['state']}")
    check(any(words in before["error"] for words in STORED), f"its reason is {before['error']!r}")


def filled(tries: int, chance: random.Random) -> Sequence[Case]:
    """Somebody else takes all room before the n-th operation on a file, for good or only for a
    while."""
    mounts.require()
    expected, operations = shared.reference(), shared.recorded(work.make_and_train)
    cases = []
    for number in spread(len(operations), tries, chance):
        freed = number + chance.randint(1, 30) if chance.random() < 0.4 else 0
        cases.append(_filled(number, freed, operations[number - 1], expected))
    return cases


def _filled(number: int, freed: int, what: str, expected: dict[str, str]) -> Case:
    def run(folder: Path) -> str:
        out = folder / "out.txt"
        with mounts.small(folder / "disk", "size=32m") as disk, work.places(disk / "runs"):

            def meet(count: int, _what: str) -> None:
                if count == number:
                    mounts.fill(disk)
                if count == freed:
                    (disk / "ballast").unlink(missing_ok=True)

            child = Child(lambda: (steps.install(disk, meet), os._exit(by_command())), out)
            told = ended_well(child.wait(), out)
            (disk / "ballast").unlink(missing_ok=True)
            work.finish(expected, out, truly)
        return told

    until = f" until {freed}" if freed else ""
    return Case(f"full before operation {number}{until}: {what}", run)


def read_only(tries: int, chance: random.Random) -> Sequence[Case]:
    """The disk takes nothing any more from before the n-th operation on a file."""
    mounts.require()
    expected, operations = shared.reference(), shared.recorded(work.make_and_train)
    return [
        _read_only(n, operations[n - 1], expected) for n in spread(len(operations), tries, chance)
    ]


def _read_only(number: int, what: str, expected: dict[str, str]) -> Case:
    def run(folder: Path) -> str:
        out = folder / "out.txt"
        with mounts.crashing(folder, "errors=remount-ro") as disk, work.places(disk / "runs"):

            def meet(count: int, _what: str) -> None:
                if count == number:
                    mounts.break_down(disk)

            child = Child(lambda: (steps.install(disk / "runs", meet), os._exit(by_command())), out)
            told = ended_well(child.wait(), out)
            before = ask(work.state, out)
            if before and before["state"] not in ("finished", "queued"):
                check(
                    before["state"] == "failed",
                    f"while the disk is read-only it is told as {before['state']}",
                )
            mounts.repair(folder)
            work.finish(expected, out)
        return told

    return Case(f"read-only before operation {number}: {what}", run)


def caches(tries: int, chance: random.Random) -> Sequence[Case]:
    """The disk of imported images is too small or is filled by somebody else during an import."""
    mounts.require()
    expected = shared.reference()
    small = [
        _cache(f"size={4 * n}k", 0, expected)
        for n in spread(60, max(1, (tries or 60) // 2), chance)
    ]
    return [
        *small,
        *(_cache("size=8m", n, expected) for n in spread(25, max(1, (tries or 50) // 2), chance)),
    ]


def _cache(options: str, number: int, expected: dict[str, str]) -> Case:
    def run(folder: Path) -> str:
        out = folder / "out.txt"
        with (
            mounts.small(folder / "disk", options) as disk,
            work.places(folder / "runs", disk / "cache"),
        ):

            def meet(count: int, _what: str) -> None:
                if count == number:
                    mounts.fill(disk)

            told = ended_well(
                Child(lambda: (steps.install(disk, meet), os._exit(by_command())), out).wait(), out
            )
            left = [each.name for each in (disk / "cache").glob(".*")]
            check(not left, f"the import has left {left}")
            (disk / "ballast").unlink(missing_ok=True)
            mounts.grow(disk)
            work.finish(expected, out, _failed_for_its_cache)
        return told

    when = f" that is full before operation {number} of the import" if number else ""
    return Case(f"a cache of {options}{when}", run)


def _failed_for_its_cache(before: dict) -> None:
    if before["state"] != "finished":
        check(
            before["state"] == "failed",
            f"its import found no room, but it is told as {before['state']}",
        )


def campaign(
    name: str, what: str, cases: Callable[[int, random.Random], Sequence[Case]], tries: int
) -> Campaign:
    """One of the campaigns below."""
    return Campaign(name, what, cases, tries)


CAMPAIGNS = (
    campaign(
        "disk", "a training on disks of 8 kB to 10 MB and with few names, then with room", sizes, 30
    ),
    campaign(
        "filled",
        "the disk is filled before the n-th operation on a file, some only for a while",
        filled,
        24,
    ),
    campaign(
        "read-only", "the disk turns read-only before the n-th operation on a file", read_only, 16
    ),
    campaign("cache", "the cache's disk is too small or is filled during an import", caches, 20),
)
