"""Nodes of a Slurm cluster (extra `slurm`): a batch job for each job, by submitit.

The folder of runs and this installation are on a disk that the nodes share. SMD_SLURM has what
sbatch is asked for, as submitit names it: partition=gpu,gpus_per_node=1,time=600.
"""

import os
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from smd.cluster.by_files import FileHand, refuse_others, serve
from smd.cluster.hands import ONE, Wanted
from smd.errors import UserError
from smd.files import leftovers
from smd.paths import runs_root

SETTING = "SMD_SLURM"
LOCAL = "local"  # instead of settings: processes of this machine, to try it
MISSING = "Jobs on a Slurm cluster need submitit: pip install smd-studio[slurm]."
LOOK = 2.0  # seconds between two looks at whether a node is there by now
THERE = ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED")  # of squeue
USUAL: Mapping[str, str | int] = {"cpus_per_task": 1, "time": 24 * 60}  # minutes


@contextmanager
def hired(alive: Callable[[], None], wanted: Wanted = ONE) -> Iterator[FileHand]:
    """See smd.cluster.hands.Hire; a node of Slurm has no helpers."""
    if wanted.helpers:
        raise UserError("A job on Slurm has one node: leave --devices out.")
    asked = settings()
    folder = _place()
    job = None
    try:
        job = _submitted(folder, asked)
        hand = FileHand(folder, _device(asked), lambda: _gone(job))
        while not (folder / "alive").exists():
            alive()
            if why := _gone(job):
                raise UserError(f"Slurm did not start it ({why}): see {folder.parent}.")
            os.utime(folder)  # as long as it waits, it is nothing that was left
            time.sleep(LOOK)
        yield hand
    finally:
        if job is not None:
            with suppress(Exception):
                job.cancel()
        shutil.rmtree(folder, ignore_errors=True)


def settings() -> dict[str, str | int]:
    """What sbatch is asked for: SMD_SLURM and what is usual; raises UserError where that is no list
    of names with values."""
    asked, given = dict(USUAL), os.environ.get(SETTING, "").strip()
    words = [] if given == LOCAL else given.split(",")
    for word in filter(None, map(str.strip, words)):
        name, is_one, value = word.partition("=")
        if not is_one or not name.isidentifier() or not value:
            raise UserError(
                f"{SETTING} has '{word[:60]}': write names with values, such as"
                " partition=gpu,gpus_per_node=1,time=600 (minutes)."
            )
        asked[name] = int(value) if value.isdecimal() else value
    return asked


def _device(asked: Mapping[str, object]) -> str:
    return "cuda:0" if any(name.startswith(("gpus", "gres")) for name in asked) else "cpu"


def _place() -> Path:
    """A folder for calls and answers, of this user alone, that nodes see, too."""
    runs_root().mkdir(parents=True, exist_ok=True)
    mode = runs_root().stat().st_mode
    if mode & 0o022 and not mode & stat.S_ISVTX:
        raise UserError(
            f"Others may write to {runs_root()}, and could have your batch jobs run what they like:"
            " set SMD_RUNS to a folder that only you can write to."
        )
    root = runs_root() / f".nodes-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    refuse_others(root)
    leftovers.sweep_trash(root)
    folder = root / f".trash-{secrets.token_hex(8)}"  # what a killed head leaves goes after a day
    folder.mkdir(mode=0o700)
    return folder


def _submitted(folder: Path, asked: Mapping[str, str | int]) -> Any:
    try:
        import submitit
    except ImportError:
        raise UserError(MISSING) from None
    local = os.environ.get(SETTING, "").strip() == LOCAL
    if not local and not shutil.which("sbatch"):
        raise UserError("There is no sbatch here: submit from a machine of the Slurm cluster.")
    logs = folder.parent / "logs"
    executor = submitit.AutoExecutor(logs, cluster=LOCAL if local else "slurm")
    if not local:
        executor.update_parameters(
            slurm_job_name="smd",
            slurm_additional_parameters={"no_requeue": True},  # the head submits it again itself
            **{f"slurm_{name}": value for name, value in asked.items()},
        )
    try:
        return executor.submit(_node, str(folder))
    except Exception as error:  # submitit has errors of its own, of what sbatch said
        line = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise UserError(f"sbatch refused the job ({line[:200]}): see {SETTING}.") from None


def _node(folder: str) -> None:
    """What the batch job runs."""
    from smd.cluster.node import Node

    serve(Path(folder), Node())


def _gone(job: Any) -> str:
    """Why a batch job is no more, in words; ""."""
    if type(job).__name__ != "SlurmJob":
        return "its process has ended" if job.done() else ""
    words = ["squeue", "--noheader", "--jobs", job.job_id, "--format", "%T"]
    with suppress(OSError, subprocess.SubprocessError):  # a controller that is busy is asked again
        said = subprocess.run(words, capture_output=True, timeout=30, check=False)
        state = said.stdout.decode(errors="replace").strip()
        unknown = b"Invalid job id" in said.stderr
        if unknown or (said.returncode == 0 and state not in THERE):
            return f"job {job.job_id} is {state.lower() or 'over'}"
    return ""
