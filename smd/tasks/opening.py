"""What every job on a trained run begins with: its config, its turn on the device, the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import nn

from smd import jobs, several
from smd.config import schema
from smd.config.schema import AttackConfig, EmbeddingConfig, EstimateConfig, ScoreConfig
from smd.core.precision import computing
from smd.data.batches import Rows
from smd.data.rows import rows_of
from smd.dealing.portions import Deal, here
from smd.devices import resolve_device
from smd.errors import UserError
from smd.jobs import kinds
from smd.jobs.session import Cancelled, Session, session
from smd.nets.parts import for_looks
from smd.runs import folders
from smd.runs.folders import Run
from smd.sinks.recording import recording
from smd.store import reader
from smd.store.writer import Recorder
from smd.tasks import network_facts
from smd.tasks.hands import helped
from smd.tasks.images import images_of, splits_of
from smd.tasks.network import network_of
from smd.terminal.progress import Progress

C = TypeVar("C", AttackConfig, EstimateConfig, ScoreConfig, EmbeddingConfig)


@dataclass(frozen=True)
class Opened(Generic[C]):
    """All that the steps of a job on a trained run share."""

    run: Run
    job: str  # its id, which what it stores is named by
    folder: Path
    config: C
    model: nn.Module
    rows: Rows  # the images of the split
    session: Session
    progress: Progress
    recorder: Recorder
    deal: Deal | None = None  # who does its batches; None: this process
    processes: int = 1  # that do them

    @property
    def dealt(self) -> Deal:
        """Who does its batches."""
        return self.deal or here(self.model, self.rows)


@contextmanager
def opening(kind: type[C], folder: Path, log: Path | None = None) -> Iterator[Opened[C]]:
    """Take the queued job's turn for the length of the body; what was recorded is stored at its
    end.

    log: where lines go beside stderr; the queue has redirected stderr to the log already. Raises
    Cancelled if the job was asked to stop, UserError where network and images do not fit.
    """
    run = folders.of_job(folder)
    config = replace(schema.read(kind, folder / "config.json"), run=run.id)
    device = resolve_device(several.device(config.device, jobs.read(folder).devices))
    progress = Progress(f"{run.id} {kinds.of_config(config).noun}", log)

    def wait() -> None:
        progress.line(f"Waiting: another job uses {device}.")

    with (
        computing("float32", device),  # whatever judges does, however the network was trained
        session(folder, str(device), wait) as current,
        recording(run, run.config, progress.line) as recorder,
    ):
        current.report(stage="loading the network")
        model, rows = network_and_images(run, config.split, device, config.weights)
        if told := network_facts.changed_since(run):
            progress.line(told)
        alive = partial(refuse_stopped, current)
        with helped(folder, run, config.split, config.weights, device, alive) as deal:
            parts = (run, folder.name, folder, config, model, rows, current, progress, recorder)
            yield Opened(*parts, deal, deal.count if deal else 1)
        recorder.flush()
        progress.close()


def refuse_stopped(current: Session) -> None:
    """Raises Cancelled if the job was asked to stop."""
    if current.stopping:
        raise Cancelled("It was cancelled.")


def network_and_images(
    run: Run, split: str, device: torch.device, weights: str = "last"
) -> tuple[nn.Module, Rows]:
    """A run's trained network and the images of a split; raises UserError if they do not fit.

    weights: "last" or "ema", the averaged ones.
    """
    images = images_of(run)
    classes = len(reader.class_names(run.store)) or len(images.classes)
    if classes != len(images.classes):
        raise UserError(
            f"The network knows {classes} classes, the images have {len(images.classes)}."
        )
    model = network_of(run, images.shape, classes, weights).to(device)
    model = for_looks(model, images.shape, device)
    return model, rows_of(images, getattr(splits_of(run, images), split), device)
