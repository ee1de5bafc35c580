"""A Ray cluster of two nodes on this machine against the machine itself: a sweep, AutoAttack."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from smd import children
from smd.bench.part import Part, Row
from smd.errors import UserError
from smd.paths import AROUND
from smd.runs.folders import Run
from smd.store import reader

NODE = {"num_cpus": 1, "object_store_memory": 10**8}
HERE, THERE = ("--device", "cpu"), ("--on", "ray")
EPS = "16/255"
TRAINED = 600  # images of a run


@dataclass(frozen=True)
class Sizes:
    """How much is done."""

    seeds: str  # of four defenses
    epochs: int
    images: int  # training digits that are attacked: there are fewer of the others
    batch: int


FULL = Sizes("0,1", 5, 400, 50)
QUICK = Sizes("0", 1, 12, 4)


def measure(quick: bool) -> Part:
    """Seconds of a sweep and of an attack, here and on the cluster, and whether verdicts agree."""
    sizes = QUICK if quick else FULL
    note = (
        "Each process has one thread; the cluster's two nodes share the machine's cores with its"
        " head, and start a process for each job. Seconds are from the command to its table."
    )
    with TemporaryDirectory() as folder:
        try:
            with _cluster(Path(folder)) as address:
                rows = [*_sweeps(sizes, Path(folder), address)]
                rows += [*_attacks(sizes, Path(folder), address)]
        except ImportError:
            return Part("cluster", "A Ray cluster", [], "Ray is missing: nothing was measured.")
    return Part("cluster", "Two nodes of Ray on this machine", rows, note)


@contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    from ray.cluster_utils import Cluster

    kept = dict(os.environ)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(AROUND), kept.get("PYTHONPATH", "")])
    os.environ |= {"SMD_CACHE": str(folder / "nodes"), "OMP_NUM_THREADS": "1"}
    cluster = Cluster(initialize_head=True, head_node_args=NODE | {"include_dashboard": False})
    try:
        cluster.add_node(**NODE)
        yield str(cluster.address)
    finally:
        cluster.shutdown()
        os.environ.clear()
        os.environ.update(kept)


def _sweeps(sizes: Sizes, folder: Path, address: str) -> Iterator[Row]:
    words = ["sweep", "--defenses", "smd,at,trades,std", "--seeds", sizes.seeds, "--wait"]
    words += ["--epochs", str(sizes.epochs), "--n-train", str(TRAINED), "--n-margins", "0"]
    for where, place in ((HERE, "here"), (THERE, "there")):
        took = _seconds([*words, *where], folder / place, address)
        count = len(list((folder / place).glob("*/model.safetensors")))
        yield _row(f"sweep of {count} runs", where, took, "")


def _attacks(sizes: Sizes, folder: Path, address: str) -> Iterator[Row]:
    run = next(
        Run(path.name, path) for path in sorted((folder / "here").iterdir()) if "-smd-" in path.name
    )
    words = ["attack", run.id, "--attack", "autoattack", "--eps", EPS, "--seeds", "0"]
    words += ["--split", "train", "--n", str(sizes.images), "--batch", str(sizes.batch)]
    what = f"AutoAttack of {sizes.images} images"
    known: list[list[object]] = []
    for where, more in ((HERE, ()), (THERE, ("--devices", "2"))):
        took = _seconds([*words, *where, *more], folder / "here", address)
        known.append(_verdicts(run))
        equal = "equal" if known[-1] == known[0] else "different"
        yield _row(what, where, took, equal if len(known) > 1 else "")


def _verdicts(run: Run) -> list[object]:
    """Of the run's newest attack at EPS."""
    attacks = reader.attack_runs(run.store)
    newest = attacks[(attacks["name"] == "autoattack") & (attacks["eps"] > 0)]["id"].iloc[-1]
    rows = reader.attack_results(run.store, newest)
    return [list(map(str, row)) for row in rows.itertuples(index=False)]


def _row(what: str, where: Sequence[str], took: float, verdicts: str) -> Row:
    return {"what": what, "where": " ".join(where), "seconds": took, "verdicts": verdicts}


def _seconds(words: Sequence[str], runs: Path, address: str) -> float:
    """Of a command of ours; raises UserError where it fails."""
    env = {**children.environment(), "SMD_RUNS": str(runs), "SMD_DEVICES": ""}
    env |= {"SMD_CLUSTER": address} if "ray" in words else {}
    env["SMD_CACHE"] = str(runs.parent / "head")
    began = time.perf_counter()
    done = subprocess.run(
        children.command("smd", *words), env=env, cwd=children.FOLDER, capture_output=True
    )
    if done.returncode:
        raise UserError(done.stderr.decode(errors="replace")[-300:])
    return time.perf_counter() - began
