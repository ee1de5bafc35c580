"""Whether torch can compute on a GPU that the driver shows.

It is asked once a boot, in a process of its own. So a GPU that is broken, a torch without CUDA or a
GPU in parts (MIG) costs a sentence, and not every job that comes to it.
"""

import importlib.metadata
import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from smd import children, devices
from smd.errors import UserError
from smd.files import durable, foreign
from smd.jobs.locks import own
from smd.jobs.processes import boot

AGAIN = 300.0  # seconds after which a device with a problem is asked again
PATIENCE = 120.0  # seconds in which one answers that can compute
LONGEST = 300  # characters of what CUDA says


def known(slot: str) -> str:
    """What keeps "auto" from a slot, in a sentence, as far as it was asked; "" else. Cheap."""
    note = _noted(slot)
    return "" if note is None else note


def problem(slot: str) -> str:
    """As `known`, but asks where nobody has; some seconds then."""
    if not slot.startswith("cuda"):
        return ""
    note = _noted(slot)
    if note is not None:
        return note
    found = _asked(slot)
    values = {**_here(), "problem": found, "when": time.time()}
    with suppress(OSError):  # then it is asked again
        durable.write(_place(slot), json.dumps(values))
    return found


def _place(slot: str) -> Path:
    return own(f"check-{devices.lock_name(slot)}.json")


def _noted(slot: str) -> str | None:
    """What was found in this boot with this torch; None: nothing, or too long ago."""
    if not slot.startswith("cuda"):
        return ""
    try:
        note = foreign.json_object(_place(slot), foreign.MEGABYTE)
    except (OSError, UserError):
        return None
    found, when = note.get("problem"), note.get("when")
    if not isinstance(found, str) or not isinstance(when, int | float):
        return None
    stale = bool(found) and abs(time.time() - when) > AGAIN
    return None if stale or any(note.get(k) != v for k, v in _here().items()) else found


def _here() -> dict[str, str]:
    here = {"boot": "", "torch": ""}
    with suppress(OSError, importlib.metadata.PackageNotFoundError):
        here["boot"] = boot()
        here["torch"] = importlib.metadata.version("torch")
    return here


def _asked(slot: str) -> str:
    try:
        done = subprocess.run(
            children.command("smd.jobs.device_check", slot),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            cwd=children.FOLDER,
            env=children.environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{slot} does not answer: see what nvidia-smi says of it."
    except OSError as error:
        return f"{slot} could not be asked: {error.strerror}."
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        return f"{slot} could not be tried: {last[:LONGEST]}"
    return done.stdout.strip()


def tried(device: str) -> str:
    """What torch says in this process where a GPU cannot be computed with; "" where it can."""
    import torch

    if not torch.backends.cuda.is_built():
        return "This torch was built without CUDA: install one with it to use the GPU."
    count, index = torch.cuda.device_count(), int(device.partition(":")[2] or 0)
    try:
        if 0 < count <= index:
            return (
                f"torch sees no {device}, only {count} of the GPUs: of one in parts (MIG) name the"
                " part in CUDA_VISIBLE_DEVICES."
            )
        torch.ones(8, device=device).sum().item()
    except torch.cuda.OutOfMemoryError:
        return ""  # others use it: a job that needs more than is free says so itself
    except (RuntimeError, AssertionError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return f"{device} cannot be used: {lines[0].rstrip('. ')[:LONGEST]}."
    return ""


if __name__ == "__main__":
    print(tried(sys.argv[1]))
