"""Where a result comes from: the code, the packages and the machine behind a run."""

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from smd.errors import UserError
from smd.files import foreign
from smd.paths import CHECKOUT

PACKAGES = ("torch", "torchvision", "duckdb", "numpy")


def provenance() -> dict[str, Any]:
    """JSON values: commit and dirty (None without git), package versions, Python, host, processor,
    command line."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "dirty": None if changes is None else bool(changes),
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "host": platform.node(),
        "processor": _processor(),
        "command": sys.argv,
    }


def read(path: Path) -> dict[str, Any]:
    """What a run's file says, see `provenance`; what is missing, or of another type, is left out.

    Raises UserError where the file is missing or broken.
    """
    try:
        values = foreign.json_object(path, foreign.MEGABYTE)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: what the run was started with is not known.") from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): check who may read it."
        ) from None
    kinds: dict[str, type] = dict.fromkeys(("commit", "python", "host", "processor"), str)
    kinds |= {"dirty": bool, "packages": dict, "command": list}
    facts: dict[str, Any] = {
        k: v for k, v in values.items() if k in kinds and isinstance(v, kinds[k])
    }
    if "packages" in facts:
        facts["packages"] = {k: v for k, v in facts["packages"].items() if isinstance(v, str)}
    return {"commit": None, "dirty": None, **facts}


def _processor() -> str:
    """The processor's name; Linux keeps it where platform does not look."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _git(*words: str) -> str | None:
    if CHECKOUT is None:  # the repository around an environment is somebody else's
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(CHECKOUT), *words],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
