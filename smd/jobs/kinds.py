"""Every kind of job. To add one: its task, and an entry here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smd.config import commands, validation
from smd.config.schema import AttackConfig, Config, EmbedConfig, MarginsConfig, TrainConfig


@dataclass(frozen=True)
class JobKind:
    """One kind of job: how it is named, where it lies, what it is asked to do and what does it."""

    name: str  # in status.json and on the command line
    noun: str  # in sentences
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
        """The option by which the command of that name takes a queued job."""
        return "--job" if self.folder else "--run"


_ALL = (
    JobKind(
        "train",
        "run",
        "runs",
        "",
        TrainConfig,
        validation.of_training,
        commands.train_command,
        "smd.tasks.train:train_folder",
        "smd.runs.job_titles:training",
        lambda config: f"{config.data}-{config.defense}",
    ),
    JobKind(
        "attack",
        "attack",
        "attacks",
        "attacks",
        AttackConfig,
        validation.of_attack,
        commands.attack_command,
        "smd.tasks.attack:attack_run",
        "smd.runs.job_titles:attack",
        lambda config: str(config.attack),
    ),
    JobKind(
        "margins",
        "estimation",
        "estimations",
        "margins",
        MarginsConfig,
        validation.of_estimate,
        commands.estimate_command,
        "smd.tasks.estimate:margins_run",
        "smd.runs.job_titles:estimation",
        lambda config: str(config.method),
    ),
    JobKind(
        "embed",
        "map",
        "maps",
        "maps",
        EmbedConfig,
        validation.of_embedding,
        commands.embedding_command,
        "smd.tasks.embedding:embed_run",
        "smd.runs.job_titles:embedding",
        lambda config: "map",
    ),
)
KINDS = {kind.name: kind for kind in _ALL}


def on_runs() -> list[JobKind]:
    """The kinds of jobs that lie in a trained run's folder."""
    return [kind for kind in KINDS.values() if kind.folder]


def of_folder(folder: Path) -> JobKind:
    """The kind of the job in that folder, by the folder around it."""
    return next((kind for kind in on_runs() if kind.folder == folder.parent.name), KINDS["train"])


def of_config(config: Config) -> JobKind:
    """The kind of job that this is the config of."""
    return next(kind for kind in KINDS.values() if type(config) is kind.config)
