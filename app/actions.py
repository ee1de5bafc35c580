"""Everything that pages do besides looking.

Start, cancel, delete, note, and read what a typed path names.

No other module of the app calls what acts (tests/app/test_actions.py sees to that). Each act asks
first whether who is there may, so that a page that shows one button too many still does nothing.
"""

import functools
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from smd import data as sets
from smd.config.schema import (
    AttackConfig,
    EmbeddingConfig,
    EstimateConfig,
    ImportConfig,
    ScoreConfig,
    TrainConfig,
)
from smd.data import Images, apart, browsing, folder, sources, uploading, uploads
from smd.data.request import Progress, Request
from smd.errors import UserError
from smd.experiments import sweep
from smd.jobs import launch, tickets
from smd.paths import data_root
from smd.runs import example, folders, image_sets, notes
from smd.runs.folders import Run
from smd.runs.notes import Notes

from .forms import duration
from .forms.start import PRETRAINED
from .server import login, upload

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
    if config.labels:
        login.check_path(config.labels)
    runs = {"", PRETRAINED, *(run.id for run in folders.all_runs())}
    if config.init not in runs:  # a file
        login.check_path(config.init)
    return config


@guarded
def import_network(config: ImportConfig) -> Run:
    """Queue an import of a network's weights."""
    login.check_path(config.file)
    run = folders.create(_checked(config))
    uploads.keep(config.data_path)
    launch.submit(run.folder)
    return run


@guarded
def train(config: TrainConfig) -> Run:
    """Queue a training."""
    run = folders.create(_checked(config))
    uploads.keep(config.data_path)
    launch.submit(run.folder)
    return run


@guarded
def start_sweep(wanted: Sequence[TrainConfig]) -> list[sweep.Member]:
    """Queue those trainings that are not there yet."""
    checked = [_checked(config) for config in wanted]
    for path in {config.data_path for config in checked}:
        uploads.keep(path)
    return sweep.start(checked)


@guarded
def start(run: Run, config: AttackConfig | EstimateConfig | ScoreConfig | EmbeddingConfig) -> None:
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
def remove_example() -> None:
    """Delete the runs that came with the program, for good."""
    example.remove()


@guarded
def note(run: Run, edit: Callable[[Notes], Notes]) -> None:
    """Change a run's notes, tags, pin."""
    notes.change(run, edit)


@guarded
def add_to_set(run: Run, name: str, split: str, ids: Sequence[int]) -> None:
    """Put images into a named set of a run."""
    image_sets.add(run, name, split, ids)


@guarded
def remove_from_set(run: Run, name: str, split: str, ids: Sequence[int]) -> None:
    """Take images out of a named set of a run."""
    image_sets.remove(run, name, split, ids)


@guarded
def delete_set(run: Run, name: str) -> None:
    """Forget a named set of a run."""
    image_sets.delete(run, name)


@guarded
def source(path: str) -> Path:
    """The folder, archive or file that a typed path names; see smd.data.sources.find."""
    login.check_path(path)
    return sources.find(path)


@guarded
def listing(below: str) -> browsing.Listing:
    """What lies in a folder of SMD_DATA; see smd.data.browsing.listing."""
    login.check_path(str(data_root() / below))
    return browsing.listing(data_root(), below)


@guarded
def suited_net(request: Request) -> str:
    """The network that suits the images at a typed path; see smd.data.suited_net."""
    _check_paths(request)
    return sets.suited_net(request, hurried=True)


@guarded
def known_images(request: Request, until: float) -> Images | None:
    """The images at a typed path if they are imported already; see smd.data.folder.found."""
    _check_paths(request)
    return folder.found(request, until)


@guarded
def guessed_columns(request: Request, until: float) -> str:
    """What the columns of a typed table of labels seem to be; see smd.data.folder.guessed."""
    _check_paths(request)
    return folder.guessed(request, until)


def _check_paths(request: Request) -> None:
    login.check_path(request.path)
    if request.labels:
        login.check_path(request.labels)


@guarded
def import_images(progress: Progress, request: Request) -> str:
    """Import the images at a typed path in a process of its own; see smd.data.apart.load."""
    _check_paths(request)
    uploads.looked_at(request.path)
    return apart.load(
        progress,
        path=request.path,
        image_size=request.image_size,
        skip_broken=request.skip_broken,
        channels=request.channels,
        labels=request.labels,
        columns=request.columns,
        intensity=request.intensity,
        volumes=request.volumes,
        spacing=request.spacing,
    )


@guarded
def allow_uploads(session: str) -> None:
    """Let the page of that session upload own images; see smd.data.uploading.Incoming."""
    upload.allow(session, upload.Permit(_incoming, uploads.limit()))


def _incoming(sent: str) -> uploading.Incoming:
    uploads.sweep(_used())
    return uploading.Incoming(sent)


@guarded
def remove_upload(name: str) -> None:
    """Delete uploaded images that no run has its images from."""
    uploads.remove(name, _used())


def _used() -> set[str]:
    """The paths of all runs' own images."""
    found = set()
    for run in folders.all_runs():
        with suppress(UserError):  # broken, or of a newer version
            found.add(run.config.data_path)
    return found
