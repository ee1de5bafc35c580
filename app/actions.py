"""Everything that pages do besides looking.

Start, cancel, delete, note, and read what a typed path names.

No other module of the app calls what acts (tests/app/test_actions.py sees to that). Each act asks
first whether who is there may, so that a page that shows one button too many still does nothing.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from smd import data as sets
from smd.config.schema import AttackConfig, EmbeddingConfig, EstimateConfig, TrainConfig
from smd.data import Images, apart, folder, sources
from smd.data.request import Progress, Request
from smd.experiments import sweep
from smd.jobs import launch, tickets
from smd.runs import folders, notes
from smd.runs.folders import Run
from smd.runs.notes import Notes

from .forms import duration
from .server import login

P = ParamSpec("P")
T = TypeVar("T")
SHOWN = 60  # characters of a name that a status has room for


def guarded(act: Callable[P, T]) -> Callable[P, T]:
    """The act for runners alone, in their name: for anybody else it raises UserError before
    anything is done."""

    @functools.wraps(act)
    def asking(*args: P.args, **kwargs: P.kwargs) -> T:
        who = tickets.STARTER.set(login.require_runner().name[:SHOWN])
        try:
            return act(*args, **kwargs)
        finally:
            tickets.STARTER.reset(who)

    return asking


def button(
    label: str, key: str, disabled: bool = False, help: str | None = None, **options: Any
) -> bool:
    """A button that acts, and whether it was pressed; who may only look sees it disabled, with the
    reason."""
    allowed = login.may_act()
    why = help if allowed else login.ONLY_LOOKING
    return (
        st.button(label, key=key, disabled=disabled or not allowed, help=why, **options) and allowed
    )


def _checked(config: TrainConfig) -> TrainConfig:
    if config.data_path:
        login.check_path(config.data_path)
    return config


@guarded
def train(config: TrainConfig) -> Run:
    """Queue a training."""
    run = folders.create(_checked(config))
    launch.submit(run.folder)
    return run


@guarded
def start_sweep(wanted: Sequence[TrainConfig]) -> list[sweep.Member]:
    """Queue those trainings that are not there yet."""
    return sweep.start([_checked(config) for config in wanted])


@guarded
def start(run: Run, config: AttackConfig | EstimateConfig | EmbeddingConfig) -> None:
    """Queue a job on a trained network."""
    launch.submit(folders.create_job(run, config))


@guarded
def probe(config: TrainConfig) -> dict[str, Any]:
    """Take a few steps of a training; see duration.probe."""
    return duration.probe(_checked(config))


@guarded
def cancel(folder: Path) -> None:
    """Stop a job."""
    launch.cancel(folder)


@guarded
def resume(folder: Path) -> None:
    """Queue a job again."""
    launch.resume(folder)


@guarded
def dismiss(folder: Path) -> None:
    """Put a job away that ended before its end."""
    folders.dismiss(folder)


@guarded
def delete(run: Run) -> None:
    """Delete a run for good."""
    folders.delete(run)


@guarded
def note(run: Run, edit: Callable[[Notes], Notes]) -> None:
    """Change a run's notes, tags, pin."""
    notes.change(run, edit)


@guarded
def source(path: str) -> Path:
    """The folder, archive or file that a typed path names; see smd.data.sources.find."""
    login.check_path(path)
    return sources.find(path)


@guarded
def suited_net(path: str) -> str:
    """The network that suits the images at a typed path."""
    login.check_path(path)
    return sets.suited_net(path)


@guarded
def known_images(request: Request, until: float) -> Images | None:
    """The images at a typed path if they are imported already; see smd.data.folder.found."""
    login.check_path(request.path)
    return folder.found(request, until)


@guarded
def import_images(progress: Progress, request: Request) -> str:
    """Import the images at a typed path in a process of its own; see smd.data.apart.load."""
    login.check_path(request.path)
    return apart.load(
        progress,
        path=request.path,
        image_size=request.image_size,
        skip_broken=request.skip_broken,
        channels=request.channels,
    )
