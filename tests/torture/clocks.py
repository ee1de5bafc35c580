"""Steps of the wall clock while a job runs.

For Python and for the machine's stated time of boot, in each process.

The machine's own clock is not set; what libraries in C read of it goes on as before.
"""

import mmap
import random
import struct
import time
from collections.abc import Sequence
from pathlib import Path

from tests.torture import shared, work
from tests.torture.campaign import Campaign, Case, check
from tests.torture.forked import Child, ask

STEPS = (-86400.0, -3600.0, -60.0, -5.0, -3.0, 3.0, 5.0, 60.0, 180.0, 3600.0, 86400.0, 30 * 86400.0)
LOOKS = 4  # between two steps
WAIT = 0.25  # seconds between two looks: a heartbeat may come in between


class Clock:
    """An offset in seconds that forked processes share."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, 8)

    def set(self, offset: float) -> None:
        """From now on all clocks are that much ahead."""
        self._page[:8] = struct.pack("d", offset)

    def worn(self, body):
        """The body, by that clock."""

        def wearing():
            import psutil

            offset = lambda: struct.unpack("d", self._page[:8])[0]  # noqa: E731
            now, boot = time.time, psutil._psplatform.boot_time
            time.time = lambda: now() + offset()
            psutil.boot_time = psutil._psplatform.boot_time = lambda: boot() + offset()
            return body()

        return wearing


def cases(tries: int, chance: random.Random) -> Sequence[Case]:
    """A training during which the clock is set once to three times, while others look at it."""
    expected = shared.reference()
    chosen = [
        [chance.choice(STEPS) for _ in range(chance.choice((1, 2, 3)))] for _ in range(tries or 24)
    ]
    for step, offsets in zip(STEPS, chosen, strict=False):
        offsets[0] = step
    return [_case(offsets, expected) for offsets in chosen]


def _case(offsets: list[float], expected: dict[str, str]) -> Case:
    def run(folder: Path) -> str:
        out, clock = folder / "out.txt", Clock()
        with work.places(folder / "runs"):
            child = Child(clock.worn(work.make_and_train), out)
            _until_it_runs(clock, folder / "look.txt")
            for offset in offsets:
                clock.set(offset)
                for _ in range(LOOKS):
                    seen = ask(clock.worn(work.state), folder / "look.txt")
                    living = ("queued", "running", "finished")
                    check(
                        seen["state"] in living,
                        f"a living job is told as {seen['state']}: {seen['error']}",
                    )
                    time.sleep(WAIT)
            code = child.wait()
            check(code == 0, f"the job ended with {code}: {child.said()[-300:]}")
            check(
                ask(work.state, out)["state"] == "finished", "it is over, but not told as finished"
            )
            work.compare(expected, out)
            return "finished"

    return Case("clock set by " + ", then to ".join(f"{offset:+g} s" for offset in offsets), run)


def _until_it_runs(clock: Clock, out: Path) -> None:
    end = time.monotonic() + 60
    while ask(clock.worn(work.state), out).get("state") not in ("running", "finished"):
        check(time.monotonic() < end, "it never ran")
        time.sleep(0.02)


def resumed(tries: int, chance: random.Random) -> Sequence[Case]:
    """A training that is killed, and resumed under a clock that is behind or ahead."""
    expected, seconds = shared.reference(), shared.seconds()

    def case(offset: float, moment: float) -> Case:
        def run(folder: Path) -> str:
            out, clock = folder / "out.txt", Clock()
            with work.places(folder / "runs"):
                shared.after(moment, Child(clock.worn(work.make_and_train), out))
                clock.set(offset)
                told = ask(clock.worn(work.state), out)
                if told:
                    check(
                        told["state"] in ("lost", "queued", "finished"),
                        f"it is dead, but told as {told['state']}",
                    )
                return work.finish(expected, out)

        return Case(f"killed after {moment:.2f} s, then the clock set by {offset:+g} s", run)

    return [case(chance.choice(STEPS), chance.uniform(0.3, seconds)) for _ in range(tries or 12)]


CAMPAIGNS = (
    Campaign(
        "clock",
        "the clock is set while a training runs and others look (by each process's own clock)",
        cases,
        18,
    ),
    Campaign(
        "clock-dead",
        "a training is killed, then the clock is set: it is not told as living",
        resumed,
        8,
    ),
)
