"""The folder of a training run and of the jobs on it: make, list, find and delete them."""

import calendar
import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smd import jobs
from smd.config import schema as configs
from smd.config import validation
from smd.config.schema import JobConfig, TrainConfig
from smd.errors import UserError
from smd.files import foreign, leftovers
from smd.jobs import kinds, listing, transitions
from smd.paths import runs_root
from smd.program import PROGRAM
from smd.runs import provenance
from smd.store import places

STAMP = r"\d{8}-\d{6}"
# seconds by which clocks are set back, zones included; what is further ahead is not ours
SET_BACK = 26 * 3600.0


@dataclass(frozen=True)
class Run:
    """One training run and where its things lie; the files need not exist yet."""

    id: str
    folder: Path

    @property
    def store(self) -> Path:
        """The DuckDB file with its metrics, margins and attack results."""
        return self.folder / "run.duckdb"

    @property
    def weights(self) -> Path:
        """The trained network."""
        return self.folder / "model.safetensors"

    @property
    def checkpoint(self) -> Path:
        """The whole state of the training, to resume from."""
        return self.folder / "last.pt"

    @property
    def log(self) -> Path:
        """What the job printed."""
        return self.folder / "log.txt"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.folder / "README.md"

    @property
    def provenance(self) -> Path:
        """The code, packages and machine it was started with."""
        return self.folder / "provenance.json"

    @property
    def about(self) -> dict[str, Any]:
        """What that file says, see smd.runs.provenance.read."""
        return provenance.read(self.provenance)

    @property
    def adv(self) -> Path:
        """The folder of adversarial images."""
        return self.folder / "adv"

    @property
    def config(self) -> TrainConfig:
        """What was asked for; raises UserError if the file is broken or newer."""
        return configs.read(TrainConfig, self.folder / "config.json")

    @property
    def status(self) -> jobs.Status:
        """How it stands."""
        return jobs.read(self.folder)


def create(config: TrainConfig, claim: bool = False) -> Run:
    """Make a queued run; raises UserError with every problem of the config.

    claim: this process will run the job itself, so no worker shall take it.
    """
    _refuse(validation.of_training(config))
    places.refuse_odd(runs_root() / "run.duckdb")  # before anything is imported
    config = with_absolute_path(config)
    kind = kinds.KINDS["train"]
    name = _new_id(runs_root(), kind.word(config))
    files = {"config.json": configs.to_json(config), "provenance.json": provenance.provenance()}
    transitions.create(runs_root() / name, kind.name, config.device, files, claim)
    return Run(name, runs_root() / name)


def with_absolute_path(config: TrainConfig) -> TrainConfig:
    """The config as a run keeps it: with a whole path, as the job works in another folder."""
    if not config.data_path:
        return config
    return replace(config, data_path=str(Path(config.data_path).expanduser().absolute()))


def create_job(run: Run, config: JobConfig, claim: bool = False) -> Path:
    """Make a queued job on a run and return its folder; errors and `claim` are as in `create`."""
    kind = kinds.of_config(config)
    _refuse(kind.validate(config))
    folder = _new_job(run, kind.folder, kind.word(config))
    files = {"config.json": configs.to_json(config)}
    with transitions.locked(run.folder):  # not while the run is being deleted
        transitions.create(folder, kind.name, config.device, files, claim)
    return folder


def _refuse(found: list[str]) -> None:
    if found:
        raise UserError(" ".join(found))


def _new_job(run: Run, place: str, word: str) -> Path:
    """A folder for a job on a run, not made yet; raises UserError where the folder around it leads
    elsewhere."""
    around = run.folder / place
    foreign.refuse_link(around)
    return around / _new_id(around, word)


def _new_id(folder: Path, *words: str) -> str:
    """An id that nothing in that folder has, also without its time, as pages and links show it."""
    while True:
        short = "-".join([*words, secrets.token_hex(2)])
        if not any(folder.glob(f"*-{short}")):
            return f"{_moment(folder)}-{short}"


def _moment(folder: Path) -> str:
    """This second; the one after the newest job's where the clock was set back, so that the newest
    stays the newest."""
    now = time.time()
    newest = max(
        (path.name[:15] for path in folder.glob("*") if re.fullmatch(STAMP, path.name[:15])),
        default="",
    )
    with suppress(ValueError, OverflowError):
        last = calendar.timegm(time.strptime(newest, "%Y%m%d-%H%M%S"))
        if now < last + 1 and last - now < SET_BACK:
            now = last + (1 if now < last else 0)
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))


def all_runs() -> list[Run]:
    """All runs, the newest first; also those whose config cannot be read."""
    return [Run(folder.name, folder) for folder in listing.runs()]


def nameless() -> str:
    """The sentence about folders of runs whose names cannot be printed, so that nothing can be done
    with them here.

    "" if there are none, as is usual.
    """
    found = [
        path.parent.name
        for path in runs_root().glob("*/config.json")
        if not path.parent.name.isprintable()
    ]
    if not found:
        return ""
    some = (
        "1 folder in {} has a name"
        if len(found) == 1
        else f"{len(found):,} folders in {{}} have names"
    )
    return (
        f"{some.format(runs_root())} with signs that cannot be printed, such as {min(found)!a}:"
        f" rename {'it' if len(found) == 1 else 'them'} to see the runs."
    )


def jobs_of(run: Run, kind: str = "") -> list[Path]:
    """The folders of a run's jobs of one kind, or of every kind (smd.jobs.kinds), the newest
    first."""
    return listing.on_run(run.folder, kind)


def find(text: str) -> Run:
    """The run with that id, or the only one whose id starts or ends so; "last" is the newest.

    Raises UserError with the candidates if there is none or more than one.
    """
    known = all_runs()
    if not known:
        raise UserError("There are no runs yet: train one first.")
    if text == "last":
        return known[0]
    found = [run for run in known if run.id == text] or [
        run for run in known if text and (run.id.startswith(text) or run.id.endswith(text))
    ]
    if len(found) == 1:
        return found[0]
    what = "More than one run matches" if found else "There is no run"
    names = [run.id for run in found or known]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    raise UserError(f"{what} '{text}': choose one of {', '.join(names[:5])}{more}.")


def find_job(text: str) -> Path:
    """The folder of a run, or of a job on it written <run>/<job>; raises UserError if there is
    none."""
    run_id, slash, job_id = text.partition("/")
    run = find(run_id)
    if not slash:
        return run.folder
    for folder in jobs_of(run):
        if folder.name == job_id:
            return folder
    raise UserError(
        f"There is no job '{text}': write it as <run>/<job>, as `{PROGRAM} runs` lists it."
    )


def of_job(folder: Path) -> Run:
    """The run that a job lies in, which a copied or renamed folder tells better than the job's
    config does."""
    around = folder.absolute().parent.parent
    return Run(around.name, around)


def dismiss(folder: Path) -> None:
    """Remove the folder of a job on a run that is over.

    What it has stored stays in the run's store.

    Raises UserError if it is queued or running.
    """
    if not kinds.of_folder(folder).folder or folder.is_symlink():
        raise UserError(f"{folder} is no job on a run: nothing was removed.")
    if jobs.read(folder).state in ("queued", "running"):
        raise UserError(f"{folder.name} is not over: cancel it first.")
    _refuse_others(folder)
    trash = folder.with_name(f".trash-{folder.name}")
    folder.rename(trash)
    shutil.rmtree(trash)


def _refuse_others(folder: Path) -> None:
    """Raises UserError where something in it could not be removed: half of it would be left."""
    for place in (
        folder.parent,
        folder,
        *(Path(above) / name for above, names, _ in os.walk(folder) for name in names),
    ):
        if not place.is_symlink() and not os.access(place, os.W_OK | os.X_OK):
            raise UserError(f"{place} is not yours to change: ask its owner to delete it.")


def delete(run: Run) -> None:
    """Remove a run with all its jobs; raises UserError if one of them is queued or running."""
    inside = run.folder.parent == runs_root() and not run.folder.name.startswith(".")
    if not inside or run.folder.is_symlink() or not (run.folder / "config.json").is_file():
        raise UserError(f"{run.folder} is no run in {runs_root()}: nothing was deleted.")
    trash = runs_root() / f".trash-{run.id}-{secrets.token_hex(2)}"
    _refuse_others(run.folder)
    with transitions.locked(run.folder):
        for folder in (run.folder, *jobs_of(run)):
            status = jobs.read(folder)
            if status.state in ("queued", "running") or status.schema > jobs.SCHEMA:
                raise UserError(
                    f"{folder.name} is {status.state}: cancel it before you delete the run."
                )
        run.folder.rename(trash)  # at once, so that nobody meets half a run
    shutil.rmtree(trash)
    leftovers.sweep_trash(runs_root())
