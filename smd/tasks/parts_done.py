"""How far a job is whose work falls into parts of equal size: estimates of margins, levels of
scores."""

from dataclasses import dataclass
from typing import Any

from smd.jobs.session import Cancelled
from smd.tasks.opening import Opened
from smd.terminal.progress import Eta


@dataclass(frozen=True)
class Place:
    """Where a part stands among those of its job."""

    before: int  # images done before its first
    total: int  # of all parts
    title: str


def report(work: Opened[Any], place: Place, eta: Eta, done: int) -> None:
    """After a batch: how far the job is; raises Cancelled if it was asked to stop.

    done: images of this part.
    """
    at = place.before + done
    left = eta.left(at / place.total)
    work.session.report(batch=at, eta=left)
    work.progress.show(at / place.total, place.title, left)
    if work.session.stopping and at < place.total:
        raise Cancelled("It was cancelled.")
