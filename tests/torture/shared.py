"""What campaigns share: an unbroken run with its results, its operations and its time.

Made when first needed.
"""

import time
from functools import lru_cache
from pathlib import Path

from tests.torture import steps, work
from tests.torture.forked import Child, ask

ROOT: list[Path] = []  # the campaign's own folder, set once by __main__


def folder(name: str) -> Path:
    """A folder of the campaign's own."""
    path = ROOT[0] / name
    path.mkdir(parents=True, exist_ok=True)
    return path


@lru_cache(maxsize=1)
def reference() -> dict[str, str]:
    """The results of an unbroken training."""
    recorded(work.make_and_train)
    with work.places(finished()):
        return ask(work.results, finished().with_suffix(".out"))


def finished() -> Path:
    """The runs folder with that training; never to be written to."""
    return folder("finished") / "runs"


@lru_cache(maxsize=1)
def seconds() -> float:
    """How long such a training takes here."""
    reference()
    with work.places(folder("timed") / "runs"):
        start = time.monotonic()
        ask(work.make_and_train, folder("timed") / "out.txt")
        return time.monotonic() - start


@lru_cache(maxsize=4)
def recorded(make) -> list[str]:
    """The operations on files of a job, in words and in order."""
    runs = (
        finished() if make is work.make_and_train else folder(f"recorded-{make.__name__}") / "runs"
    )

    def body() -> list[str]:
        found: list[str] = []
        steps.install(runs, steps.recorder(found))
        make()
        return found

    with work.places(runs):
        return ask(body, runs.with_suffix(".out"))


def after(moment: float, child: Child) -> int:
    """Kill the child after so many seconds, unless it is over by then; its exit status."""
    end = time.monotonic() + moment
    while time.monotonic() < end:
        time.sleep(min(0.01, max(0.0, end - time.monotonic())))
    child.kill()
    return child.wait()


def job(kind: str) -> None:
    """A new attack or estimate on the one run, done to its end."""
    from smd.config.schema import AttackConfig, EstimateConfig
    from smd.jobs.session import claimed
    from smd.runs import folders

    run = work.only_run()
    if kind == "attack":
        asked = AttackConfig(run.id, params={"steps": 3}, n=20, device="cpu", batch=20)
        made = folders.create_job(run, asked, claim=True)
    else:
        made = folders.create_job(run, EstimateConfig(run.id, n=12, device="cpu"), claim=True)
    with claimed(made):
        work.perform(made)


def job_goes_on(kind: str) -> str:
    """Resume the killed job, or begin it where the kill came before there was one; how it stood."""
    from smd import jobs
    from smd.jobs import transitions
    from smd.runs import folders

    found = [f for f in folders.jobs_of(work.only_run()) if jobs.read(f).kind == kind]
    if not found:
        job(kind)
        return "no job yet"
    told = jobs.read(found[0]).state
    if told == "finished":
        return told
    if told != "queued":
        transitions.move(found[0], "queued")
    work.perform(found[0])
    return told


@lru_cache(maxsize=4)
def job_reference(kind: str) -> tuple[dict[str, str], list[str]]:
    """The results of a run with that job on it, unbroken, and the job's operations on files."""
    import shutil

    reference()
    runs = folder(f"job-{kind}") / "runs"
    shutil.copytree(finished(), runs)

    def body() -> list[str]:
        found: list[str] = []
        steps.install(runs, steps.recorder(found))
        job(kind)
        return found

    with work.places(runs):
        operations = ask(body, runs.with_suffix(".out"))
        return ask(work.results, runs.with_suffix(".out")), operations
