"""Two machines with one runs folder, by a host name of each process's own (`unshare -u`)."""

import ctypes
import os
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.torture import clocks, shared, work
from tests.torture.campaign import Campaign, Case, Missing, check
from tests.torture.forked import Child, ask

OWN_NAME = 0x04000000  # CLONE_NEWUTS
HERE, THERE = "host-a", "host-b"


def on(host: str, body: Callable[[], object]) -> Callable[[], object]:
    """The body, on a machine of that name."""

    def there() -> object:
        if ctypes.CDLL(None, use_errno=True).unshare(OWN_NAME):
            raise PermissionError("no host name of its own")
        import socket

        socket.sethostname(host)
        import platform

        platform._uname_cache = None
        return body()

    return there


def cases(tries: int, chance: random.Random) -> Sequence[Case]:
    """Each scene, again and again until there are enough tries."""
    if os.getuid() != 0:
        raise Missing("it needs root to be a host of another name.")
    shared.reference()
    scenes = [_queued, _running, _side_by_side, _ahead, _gone, _behind, _notes]
    return [
        Case(f"{(scene.__doc__ or '').strip()} ({k})", partial(_in_place, scene))
        for k in range(-(-(tries or 14) // len(scenes)))
        for scene in scenes
    ][: tries or None]


def _in_place(scene: Callable[[Path], str | None], folder: Path) -> str | None:
    with work.places(folder / "runs"):
        return scene(folder / "out.txt")


def _make() -> None:
    from smd.runs import folders

    folders.create(work.tiny())


def _queued(out: Path) -> None:
    """what one host has queued is not started by the other"""
    from smd.jobs import launch, worker

    ask(on(HERE, _make), out)
    check(ask(on(HERE, lambda: len(worker.queued())), out) == 1, "its own host does not see it")
    check(ask(on(THERE, lambda: len(worker.queued())), out) == 0, "the other host would run it")

    def woken() -> list[str]:
        found: list[str] = []
        launch._wake = lambda key: found.append(key)  # type: ignore[assignment, return-value]
        launch.wake_all()
        return found

    check(ask(on(THERE, woken), out) == [], "the other host starts a worker")
    check(ask(on(THERE, work.state), out)["state"] == "queued", "the other host tells it otherwise")


def _held() -> None:
    """A run that runs until the file `go` is there."""
    from smd.jobs.session import session
    from smd.runs import folders

    run = folders.create(work.tiny(), claim=True)
    with session(run.folder, "cpu") as job:
        while not (run.folder / "go").exists():
            check(not job.stopping, "the job was asked to stop")
            time.sleep(0.02)


def _holding(out: Path) -> Child:
    child = Child(on(HERE, _held), out.with_name("held.txt"))
    end = time.monotonic() + 60
    while ask(on(HERE, work.state), out).get("state") != "running":
        check(time.monotonic() < end, "it never ran")
        time.sleep(0.02)
    return child


def _end(child: Child, out: Path) -> None:
    ask(
        lambda: (
            [(run.folder / "go").touch() for run in __import__("smd.runs.folders").runs.all_runs()]
            and None
        ),
        out,
    )
    check(child.wait() == 0, f"the running job did not survive: {child.said()[-300:]}")


def _refused(act: Callable[[], object]) -> str:
    from smd.errors import UserError

    try:
        act()
    except UserError as error:
        return str(error)
    return ""


def _running(out: Path) -> None:
    """what runs on one host is told as running by the other, which can neither resume, cancel nor
    delete it"""
    from smd.jobs import launch
    from smd.runs import folders

    child = _holding(out)
    try:
        check(
            ask(on(THERE, work.state), out)["state"] == "running",
            "the other host tells it otherwise",
        )
        for act in (launch.resume, launch.cancel, lambda _: folders.delete(work.only_run())):
            said = ask(
                on(THERE, lambda act=act: _refused(lambda: act(work.only_run().folder))), out
            )
            check(said, "the other host resumes, cancels or deletes it")
        said = ask(on(THERE, lambda: _refused(lambda: launch.cancel(work.only_run().folder))), out)
        check(HERE in said, f"the other host does not say where it runs: {said}")
    finally:
        _end(child, out)


def _side_by_side(out: Path) -> None:
    """each host runs its own job at the same time, as each has a processor of its own"""
    child = _holding(out)
    try:
        other = Child(on(THERE, work.make_and_train), out)
        check(other.wait(60) == 0, "the other host's job failed")
    finally:
        _end(child, out)


def _ahead(out: Path) -> None:
    """a host whose clock is minutes ahead does not take a living job for lost"""
    _skewed(out, 300.0)


def _behind(out: Path) -> None:
    """a host whose clock is minutes behind does not take a living job for lost"""
    _skewed(out, -300.0)


def _skewed(out: Path, offset: float) -> None:
    child, clock = _holding(out), clocks.Clock()
    clock.set(offset)
    try:
        seen = ask(on(THERE, clock.worn(work.state)), out)
        check(
            seen["state"] == "running",
            f"a clock set by {offset:+g} s tells a living job as {seen['state']}",
        )
    finally:
        _end(child, out)


def _gone(out: Path) -> None:
    """a job whose host was killed is told as lost by the other after some minutes, and can be
    resumed there"""
    child, clock = _holding(out), clocks.Clock()
    child.kill()
    child.wait()
    check(
        ask(on(HERE, work.state), out)["state"] == "lost", "its own host does not tell it as lost"
    )
    clock.set(600.0)
    status = Path(ask(work.state, out)["folder"]) / "status.json"
    os.utime(status, (time.time() - 600, time.time() - 600))  # the disk's clock has gone on too
    told = ask(on(THERE, clock.worn(work.state)), out)["state"]
    check(told == "lost", f"the other host tells it as {told}")
    ask(on(THERE, clock.worn(work.go_on)), out)
    work.compare(shared.reference(), out)


def _notes(out: Path) -> None:
    """both hosts write notes on one run at once, and all are kept"""
    from dataclasses import replace

    from smd.runs import notes

    ask(on(HERE, _make), out)

    def noted(host: str) -> None:
        for k in range(10):
            tag = f"{host}{k}"
            notes.change(
                work.only_run(), lambda before, tag=tag: replace(before, tags=(*before.tags, tag))
            )

    children = [Child(on(host, partial(noted, host)), out) for host in (HERE, THERE)]
    check([child.wait() for child in children] == [0, 0], "a note was not written")
    kept = len(ask(lambda: notes.read(work.only_run()).tags, out))
    check(kept == 20, f"{kept} of 20 tags were kept")


CAMPAIGNS = (Campaign("hosts", "two hosts with one runs folder (unshare -u)", cases, 14),)
