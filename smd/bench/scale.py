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
class Case:
    """How much is done."""

    epochs: int  # of SMD on the digits; the first is not timed
    n: int  # digits that AutoAttack attacks
    batch: int  # of them at a time
    repetitions: int
    processes: tuple[int, ...] = (1, 2)


FULL, QUICK = Case(6, 400, 50, 3), Case(2, 2, 1, 1)
TRAIN, ATTACK = "SMD, an epoch of the digits", "AutoAttack on digits at 16/255"


@dataclass(frozen=True)
class Timed:
    """One job that was done."""

    seconds: float  # of its work: an epoch, or all stages
    whole: float  # of its command, from its start to its end
    result: np.ndarray  # what is to be the same: margins, or the stage that broke each image


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
        " training images with equal flags, or verdicts; farthest is the largest difference of"
        " their margins, in 1/255."
    )
    return Part("scale", "One job in several processes of this machine", rows, note)


def _put_back(known: str | None) -> None:
    if known is None:
        del os.environ["SMD_RUNS"]
    else:
        os.environ["SMD_RUNS"] = known


def _rows(case: Case, env: dict[str, str]) -> list[Row]:
    trained: dict[int, list[Timed]] = {count: [] for count in case.processes}
    attacked: dict[int, list[Timed]] = {count: [] for count in case.processes}
    for _ in range(case.repetitions):
        for count in case.processes:
            trained[count].append(_trained(case, count, env))
    for count in case.processes:  # once, as it takes minutes
        attacked[count].append(_attacked(case, count, env))
    return [*_table(TRAIN, trained), *_table(ATTACK, attacked)]


def _table(what: str, done: dict[int, list[Timed]]) -> list[Row]:
    first = next(iter(done.values()))
    alone = median(one.seconds for one in first)
    rows: list[Row] = []
    for count, times in done.items():
        seconds, result = median(one.seconds for one in times), times[-1].result
        same, far = _compared(first[-1].result, result)
        rows.append(
            {
                "what": what,
                "processes": count,
                "seconds": seconds,
                "command": median(one.whole for one in times),
                "images_per_s": len(result) / seconds,
                "efficiency": alone / (count * seconds),
                "equal": same,
                "of": len(result),
                "farthest": far,
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


def _trained(case: Case, count: int, env: dict[str, str]) -> Timed:
    words = ["--epochs", case.epochs, "--n-test", 20, "--n-margins", 0]
    whole = _timed(["train", *words, *_where(count)], env)
    run = _last()
    found = reader.metrics(run.store)
    found = found[(found["split"] == "train") & (found["name"] == "seconds") & (found["epoch"] > 1)]
    table = reader.margins(run.store, case.epochs)
    columns = ["margin", "clean_ok", "adv_ok"]
    return Timed(float(found["value"].median()), whole, table[columns].to_numpy(float))


def _attacked(case: Case, count: int, env: dict[str, str]) -> Timed:
    words = ["--attack", "autoattack", "--eps", "16/255", "--n", case.n, "--batch", case.batch]
    whole = _timed(["attack", "last", *words, *_where(count)], env)
    run = _last()
    done = reader.attack_runs(run.store)
    mine = done[(done["name"] == "autoattack") & (done["eps"] > 0)].iloc[-1]
    stages = reader.attack_results(run.store, mine["id"])["stage"].to_numpy(int)
    return Timed(float(mine["seconds"]), whole, stages)


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
