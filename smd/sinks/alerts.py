"""Alerts by e-mail, chat or webhook when a job has ended, through apprise.

A message names the run, the kind of job and how it ended; no path, no file name, no number of a
patient's images.
"""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

from smd import jobs, registry
from smd.errors import UserError
from smd.jobs import kinds
from smd.jobs.alerting import VARIABLE
from smd.runs.folders import Run
from smd.terminal.progress import duration

PACKAGE = "apprise"
PATIENCE = 60  # seconds that the sending of an alert may take
NOBODY = (
    f"{VARIABLE} names nobody: set it to addresses of apprise, such as"
    " mailtos://NAME:PASSWORD@example.org or jsons://example.org/hook, with spaces between."
)


def send(title: str, body: str) -> int:
    """Tell everybody in SMD_ALERTS; returns how many took it. Raises UserError where an address
    cannot be read or somebody did not take it, after the others were told; it repeats no address,
    as they hold passwords."""
    addresses = os.environ.get(VARIABLE, "").split()
    if not addresses:
        raise UserError(NOBODY)
    if find_spec(PACKAGE) is None:
        raise UserError(f"{VARIABLE} needs apprise: pip install 'smd-studio[alerts]'.")
    import apprise

    failed = []
    for number, address in enumerate(addresses, 1):
        service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
        if service is None:
            failed.append(f"address {number} of {VARIABLE} is none that apprise knows")
        elif not _taken(service, title, body):
            failed.append(f"address {number} ({service.service_name}) did not take it")
    if failed:
        raise UserError("; ".join(failed) + ".")
    return len(addresses)


def _taken(service: object, title: str, body: str) -> bool:
    """Whether the service took it; whatever a plug-in raises is a no."""
    try:
        return bool(service.notify(title=title, body=body))  # type: ignore[attr-defined]
    except UserError:  # the time is over
        raise
    except Exception:
        return False


def message(folder: Path) -> tuple[str, str]:
    """Title and text about the job in that folder, which has ended."""
    status = jobs.read(folder)
    run = folder.parent.parent if kinds.of_folder(folder).folder else folder
    config = Run(run.name, run).config
    known = registry.KNOWN_DEFENSES.get(config.defense)
    what = kinds.KINDS[status.kind].noun
    spent = status.ended - status.started if status.started and status.ended else 0.0
    after = f" after {duration(spent)}" if spent > 0 else ""
    why = "; its log says why" if status.state == "failed" else ""
    return (
        f"SMD Studio: {what} {status.state}",
        f"{known.title if known else config.defense}, run {run.name}: {what} {status.state}"
        f"{after}{why}.",
    )


def _too_long(*_: object) -> None:
    raise UserError(f"it took longer than {PATIENCE} s.")


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(PATIENCE)
    try:
        send(*message(Path(sys.argv[1])))
    except UserError as error:
        sys.exit(f"The alert was not sent: {error}")
