"""What AutoAttack's judging costs: three levels with three seeds, as the paper does it, asked three
ways on copies of a run whose stores know of no attack.

"asked each time" is pyautoattack's own attacks, FAB once for all seeds; "by itself" is the default;
the last is --sound. A row a way: CPU seconds in one thread, passes of images forward and backward,
and on how many images of all levels and seeds class and stage are those of the first way.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import torch
from torch import Tensor, nn

import smd
from docs.results.sound import copied
from smd.attacks import autoattack, square
from smd.config.schema import AttackConfig
from smd.evaluation.prior_verdicts import Nearest
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader
from smd.tasks.attack import attack_run

WAYS = ("asked each time", "by itself", "--sound")


@dataclass
class Cost:
    """What judging has taken."""

    seconds: float = 0.0  # of the CPU
    forward: int = 0  # images
    backward: int = 0


@contextmanager
def each_time() -> Iterator[None]:
    """Within, every question goes to the network, as pyautoattack asks it."""

    def fab(attack: Any, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return attack.perturb(x.clone(), y.clone()), torch.full((len(x),), torch.nan)

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(square, "apart", lambda *_: False))
        patches.enter_context(mock.patch.object(autoattack, "fab", fab))
        patches.enter_context(mock.patch.object(Nearest, "at", lambda *_: {}))
        yield


@contextmanager
def counting(kind: type[nn.Module]) -> Iterator[Cost]:
    """Within, passes of networks of that kind are counted, and CPU time is taken."""
    cost = Cost()

    def backward(gradient: Tensor) -> None:
        cost.backward += len(gradient)

    def forward(network: nn.Module, _: object, logits: Tensor) -> None:
        if isinstance(network, kind):
            cost.forward += len(logits)
            if logits.requires_grad:
                logits.register_hook(backward)

    hook = nn.modules.module.register_module_forward_hook(forward)
    began = time.process_time()
    yield cost
    cost.seconds = time.process_time() - began
    hook.remove()


def judged(run: Run, asked: AttackConfig, way: str) -> tuple[Cost, pd.DataFrame]:
    """Attack the run; what it took, and the verdicts in the order of levels and seeds."""
    with ExitStack() as within:
        if way == WAYS[0]:
            within.enter_context(each_time())
        cost = within.enter_context(counting(type(smd.load_run(run.folder).model())))
        job = folders.create_job(run, asked, claim=True)
        attack_run(job, job / "log.txt")
    rows = reader.attack_runs(run.store)
    rows = rows[(rows["job"] == job.name) & (rows["eps"] > 0)].sort_values(["eps", "seed"])
    tables = [reader.attack_results(run.store, each) for each in rows["id"]]
    return cost, pd.concat(tables, ignore_index=True)


def parser() -> argparse.ArgumentParser:
    """The options."""
    top = argparse.ArgumentParser(description=__doc__)
    top.add_argument("runs", nargs="+")
    top.add_argument("--n", type=int, default=64)
    top.add_argument("--batch", type=int, default=64)
    top.add_argument("--seeds", type=int, default=3)
    top.add_argument("--levels", default="8,16,32", help="of 255")
    return top


def rows(name: str, n: int, batch: int, seeds: int, levels: str) -> Iterator[list[object]]:
    """A row for each way of asking about a run."""
    given = tuple(float(level) / 255 for level in levels.split(","))
    first: tuple[Cost, pd.DataFrame] | None = None
    for way in WAYS:
        with tempfile.TemporaryDirectory() as place:
            run = copied(folders.find(name), Path(place))
            asked = AttackConfig(run.id, "autoattack", levels=given, n=n, batch=batch)
            asked = replace(asked, seeds=tuple(range(seeds)), keep=0, sound=way == WAYS[2])
            cost, table = judged(run, asked, way)
        first = first or (cost, table)
        same: list[object] = [int((table[of] == first[1][of]).sum()) for of in ("ok", "stage")]
        if asked.sound:
            same[1] = ""  # its first stage is what it takes over
        robust, ratio = 100 * table["ok"].mean(), first[0].seconds / cost.seconds
        seconds = [f"{cost.seconds:.1f}", f"{ratio:.2f}"]
        passes = [cost.forward, cost.backward]
        yield [name, way, *seconds, *passes, f"{robust:.2f}", *same, len(table)]


if __name__ == "__main__":
    torch.set_num_threads(1)
    args = vars(parser().parse_args())
    print("run,way,CPU seconds,ratio,forward,backward,robust in %,same verdict,same stage,of")
    for each in args.pop("runs"):
        for row in rows(each, **args):
            print(*row, sep=",", flush=True)
