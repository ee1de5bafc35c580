"""Every kind of job. To add one: its task, and an entry here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smd.config import commands, validation
from smd.config.schema import (
    AttackConfig,
    Config,
    EmbeddingConfig,
    EstimateConfig,
    ImportConfig,
    ScoreConfig,
    TrainConfig,
    is_import,
)


@dataclass(frozen=True)
class JobKind:
    """One kind of job: how it is named, where it lies, what it is asked to do and what does it."""

    name: str  # in status.json
    verb: str  # its command; where it is not the name, the name does as well
    act: str  # what it does to runs, in sentences
    noun: str  # the same as a thing
    plural: str
    folder: str  # inside its run's folder; "": it is the run itself
    config: type[Any]  # of its config.json
    validate: Callable[[Any], list[str]]  # (config) -> every reason why it cannot start
    command: Callable[[Any], str]  # (config) -> the shell command that does the same
    task: str  # "module:function", (folder, log=None) -> None: does it in this process
    title: str  # "module:function", (config) -> what it is to do, in words
    word: Callable[[Any], str]  # (config) -> the word in its id that tells it from others

    @property
    def option(self) -> str:
        """The option by which its command takes a queued job."""
        return "--job" if self.folder else "--run"


_ALL = (
    JobKind(
        name="train",
        verb="train",
        act="train",
        noun="run",
        plural="runs",
        folder="",
        config=TrainConfig,
        validate=validation.of_training,
        command=commands.train_command,
        task="smd.tasks.train:train_folder",
        title="smd.runs.job_titles:training",
        word=lambda config: f"{config.data}-{config.defense}",
    ),
    JobKind(
        name="import",
        verb="import",
        act="import",
        noun="import",
        plural="imports",
        folder="",
        config=ImportConfig,
        validate=validation.of_import,
        command=commands.import_command,
        task="smd.tasks.import_weights:import_folder",
        title="smd.runs.job_titles:importing",
        word=lambda config: f"{config.data}-{config.defense}",
    ),
    JobKind(
        name="attack",
        verb="attack",
        act="attack",
        noun="attack",
        plural="attacks",
        folder="attacks",
        config=AttackConfig,
        validate=validation.of_attack,
        command=commands.attack_command,
        task="smd.tasks.attack:attack_run",
        title="smd.runs.job_titles:attack",
        word=lambda config: str(config.attack),
    ),
    JobKind(
        name="margins",
        verb="estimate",
        act="measure",
        noun="estimate",
        plural="estimates",
        folder="margins",
        config=EstimateConfig,
        validate=validation.of_estimate,
        command=commands.estimate_command,
        task="smd.tasks.estimate:estimate_run",
        title="smd.runs.job_titles:estimate",
        word=lambda config: str(config.method),
    ),
    JobKind(
        name="score",
        verb="score",
        act="score",
        noun="search for scores",
        plural="searches for scores",
        folder="scores",
        config=ScoreConfig,
        validate=validation.of_score,
        command=commands.score_command,
        task="smd.tasks.score:score_run",
        title="smd.runs.job_titles:score",
        word=lambda config: "scores",
    ),
    JobKind(
        name="embed",
        verb="embedding",
        act="embed",
        noun="embedding",
        plural="embeddings",
        folder="maps",
        config=EmbeddingConfig,
        validate=validation.of_embedding,
        command=commands.embedding_command,
        task="smd.tasks.embedding:embedding_run",
        title="smd.runs.job_titles:embedding",
        word=lambda config: "map",
    ),
)
KINDS = {kind.name: kind for kind in _ALL}


def on_runs() -> list[JobKind]:
    """The kinds of jobs that lie in a trained run's folder."""
    return [kind for kind in KINDS.values() if kind.folder]


def of_folder(folder: Path) -> JobKind:
    """The kind of the job in that folder, by the folder around it; of a run, by its config."""
    around = next((kind for kind in on_runs() if kind.folder == folder.parent.name), None)
    return around or KINDS["import" if is_import(folder) else "train"]


def job_id(folder: Path) -> str:
    """A job as commands take it: a run's id, or <run>/<job> of a job on a run."""
    return f"{folder.parent.parent.name}/{folder.name}" if of_folder(folder).folder else folder.name


def of_config(config: Config) -> JobKind:
    """The kind of job that this is the config of."""
    return next(kind for kind in KINDS.values() if type(config) is kind.config)
