"""Power losses: an ext4 of its own loses all that was not synced, before the n-th operation on a
file."""

import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path

from tests.torture import mounts, shared, steps, work
from tests.torture.campaign import Campaign, Case, check, spread
from tests.torture.forked import Child, ask

# What a file that is replaced without a sync becomes is up to these: by default ext4 syncs some by
# itself.
OPTIONS = (
    "commit=300,noauto_da_alloc",
    "commit=300,noauto_da_alloc,data=writeback",
    "commit=300",
    "commit=300,nodelalloc",
)
NOTE = "Keep this."


def cases(tries: int, chance: random.Random) -> Sequence[Case]:
    """A training with a note on a disk that loses its power; runs, cache and this installation's
    key lie there."""
    mounts.require()
    expected, operations = shared.reference(), shared.recorded(noted)
    made = [
        _case(n, OPTIONS[k % len(OPTIONS)], operations, expected)
        for k, n in enumerate(spread(len(operations), tries, chance))
    ]
    return [*made, *(_case(0, options, operations, expected) for options in OPTIONS)]


def noted() -> None:
    """A training whose run has a note; what is promised to be kept is said as soon as it is."""
    from smd.jobs.session import claimed
    from smd.runs import folders, notes
    from smd.tasks.train import train_run

    run = folders.create(work.tiny(), claim=True)
    print("MADE", flush=True)
    notes.write(run, notes.Notes(NOTE))
    print("NOTED", flush=True)
    with claimed(run.folder):
        train_run(run, run.log)
    print("FINISHED", flush=True)


def _case(number: int, options: str, operations: list[str], expected: dict[str, str]) -> Case:
    def run(folder: Path) -> str:
        out = folder / "out.txt"
        with mounts.crashing(folder, options) as disk, work.places(disk / "runs", disk / "cache"):
            os.environ["SMD_STATE"], before = str(disk / "state"), os.environ["SMD_STATE"]
            try:

                def meet(count: int, _what: str) -> None:
                    if count == number:
                        mounts.cut_power(disk)
                        os.kill(os.getpid(), signal.SIGKILL)

                Child(lambda: (steps.install(disk / "runs", meet), noted()), out).wait()
                if not number:
                    mounts.cut_power(disk)
                mounts.restart(folder)
                promised(out)
                return work.finish(expected, out, _sound)
            finally:
                os.environ["SMD_STATE"] = before

    when = (
        f"before operation {number} of {len(operations)}: {operations[number - 1]}"
        if number
        else "after the end"
    )
    return Case(f"power is lost {when} ({options})", run)


def promised(out: Path) -> None:
    """Fault where something is gone that somebody was told is there."""
    from smd.runs import notes

    said = out.read_text(errors="replace")
    if "MADE" in said:
        check(ask(work.state, out), "a run that was made is gone")
    if "NOTED" in said:
        check(
            ask(lambda: notes.read(work.only_run()).text, out) == NOTE,
            "a note that was saved is gone",
        )
    if "FINISHED" in said:
        check(
            ask(work.state, out)["state"] == "finished", "a run that was finished is not any more"
        )


def _sound(before: dict) -> None:
    for words in ("cannot be read", "is missing", "broken"):
        check(words not in before["error"], f"its status says {before['error']!r}")


CAMPAIGNS = (
    Campaign(
        "power",
        "power is lost before the n-th operation on a file (ext4, journal not flushed)",
        cases,
        40,
    ),
)
