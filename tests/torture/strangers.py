"""The makers of tests/hostile/ over imports, run folders and stores from elsewhere.

Bounded, one sentence at most.
"""

import os
import random
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tests.hostile import making_images as pictures
from tests.hostile import making_stores as stores
from tests.hostile import making_stranger as folders
from tests.torture import work
from tests.torture.campaign import Campaign, Case, check
from tests.torture.forked import ask

LONGEST = 60.0  # seconds that looking at any of it may take on a busy machine
IMPORTING = 240.0  # seconds that may pass until an import has counted a million members
MEMORY = 3 << 30  # bytes that it may take beside what is loaded

Maker = Callable[[Path], object]


def bounded(body: Callable[[], object]) -> Callable[[], object]:
    """The body with little memory and time; what the product refuses is returned as its
    sentence."""

    def doing() -> object:
        from smd.errors import UserError

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        try:
            return body() or "taken"
        except UserError as error:
            text = str(error)
            check(
                "\n" not in text and "0x" not in text and len(text) < 3000,
                f"it says {text[:200]!r}",
            )
            return "refused in a sentence"

    return doing


def _told(body: Callable[[], object], out: Path, patience: float = LONGEST) -> str:
    began = time.monotonic()
    told = ask(bounded(body), out, patience)
    check(time.monotonic() - began < patience, "it took too long")
    return str(told)


def images() -> Mapping[str, Maker]:
    """What may be given as own images, each made in an empty folder under the name it returns, if
    not `own`."""
    two, lay = pictures.two_classes, pictures.lay_out
    found: dict[str, Maker] = {
        "EPS as png": lambda p: lay(p / "own", {**two(), "a/x.png": pictures.postscript()}),
        "5000 frames": lambda p: lay(p / "own", {**two(), "a/x.tif": pictures.frames(5000)}),
        "no bytes": lambda p: lay(p / "own", {**two(), "a/x.png": b""}),
        "cut short": lambda p: lay(p / "own", {**two(), "a/x.png": pictures.picture()[:40]}),
        "a class of bytes": lambda p: _renamed(lay(p / "own", two()) / "a", b"M\xe4nner"),
        "Markdown and ANSI": lambda p: lay(
            p / "own", _classes("# *x* ![](http://x/y.png)", "\x1b[31mred\nb")
        ),
        "an empty test": (
            lambda p: (lay(p / "own", {f"train/{k}": v for k, v in two().items()}) / "test").mkdir()
        ),
        "one class": lambda p: lay(p / "own", {"a/1.png": pictures.picture()}),
        "nothing": lambda p: (p / "own").mkdir(),
        "zip with ..": lambda p: pictures.zip_of(
            p / "own.zip", {**two(), "../../out/x.png": pictures.picture()}
        ),
        "zip of a million": lambda p: pictures.zip_of_many(p / "own.zip", 1_000_000),
        "tar bomb of 10 GB": lambda p: pictures.tar_bomb(p / "own.tar.gz", 10),
        "tar of a million": lambda p: pictures.tar_of_many(p / "own.tar.gz", 1_000_000),
        "npz of 2 GB": lambda p: pictures.npz_bomb(p / "own.npz", 2),
        "text as npz": lambda p: (p / "own.npz").write_bytes(b"x" * 1000),
        "gray among colour": lambda p: lay(
            p / "own", {**two(), "a/c.png": pictures.picture(mode="RGB")}
        ),
        "sizes": lambda p: lay(p / "own", {**two(), "a/c.png": pictures.picture(size=(9, 12))}),
    }
    for name, (make, _) in pictures.SPECIAL.items():
        found[f"a {name} among images"] = lambda p, make=make: make(
            lay(p / "own", two()) / "a" / "x.png"
        )
        found[f"a {name} as the source"] = lambda p, make=make: make(p / "own.zip")
    return found


def _classes(*names: str) -> dict[str, bytes]:
    return {f"{name}/{k}.png": pictures.picture(k) for name in names for k in range(3)}


def _renamed(folder: Path, name: bytes) -> None:
    os.rename(os.fsencode(folder), os.fsencode(folder.parent) + b"/" + name)  # noqa: PTH104


def _import(make: Maker) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        given = folder / "given"
        given.mkdir()
        make(given)
        source = next(given.iterdir())

        def act() -> None:
            from smd import data

            data.load("folder", str(source))

        with work.places(folder / "runs", folder / "cache"):
            told = _told(act, folder / "out.txt", IMPORTING)
        outside = [
            each.name
            for each in folder.iterdir()
            if each.name not in ("given", "cache", "out.txt", "runs")
        ]
        check(not outside, f"it wrote {outside} beside its cache")
        cache = folder / "cache"
        left = (
            [each.name for each in cache.iterdir() if each.name.startswith(".")]
            if cache.exists()
            else []
        )
        check(not left, f"it left {left} in the cache")
        return told

    return run


def _looked_at(run: object) -> None:
    """All that pages and commands read of the small files of a run."""
    from smd.__main__ import main
    from smd.errors import UserError
    from smd.jobs import launch, logs, worker
    from smd.runs import folders as runs
    from smd.runs import notes

    launch._wake = _never  # type: ignore[assignment]
    for read in (
        lambda: run.config,
        lambda: run.status,
        lambda: notes.read(run),
        lambda: run.about,
        lambda: logs.tail(run.log),
        runs.all_runs,
        worker.queued,
        launch.wake_all,
    ):
        try:
            read()
        except UserError as error:
            check("\n" not in str(error), f"it says {str(error)[:200]!r}")
    check(main(["runs"]) == 0, "`smd runs` fails")


def _never(key: str) -> None:
    raise AssertionError(f"a stranger's job starts a worker for {key}")


def _file(file: str, field: str) -> Callable[[Path], str]:
    """A run folder whose file has each wrong value in that field; "" for what is no JSON of
    ours."""

    def run(folder: Path) -> str:
        from smd.runs import folders as runs

        with work.places(folder / "runs"):
            made = runs.Run("20240101-000000-digits-smd-0bad", folders.run(folder / "runs"))

            def act() -> None:
                for changed, _ in folders.spoiled(made.folder, file) if field else ():
                    if changed == field:
                        _looked_at(made)
                for content in () if field else folders.RAW:
                    (made.folder / file).write_bytes(content)
                    _looked_at(made)

            return _told(act, folder / "out.txt")

    return run


def _thing(file: str, thing: str) -> Callable[[Path], str]:
    """A run folder with something else in the place of a file, read and then trained and written
    on."""

    def run(folder: Path) -> str:
        from smd.config.schema import to_json
        from smd.runs import folders as runs

        victim = folder / "victim"
        victim.write_text("mine")
        with work.places(folder / "runs"):
            made = runs.Run("20240101-000000-digits-smd-0bad", folders.run(folder / "runs"))
            # its training is short
            folders.dump(made.folder / "config.json", to_json(work.tiny(epochs=1)))
            folders.put(made.folder / file, thing, victim)
            ask(bounded(lambda: _looked_at(made)), folder / "out.txt", LONGEST)
            told = _told(lambda: _written(made), folder / "out.txt")
        check(victim.read_text() == "mine", "a file outside of the run was changed")
        check(not (folder / "gone").exists(), "a file outside of the run was made")
        return told

    return run


def _written(run: object) -> str:
    from smd.errors import UserError
    from smd.jobs import transitions
    from smd.runs import notes
    from smd.tasks.train import train_run

    said = []
    for act in (
        lambda: notes.write(run, notes.Notes("x")),
        lambda: transitions.move(run.folder, "queued"),
        lambda: train_run(run, run.log),
    ):
        try:
            act()
        except (UserError, OSError) as error:
            said.append(str(error))
    return "refused in a sentence" if said else "taken"


def _store(statements: str) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        from smd.store import query as asking
        from smd.store import reader

        path = folder / "run.duckdb"

        def act(read: Callable[[], object]) -> object:
            return bounded(read)()

        ask(lambda: stores.store(path, statements), folder / "out.txt")
        reads = [
            partial(reader.meta, path),
            partial(reader.last_epoch, path),
            partial(asking.tables, path),
            partial(asking.ask, path, "SELECT * FROM meta"),
        ]
        told = [
            str(ask(partial(act, lambda read=read: read() and None), folder / "out.txt", LONGEST))
            for read in reads
        ]
        return "refused in a sentence" if "refused in a sentence" in told else "taken"

    return run


def cases(tries: int, chance: random.Random) -> Sequence[Case]:
    """All makers, or so many of them by chance."""
    from smd.config.schema import TrainConfig
    from smd.jobs import Status

    fields = {
        "config.json": ["", "data", *asdict(TrainConfig())],
        "status.json": ["", "new", *asdict(Status())],
        "notes.json": ["", "text", "tags", "pinned"],
        "image-sets.json": ["", "sets"],
        "provenance.json": ["", "commit", "packages"],
    }
    found = [Case(f"import of {name}", _import(make)) for name, make in images().items()]
    found += [
        Case(f"{file}: {field or 'no JSON of ours'}", _file(file, field))
        for file in fields
        for field in dict.fromkeys(fields[file])
    ]
    places = (
        "config.json",
        "status.json",
        "notes.json",
        "image-sets.json",
        "log.txt",
        ".lock",
        "run.duckdb",
        "last.pt",
        "README.md",
        "adv",
        ".status.json.partial",
        ".last.pt.partial",
        "status.reserve",
        "judging.npz",
    )
    found += [
        Case(f"a {thing} as {file}", _thing(file, thing))
        for file in places
        for thing in folders.THINGS
    ]
    found += [Case(f"a store: {name}", _store(text)) for name, text in stores.STATEMENTS.items()]
    return chance.sample(found, tries) if 0 < tries < len(found) else found


CAMPAIGNS = (
    Campaign(
        "strangers", "hostile images, run folders and stores, looked at and worked with", cases, 0
    ),
)
