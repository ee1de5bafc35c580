"""The folder of a training run and of the jobs on it: make, list, find and delete them."""

import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smd import jobs, paths
from smd.config import field_problems
from smd.config import schema as configs
from smd.config.schema import ImportConfig, JobConfig, TrainConfig
from smd.errors import UserError
from smd.files import foreign, leftovers
from smd.jobs import kinds, listing, transitions
from smd.paths import runs_root
from smd.program import PROGRAM
from smd.runs import ids, provenance, starting
from smd.store import places


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
        """The trained network, with its last weights."""
        return self.folder / "model.safetensors"

    @property
    def network(self) -> Path | None:
        """The file of a whole network without a class, of an import; None: there is none."""
        places = (self.folder / f"network{suffix}" for suffix in (".pt2", ".onnx"))
        return next((place for place in places if place.exists()), None)

    @property
    def averaged_weights(self) -> Path:
        """The same network with its averaged weights, of a run with average = "ema"."""
        return self.folder / "model-ema.safetensors"

    @property
    def trained(self) -> bool:
        """Whether it has a network to be judged: weights, or a whole network."""
        return self.weights.exists() or self.network is not None

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
        return configs.read_run(self.folder)

    @property
    def status(self) -> jobs.Status:
        """How it stands."""
        return jobs.read(self.folder)


def create(config: TrainConfig, claim: bool = False) -> Run:
    """Make a queued run, a training or an import; raises UserError with every problem of the
    config.

    claim: this process will run the job itself, so no worker shall take it.
    """
    _refuse(field_problems.of_types(type(config), vars(config)))
    config = as_kept(config)
    kind = kinds.of_config(config)
    _refuse(kind.validate(config) + starting.problems(config, _source(config)))
    places.refuse_odd(runs_root() / "run.duckdb")  # before anything is imported
    name = ids.new(runs_root(), kind.word(config))
    files = {"config.json": configs.to_file(config), "provenance.json": provenance.provenance()}
    transitions.create(
        runs_root() / name, kind.name, config.device, files, claim, getattr(config, "devices", "")
    )
    return Run(name, runs_root() / name)


def with_absolute_path(config: TrainConfig) -> TrainConfig:
    """The config as a run keeps it: with whole paths, as the job works in another folder."""
    if isinstance(config, ImportConfig) and config.file:
        config = replace(config, file=_absolute(config.file))
    if config.labels:
        config = replace(config, labels=_absolute(config.labels))
    return replace(config, data_path=_absolute(config.data_path)) if config.data_path else config


def _absolute(path: str) -> str:
    return str(paths.given(path))


def as_kept(config: TrainConfig) -> TrainConfig:
    """The config as a run keeps it: with whole paths and whole ids, as "last" is soon another."""
    config, source = with_absolute_path(config), _source(config)
    if starting.is_file(config.init):
        return replace(config, init=_absolute(config.init))
    return replace(config, init=source.id) if source else config


def _source(config: TrainConfig) -> Run | None:
    """The run that this one is to start from; None if it names none."""
    with suppress(UserError):
        return find(config.init) if starting.may_be_run(config.init) else None
    return None


def create_job(run: Run, config: JobConfig, claim: bool = False) -> Path:
    """Make a queued job on a run and return its folder; errors and `claim` are as in `create`."""
    kind = kinds.of_config(config)
    _refuse(kind.validate(config))
    folder = _new_job(run, kind.folder, kind.word(config))
    files = {"config.json": configs.to_file(config)}
    with transitions.locked(run.folder):  # not while the run is being deleted
        transitions.create(
            folder, kind.name, config.device, files, claim, getattr(config, "devices", "")
        )
    return folder


def _refuse(sentences: list[str]) -> None:
    if sentences:
        raise UserError(" ".join(sentences))


def _new_job(run: Run, place: str, word: str) -> Path:
    """A folder for a job on a run, not made yet; raises UserError where the folder around it leads
    elsewhere."""
    around = run.folder / place
    foreign.refuse_link(around)
    return around / ids.new(around, word)


def all_runs() -> list[Run]:
    """All runs, the newest first; also those whose config cannot be read."""
    return [Run(folder.name, folder) for folder in listing.runs()]


def nameless() -> str:
    """The sentence about folders of runs whose names cannot be printed, so that nothing can be done
    with them here.

    "" if there are none, as is usual.
    """
    matching = [
        path.parent.name
        for path in runs_root().glob("*/config.json")
        if not path.parent.name.isprintable()
    ]
    if not matching:
        return ""
    some = (
        "1 folder in {} has a name"
        if len(matching) == 1
        else f"{len(matching):,} folders in {{}} have names"
    )
    return (
        f"{some.format(runs_root())} with signs that cannot be printed, such as {min(matching)!a}:"
        f" rename {'it' if len(matching) == 1 else 'them'} to see the runs."
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
    matching = [run for run in known if run.id == text] or [
        run for run in known if text and (run.id.startswith(text) or run.id.endswith(text))
    ]
    if len(matching) == 1:
        return matching[0]
    what = "More than one run matches" if matching else "There is no run"
    names = [run.id for run in matching or known]
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
