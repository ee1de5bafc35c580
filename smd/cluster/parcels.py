"""The files of a job that travel between the head and a node, by their names in the run's folder.

Each is replaced as a whole. What arrives is read like any file from elsewhere: checkpoints are
never unpickled, and nothing is written outside of these names.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from smd.errors import UserError
from smd.evaluation import final_margins
from smd.files import durable, foreign
from smd.runs.folders import Run

LIMIT = 16 * 2**30  # bytes of a file
STATE = "judging.npz"  # in the folder of an attack: what is evaluated so far
EXAMPLES = re.compile(r"adv/[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.npz")


def _names(run: Run) -> tuple[str, ...]:
    """Of files in the run's folder itself that a job makes."""
    own = (run.checkpoint, run.weights, run.averaged_weights, run.card)
    return (*(path.name for path in own), final_margins.FILE)


def given(run: Run, folder: Path) -> dict[str, Path]:
    """What a node is given of a run, beside its store: name -> where it is here."""
    training = folder == run.folder
    wanted = [run.folder / "config.json", run.provenance, run.folder / final_margins.FILE]
    wanted += [run.checkpoint] if training else [run.weights, run.averaged_weights]
    wanted += [run.network] if run.network else []
    wanted += [] if training else [folder / "config.json", folder / STATE]
    return {str(path.relative_to(run.folder)): path for path in wanted if path.is_file()}


def read(path: Path) -> np.ndarray:
    """A file's bytes, uint8 (n,), which travel without a copy; errors as of foreign.opened."""
    return np.frombuffer(foreign.content(path, LIMIT), np.uint8)


def made(run: Run, folder: Path) -> Iterator[tuple[str, Path]]:
    """What a node's job has made so far: name, where it is."""
    paths = [run.folder / name for name in _names(run)]
    paths += [*sorted(run.adv.glob("*.npz"))] if run.adv.is_dir() else []
    paths += [folder / STATE] if folder != run.folder else []
    for path in paths:
        if path.is_file():
            yield str(path.relative_to(run.folder)), path


def keep(run: Run, folder: Path, name: str, content: object) -> None:
    """Write a file that a node's job has made; raises UserError where it is none of those."""
    state = str((folder / STATE).relative_to(run.folder)) if folder != run.folder else ""
    known = name in _names(run) or EXAMPLES.fullmatch(name) or (state and name == state)
    if not known or not isinstance(content, np.ndarray) or content.dtype != np.uint8:
        raise UserError(f"A node sent a file '{str(name)[:60]}', which no job makes.")
    path = run.folder / name
    foreign.refuse_link(path.parent)
    path.parent.mkdir(exist_ok=True)
    try:
        durable.write(path, content.tobytes())
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): free disk space.") from error
