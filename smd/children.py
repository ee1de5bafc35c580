"""Processes of our own.

The same Python and the same package, whatever folder the caller stands in.
"""

import os
import site
import sys
from pathlib import Path

from smd import paths
from smd.paths import AROUND

FOLDER = "/"  # where they work: nothing there is imported by chance, and no disk is kept busy
PLACES = (
    "SMD_RUNS",
    "SMD_DATA",
    "SMD_NETS",
    "SMD_CACHE",
    "SMD_STATE",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
)


def command(module: str, *words: str) -> list[str]:
    """The command that runs a module of ours; -P, so that what lies in the working folder is not
    imported."""
    return [sys.executable, "-P", "-m", module, *words]


def environment() -> dict[str, str]:
    """This process's environment, in which relative places mean the same in another folder."""
    given = {name: str(paths.given(os.environ[name])) for name in PLACES if os.environ.get(name)}
    return {**os.environ, **given, **_path()}


def _path() -> dict[str, str]:
    given = [
        str(Path(each).absolute())
        for each in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if each
    ]
    installed = str(AROUND) in (*site.getsitepackages(), site.getusersitepackages())
    places = dict.fromkeys(given if installed else [str(AROUND), *given])
    return {"PYTHONPATH": os.pathsep.join(places)} if places else {}
