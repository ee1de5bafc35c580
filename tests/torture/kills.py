"""Kills of a training.

Before every operation on a file, at system calls of any thread, and at any moment.
"""

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.torture import shared, steps, tracer, work
from tests.torture.campaign import Campaign, Case, Missing, spread
from tests.torture.forked import Child, ask

Make = Callable[[], None]


def stepped(tries: int, chance: random.Random) -> Sequence[Case]:
    """A training killed before its n-th operation on a file."""
    expected = shared.reference()
    operations = shared.recorded(work.make_and_train)

    def case(number: int) -> Case:
        def run(folder: Path) -> str:
            with place(folder) as (runs, out):
                child = Child(
                    lambda: (steps.install(runs, steps.killer(number)), work.make_and_train()), out
                )
                child.wait()
                return work.finish(expected, out)

        return Case(
            f"killed before operation {number} of {len(operations)}: {operations[number - 1]}", run
        )

    return [case(number) for number in spread(len(operations), tries, chance)]


def called(tries: int, chance: random.Random) -> Sequence[Case]:
    """A training killed at its n-th call of one kind, the store's own calls included."""
    if reason := tracer.missing():
        raise Missing(reason)
    expected = shared.reference()
    counts = tracer.counted(work.make_and_train, shared.folder("counted"))
    orders = [
        (name, n)
        for name, total in counts.items()
        for n in spread(total, -(-tries // len(counts)), chance)
    ]
    chance.shuffle(orders)

    def case(name: str, number: int) -> Case:
        def run(folder: Path) -> str:
            with place(folder) as (_, out):
                tracer.killed(work.make_and_train, out, name, number)
                return work.finish(expected, out)

        return Case(f"killed at call {number} of {counts[name]} of {name}", run)

    return [case(*order) for order in orders[: tries or None]]


def timed(tries: int, chance: random.Random) -> Sequence[Case]:
    """A training killed at any moment, then its resume too, until it is let through."""
    expected, seconds = shared.reference(), shared.seconds()

    def case(moments: list[float]) -> Case:
        def run(folder: Path) -> str:
            with place(folder) as (_, out):
                for moment in moments:
                    begun = ask(work.state, out)
                    child = Child(work.go_on if begun else work.make_and_train, out)
                    shared.after(moment, child)
                    if ask(work.state, out).get("state") == "finished":
                        break
                return work.finish(expected, out)

        return Case("killed after " + " and again after ".join(f"{m:.2f} s" for m in moments), run)

    return [
        case([chance.uniform(0, seconds) for _ in range(chance.choice((1, 1, 2, 3)))])
        for _ in range(tries or 20)
    ]


def of_jobs(tries: int, chance: random.Random) -> Sequence[Case]:
    """An attack or an estimate of margins on a finished run, killed before its n-th operation on
    a file."""
    cases = []
    for kind in ("attack", "margins"):
        expected, operations = shared.job_reference(kind)
        for number in spread(len(operations), tries // 2 if tries else 0, chance):
            cases.append(_of_job(kind, number, expected, operations))
    return cases


def _of_job(kind: str, number: int, expected: dict[str, str], operations: list[str]) -> Case:
    def run(folder: Path) -> str:
        with place(folder) as (runs, out):
            shutil.copytree(shared.finished(), runs)
            child = Child(
                lambda: (steps.install(runs, steps.killer(number)), shared.job(kind)), out
            )
            child.wait()
            told = ask(lambda: shared.job_goes_on(kind), out)
            work.compare(expected, out)
            return told

    return Case(
        f"{kind}: killed before operation {number} of {len(operations)}: {operations[number - 1]}",
        run,
    )


@contextmanager
def place(folder: Path) -> Iterator[tuple[Path, Path]]:
    """An empty runs folder, as SMD_RUNS, and a file for what is printed."""
    with work.places(folder / "runs"):
        yield folder / "runs", folder / "out.txt"


CAMPAIGNS = (
    Campaign(
        "kills",
        "a training is killed before its n-th operation on a file, then resumed",
        stepped,
        40,
    ),
    Campaign(
        "calls",
        "a training is killed at its n-th system call of a kind (strace), then resumed",
        called,
        30,
    ),
    Campaign(
        "moments", "a training is killed at any moment, some resumes too, then resumed", timed, 20
    ),
    Campaign(
        "jobs",
        "an attack or an estimate of margins is killed before its n-th operation",
        of_jobs,
        24,
    ),
)
