"""Who does a job: this process, or a node of a cluster on its behalf."""

from pathlib import Path

from smd import devices, jobs, registry
from smd.jobs import kinds

HERE = ("import",)  # kinds that no cluster is asked for: they read files of this machine


def do(folder: Path, log: Path | None = None) -> None:
    """Do a queued job; errors and log: as of its task (smd.jobs.kinds)."""
    kind = kinds.of_folder(folder)
    given = devices.given()
    device = jobs.read(folder).device
    where = devices.device_of(given[0]) if given else device
    if devices.away(where) and kind.name not in HERE:
        registry.load("smd.cluster.head:do")(folder, log, where)
    else:
        registry.load(kind.task)(folder, log)
