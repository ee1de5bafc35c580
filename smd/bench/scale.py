"""One job in one and in several processes of this machine, each with one thread: time, and whether
both end the same."""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from smd import children
from smd.bench.part import Part, Row
from smd.errors import UserError
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader


@dataclass(frozen=True)
class Training:
    """SMD on the digits."""

    net: str
    images: int  # 0: all
    epochs: int  # the first is not timed


@dataclass(frozen=True)
class Case:
    """How much is done."""

    trainings: tuple[Training, ...]  # the first one's network is attacked, too
    n: int  # training digits that AutoAttack attacks: there are fewer of the others
    batch: int  # of them at a time
    repetitions: int
    processes: tuple[int, ...] = (1, 2)


# one network that computes little between two exchanges, and one that computes much
FULL = Case((Training("small-cnn", 0, 6), Training("wrn-28-4", 128, 3)), 400, 50, 3)
QUICK = Case((Training("small-cnn", 0, 2),), 2, 1, 1)
ATTACK = "AutoAttack on digits at 16/255, small-cnn"


@dataclass(frozen=True)
class Timed:
    """One job that was done."""

    seconds: float  # of its work: an epoch, or all stages
    whole: float  # of its command, from its start to its end
    # what is to be the same: margins and flags, or the stage that broke each image
    first: np.ndarray  # after the first epoch
    last: np.ndarray


def measure(quick: bool) -> Part:
    """A row for each job and number of processes, done in turn."""
    case, load = QUICK if quick else FULL, os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="smd-scale-") as place:
        env = {**children.environment(), "SMD_RUNS": place, "OMP_NUM_THREADS": "1"}
        known = os.environ.get("SMD_RUNS")
        os.environ["SMD_RUNS"] = place
        try:
            rows = _rows(case, env)
        finally:
            _put_back(known)
    note = (
        f"Medians of {case.repetitions} trainings, in turn, and one attack each; the machine had"
        f" {os.cpu_count()} cores and a load of {load:.1f} when it began. seconds are"
        " those of an epoch, or of all stages; command is from the start of the"
        " program to its end, with the start of the other processes."
        " efficiency is the time of one process by processes times that of several. equal counts"
        " training images with equal flags after the first epoch, or verdicts; farthest is the"
        " largest difference of their margins then, in 1/255. equal_last and farthest_last are"
        " those after the last epoch: what sums in another order change in the last bits grows"
        " with the steps."
    )
    return Part("scale", "One job in several processes of this machine", rows, note)


def _put_back(known: str | None) -> None:
    if known is None:
        del os.environ["SMD_RUNS"]
    else:
        os.environ["SMD_RUNS"] = known


def _rows(case: Case, env: dict[str, str]) -> list[Row]:
    first, *others = case.trainings
    rows = _trainings(first, case, env)
    attacked = {count: [_attacked(case, count, env)] for count in case.processes}
    rows += _table(ATTACK, attacked)  # once, as it takes minutes
    return [*rows, *(row for each in others for row in _trainings(each, case, env))]


def _trainings(what: Training, case: Case, env: dict[str, str]) -> list[Row]:
    done: dict[int, list[Timed]] = {count: [] for count in case.processes}
    for _ in range(case.repetitions):
        for count in case.processes:
            done[count].append(_trained(what, count, env))
    return _table(f"SMD, an epoch of {len(done[1][0].last)} digits, {what.net}", done)


def _table(what: str, done: dict[int, list[Timed]]) -> list[Row]:
    first = next(iter(done.values()))
    alone = median(one.seconds for one in first)
    rows: list[Row] = []
    for count, times in done.items():
        seconds = median(one.seconds for one in times)
        same, far = _compared(first[-1].first, times[-1].first)
        same_last, far_last = _compared(first[-1].last, times[-1].last)
        rows.append(
            {
                "what": what,
                "processes": count,
                "seconds": seconds,
                "command": median(one.whole for one in times),
                "images_per_s": len(times[-1].last) / seconds,
                "efficiency": alone / (count * seconds),
                "equal": same,
                "of": len(times[-1].last),
                "farthest": far,
                "equal_last": same_last,
                "farthest_last": far_last,
            }
        )
    return rows


def _compared(one: np.ndarray, other: np.ndarray) -> tuple[int, float]:
    """How many are the same, and how far numbers are apart: whole ones are verdicts."""
    if one.dtype.kind == "i":
        return int((one == other).sum()), 0.0
    return int((one[:, 1:] == other[:, 1:]).all(1).sum()), 255 * float(
        np.abs(one[:, 0] - other[:, 0]).max()
    )


def _trained(what: Training, count: int, env: dict[str, str]) -> Timed:
    words: list[object] = ["--net", what.net, "--n-train", what.images, "--epochs", what.epochs]
    whole = _timed(["train", *words, "--n-test", 20, "--n-margins", 0, *_where(count)], env)
    run = _last()
    found = reader.metrics(run.store)
    found = found[(found["split"] == "train") & (found["name"] == "seconds") & (found["epoch"] > 1)]
    first, last = (
        reader.margins(run.store, epoch)[["margin", "clean_ok", "adv_ok"]].to_numpy(float)
        for epoch in (1, what.epochs)
    )
    return Timed(float(found["value"].median()), whole, first, last)


def _attacked(case: Case, count: int, env: dict[str, str]) -> Timed:
    words: list[object] = ["--attack", "autoattack", "--eps", "16/255", "--split", "train"]
    words += ["--n", case.n, "--batch", case.batch]
    whole = _timed(["attack", "last", *words, *_where(count)], env)
    run = _last()
    done = reader.attack_runs(run.store)
    mine = done[(done["name"] == "autoattack") & (done["eps"] > 0)].iloc[-1]
    stages = reader.attack_results(run.store, mine["id"])["stage"].to_numpy(int)
    return Timed(float(mine["seconds"]), whole, stages, stages)


def _where(count: int) -> list[str]:
    return ["--device", "cpu", "--devices", str(count)]


def _last() -> Run:
    return folders.all_runs()[0]


def _timed(words: Sequence[object], env: dict[str, str]) -> float:
    """The seconds of a command of ours; raises UserError with its last line if it fails."""
    began = time.perf_counter()
    done = subprocess.run(
        children.command("smd", *map(str, words)),
        cwd=Path(children.FOLDER),
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise UserError((done.stderr.strip().splitlines() or ["It failed."])[-1])
    return time.perf_counter() - began
