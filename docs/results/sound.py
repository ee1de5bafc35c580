"""What `attack --sound` spares: CE-PGD with three seeds on a run, the argument, each by itself and
with --sound, on copies of the run whose stores know of no attack.

A row a way of asking: image passes (forward and backward each count) and robust accuracies in %.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import duckdb
import torch
from torch import Tensor, nn

import smd
from smd.config.schema import AttackConfig
from smd.runs import folders
from smd.runs.folders import Run
from smd.store import reader
from smd.tasks.attack import attack_run

LEVELS = (8 / 255, 16 / 255, 32 / 255)
SEEDS = (0, 1, 2)
TABLES = ("attack", "attack_result", "attack_stage", "attack_doubt")


def copied(run: Run, into: Path) -> Run:
    """A copy whose store knows of no attack."""
    folder = Path(shutil.copytree(run.folder, into / run.id))
    with duckdb.connect(str(folder / "run.duckdb")) as store:
        for table in TABLES:
            store.execute(f"DELETE FROM {table}")
    return Run(run.id, folder)


def passes(run: Run, sound: bool) -> int:
    """Attack the run; returns how many images passed through the network, forward and backward."""
    counted = [0]
    kind = type(smd.load_run(run.folder).model())

    def backward(gradient: Tensor) -> None:
        counted[0] += len(gradient)

    def forward(network: nn.Module, _: object, logits: Tensor) -> None:
        if isinstance(network, kind):
            counted[0] += len(logits)
            if logits.requires_grad:
                logits.register_hook(backward)

    asked = AttackConfig(
        run.id, "ce-pgd", {"steps": 20}, levels=LEVELS, seeds=SEEDS, n=0, keep=0, sound=sound
    )
    hook = nn.modules.module.register_module_forward_hook(forward)
    job = folders.create_job(run, asked, claim=True)
    attack_run(job, job / "log.txt")
    hook.remove()
    return counted[0]


if __name__ == "__main__":
    torch.set_num_threads(1)
    for sound in (False, True):
        with tempfile.TemporaryDirectory() as place:
            run = copied(folders.find(sys.argv[1]), Path(place))
            print("--sound" if sound else "each by itself", passes(run, sound), sep=",", end="")
            rows = reader.attack_runs(run.store)
            for row in rows[rows["eps"] > 0].itertuples():
                ok = reader.attack_results(run.store, row.id)["ok"]
                print(f",{255 * row.eps:.0f}/255 seed {row.seed}: {100 * ok.mean():.2f}", end="")
            print(flush=True)
