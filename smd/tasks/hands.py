"""Several processes for one job: where they work, and what each of them opens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch

from smd import devices, jobs, several
from smd.crew import Orders
from smd.dealing.dealer import Work, dealt, serve
from smd.dealing.portions import Portion, Team, here
from smd.devices import resolve_device
from smd.nets.modes import frozen
from smd.runs.folders import Run
from smd.several import Need

# (what is opened, alive as of `helped`) -> nodes that do a job's batches (smd.cluster)
LENT: ContextVar[Callable[[Work, Callable[[], None]], Team] | None] = ContextVar(
    "lent", default=None
)


def need_of(folder: Path, device: torch.device) -> Need:
    """How many processes a job on that device has this time, at the slots that it was given."""
    given = devices.given() or (str(device),)
    if device.type != "cpu":
        return Need(given, len(given), len(given))
    return Need(given, len(given), several.need(jobs.read(folder).devices, given).processes)


def places(need: Need, device: torch.device) -> list[str]:
    """The device of each process, the job's own first; on the CPU all have the same one."""
    if need.processes == 1 or device.type == "cpu":
        return [str(device)] * need.processes
    return [devices.device_of(slot) for slot in need.slots]


@contextmanager
def helped(
    folder: Path,
    run: Run,
    split: str,
    weights: str,
    device: torch.device,
    alive: Callable[[], None],
) -> Iterator[Team | None]:
    """Whoever does a job's batches, for the length of the body; None: the job has one process.

    alive: called while it waits for others; what it raises is raised.
    """
    if lent := LENT.get():
        yield lent(Work(run.id, split, weights, ""), alive)
        return
    need = need_of(folder, device)
    if need.processes == 1:
        yield None
        return
    works = [Work(str(run.folder), split, weights, place) for place in places(need, device)]
    with dealt(works, need, alive) as dealer:
        yield dealer


def work(file: int) -> None:
    """Be a hand that does portions; file: its channel to the job's process. Does not return."""
    serve(Orders(file), opened)


def opened(asked: Work) -> Callable[[Portion[Any]], Any]:
    """The network and the images of a run, and who does portions on them."""
    from smd.tasks.opening import network_and_images

    device = resolve_device(asked.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    folder = Path(asked.run)
    model, rows = network_and_images(Run(folder.name, folder), asked.split, device, asked.weights)
    deal = here(model, rows)

    def do(portion: Portion[Any]) -> Any:
        with frozen(model):
            return next(deal([portion]))

    return do
