"""A kind of job is its entry and its task: a toy one is created, listed, run, and dismissed."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import pytest

from smd import __main__ as cli
from smd import jobs
from smd.cli import flags, on_runs
from smd.config import commands, validation
from smd.config.options import option
from smd.errors import UserError
from smd.jobs import kinds, launch, worker
from smd.jobs.kinds import JobKind
from smd.jobs.session import session
from smd.runs import folders
from smd.runs.job_titles import job_title
from tests.jobs.jobbing import new_run, runs_folder, state

pytestmark = pytest.mark.usefixtures(runs_folder.__name__)


@dataclass(frozen=True)
class ToastConfig:
    """One toasting of a run."""

    run: str
    minutes: int = option(2, "({default})", title="Minutes", minimum=1, always=True)
    device: str = option("cpu", "where ({default})")


def toast(folder: Path, log: Path | None = None) -> None:
    """Toast the queued run."""
    with session(folder, "cpu"):
        (folder / "toast").write_text("brown")


def title(config: ToastConfig) -> str:
    """What it is to do."""
    return f"toast of {config.minutes} minutes"


TOAST = JobKind(
    name="toast",
    verb="toast",
    act="toast",
    noun="toast",
    plural="toasts",
    folder="toasts",
    config=ToastConfig,
    validate=validation.of_fields,
    command=lambda config: " ".join(["smd toast", config.run, *commands.words(config)]),
    task=f"{__name__}:{toast.__name__}",
    title=f"{__name__}:{title.__name__}",
    word=lambda config: "toast",
)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry, and no workers."""
    monkeypatch.setitem(kinds.KINDS, "toast", TOAST)
    monkeypatch.setattr(launch, "submit", lambda folder: None)


def test_it_is_created_listed_and_commanded(capsys: pytest.CaptureFixture[str]) -> None:
    run = folders.find(new_run().name)
    with pytest.raises(UserError, match='"Minutes" is 0: it must be at least 1'):
        folders.create_job(run, ToastConfig(run.id, 0))
    folder = folders.create_job(run, ToastConfig(run.id, 3))
    assert folders.jobs_of(run) == folders.jobs_of(run, "toast") == [folder]
    assert (jobs.read(folder).kind, job_title(folder)) == ("toast", "toast of 3 minutes")
    assert worker.job_command(folder)[-3:] == ["toast", "--job", f"{run.id}/{folder.name}"]
    assert folder in [waiting for waiting, _ in worker.queued()]
    assert cli.main(["runs"]) == 0
    assert "toast of 3 minutes" in capsys.readouterr().out


def test_it_is_cancelled_resumed_and_dismissed() -> None:
    run = folders.find(new_run().name)
    folder = folders.create_job(run, ToastConfig(run.id))
    launch.cancel(folder)
    assert state(folder) == "cancelled"
    launch.resume(folder)
    assert state(folder) == "queued"
    launch.cancel(folder)
    folders.dismiss(folder)
    assert folders.jobs_of(run) == []


def test_its_command_does_it_here_and_in_the_background(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, shown = folders.find(new_run().name), []

    def described(args: argparse.Namespace, run: folders.Run) -> ToastConfig:
        return ToastConfig(run.id, **flags.values(ToastConfig, vars(args)))

    sub = argparse.ArgumentParser()
    on_runs.options(sub, TOAST)
    flags.add(sub, ToastConfig)
    act = on_runs.runner(TOAST, described, lambda done, form: shown.extend(done))
    act(sub.parse_args([run.id, "--minutes", "4"]))
    ((_, folder),) = shown
    assert (state(folder), (folder / "toast").read_text()) == ("finished", "brown")
    act(sub.parse_args([run.id, "--background"]))
    name = capsys.readouterr().out.strip()
    assert state(folders.find_job(name)) == "queued"
    act(sub.parse_args(["--job", name]))
    with pytest.raises(UserError, match="Name the runs to toast"):
        act(sub.parse_args([]))
    assert state(folders.find_job(name)) == "finished"
