"""`reproduce`: make one of the paper's tables again and lay it beside the paper's."""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from smd import export
from smd.cli import flags
from smd.cli.table import FORMATS, as_text, print_table
from smd.config.parsing import numbers
from smd.errors import UserError
from smd.experiments import paired, reproduce, sweep
from smd.experiments.reproduce import BUDGETS, Budget, Table
from smd.export import defense_title
from smd.jobs import Status, launch, overview
from smd.paths import runs_root
from smd.runs.folders import Run
from smd.runs.provenance import provenance
from smd.store import reader
from smd.terminal.progress import duration
from smd.terminal.streams import tell
from smd.units import show_level

ABOUT = (
    "Train a table's defenses, attack them as the paper does and print its rows beside ours."
    " Started again it goes on: nothing is trained or attacked twice."
)
# numbers that take the place of the budget's
INSTEAD = {
    "--epochs": "",
    "--n-train": "training images, ",
    "--n-test": "test images to attack, ",
}
BUDGET = (
    "full: as the paper. first: its STD, SMD, AT8 and TR-b6-8 alone. cpu: a row of each kind, 30"
    " epochs on 10000 images, 500 attacked with one seed. quick: shows that it works (full)"
)
Layout = Callable[[pd.DataFrame], pd.DataFrame]
EVERY = 60.0  # seconds between two lines about a job


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `reproduce`."""
    sub = commands.add_parser(
        "reproduce",
        help="make one of the paper's tables again",
        description=ABOUT,
    )
    sub.add_argument("table", help="table2b, table1a, ..., as the paper counts them")
    sub.add_argument(
        "--budget",
        default="full",
        choices=BUDGETS,
        help=BUDGET,
    )
    sub.add_argument(
        "--rows", default="", help="only these, as the table calls them: std,smd,at8 (the budget's)"
    )
    sub.add_argument("--seeds", default="0", help="of the trainings, like 0,1,2 (0)")
    for flag, what in INSTEAD.items():
        sub.add_argument(flag, type=int, help=f"{what}instead of the budget's")
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (auto)")
    sub.add_argument("--devices", default="", help="of each job, as of train (one)")
    sub.add_argument(
        "--estimate", action="store_true", help="only say how long the trainings would take here"
    )
    sub.add_argument(
        "--out",
        type=flags.place,
        help="folder of the results (results/<table> in the folder of the runs)",
    )
    sub.add_argument(
        "--format", choices=FORMATS, default="text", help="of the printed table (text)"
    )
    sub.set_defaults(run_command=run)


def table_from(args: argparse.Namespace) -> Table:
    """The table that the options describe; raises UserError with every reason why it could not be
    made."""
    own = {"epochs": args.epochs, "n_train": args.n_train, "n_test": args.n_test}
    budget: Budget = replace(
        BUDGETS[args.budget], **{name: value for name, value in own.items() if value is not None}
    )
    if args.rows:
        budget = replace(
            budget, rows=tuple(word.strip() for word in args.rows.split(",") if word.strip())
        )
    table = reproduce.plan(args.table, budget, numbers(args.seeds), args.device, args.devices)
    if refusals := sweep.refusals(table.configs):
        raise UserError(" ".join(refusals))
    return table


def run(args: argparse.Namespace) -> None:
    """Train, attack, print, write; raises UserError in the end with those that failed."""
    table = table_from(args)
    if args.estimate:
        estimate(table)
        return
    out = args.out or runs_root() / "results" / f"table{table.name}"
    _prepare(out)
    try:
        done, failed = make(table)
    except KeyboardInterrupt:
        raise UserError(
            "No longer watching: the jobs go on in the background, the same command goes on too."
        ) from None
    shown, bold = beside(table, done)
    print_table(shown, args.format, bold)
    write(out, table, done, failed)
    tell(f"Results are in {out}.")
    if failed:
        raise UserError(
            f"{len(failed)} of {len(table.configs)} rows are missing: {' '.join(failed)}"
        )


def _prepare(out: Path) -> None:
    """Make the folder of the results before days of work are spent on them."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from None


def estimate(table: Table) -> None:
    """How long each training would take, from a few steps of it."""
    from smd.tasks.probe import probe

    total, busy = 0.0, False
    for config in table.configs:
        times = probe(config)
        total, busy = total + times["seconds"], busy or times["busy"]
        print(
            f"{defense_title(config)}, seed {config.seed}: {duration(times['seconds'])} on"
            f" {times['device']}"
        )
    if busy:
        tell("Another job used the device meanwhile, so this is too long.")
    count = len(table.configs)
    first = table.configs[0]
    side = min(count, overview.at_once(first.device, first.devices))
    how = f"{side} at a time" if side > 1 else "one after the other"
    print(
        f"About {duration(total / side)} for all {count} trainings, {how}; the attacks come on top."
    )


def make(table: Table) -> tuple[list[Run], list[str]]:
    """See to all trainings and attacks and wait for them: the runs that have both, and why the
    others have not."""
    launch.wake_all()  # what was queued before a restart of the machine
    attacked, done, failed = [], [], []
    for member in sweep.start(table.configs):
        name = f"{defense_title(member.config)}, seed {member.config.seed}"
        if member.run is None:
            failed.append(f"{name}: {member.reason}")
            continue
        _say(f"{name}: training, {member.act}, {member.run.id}")
        status = _watch(name, member.run.folder)
        if status.state != "finished":
            failed.append(f"{name} is {status.state}: {status.error}")
            continue
        try:  # its attack waits in the queue while the next one is trained
            attacked.append(
                (name, member.run, reproduce.attacked(member.run, table.attack_on(member.run)))
            )
        except UserError as error:
            failed.append(f"{name} could not be attacked: {error}")
    for name, each, folder in attacked:
        _say(f"{name}: {export.attack_title(table.attack)}, {folder.name}")
        status = _watch(name, folder)
        if status.state == "finished":
            done.append(each)
        else:
            failed.append(f"the attack on {name} is {status.state}: {status.error}")
    return done, failed


def _watch(name: str, folder: Path) -> Status:
    """Wait until a job is over, saying now and then how it stands."""
    while (status := launch.wait(folder, EVERY)).state in ("queued", "running"):
        _say(f"{name}: {_standing(status)}")
        launch.wake_all()  # a queue whose worker was killed would stand still
    return status


def _standing(status: Status) -> str:
    if status.state == "queued":
        return "waits for its turn"
    epochs = f", {status.done} of {status.total} epochs" if status.total else ""
    left = f", {duration(status.eta)} left" if status.eta >= 0 else ""
    return (status.stage or "starting") + epochs + left


def _say(text: str) -> None:
    tell(f"{time.strftime('%H:%M:%S')} {text}")


def beside(
    table: Table, done: list[Run], layout: Layout = export.wide
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Our rows beside the paper's, concise, and what is bold in them."""
    shown, bold = reproduce.beside_the_papers(table, done, layout)
    shown = export.concise(shown)
    return shown, bold[shown.columns]


def write(out: Path, table: Table, done: list[Run], failed: Sequence[str] = ()) -> None:
    """What was made, SMD held against the rest, with what, how long it took, and what is missing:
    table.md (with intervals), table.csv, paired.md, paired.csv and about.json."""
    out.mkdir(parents=True, exist_ok=True)
    shown, bold = beside(table, done, export.interval_table)
    text = as_text(shown, "markdown", bold, reproduce.told(table, failed))
    (out / "table.md").write_text(text, encoding="utf-8")
    (out / "table.csv").write_text(export.to_csv(beside(table, done)[0]), encoding="utf-8")
    rows = paired.against(table, done)
    (out / "paired.md").write_text(
        as_text(paired.printed(rows), "markdown", told=paired.told(rows)), encoding="utf-8"
    )
    (out / "paired.csv").write_text(export.to_csv(rows), encoding="utf-8")
    about = {
        **provenance(),
        **_hardware(),
        "table": table.name,
        "missing": [*failed],
        "runs": [_about(table, run) for run in done],
    }
    (out / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _hardware() -> dict[str, Any]:
    import torch

    gpus = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
    return {"cores": os.cpu_count(), "gpus": gpus, "cuda": torch.version.cuda}


def _about(table: Table, run: Run) -> dict[str, Any]:
    """A run and its attack; seconds are those of steps and of judging, whatever else its job waited
    for or loaded."""
    config, metrics, attack = run.config, reader.metrics(run.store), table.attack_on(run)
    folder = reproduce.attack_of(run, attack)
    attacks = reader.attack_runs(run.store)
    attacks = attacks[attacks["job"] == (folder.name if folder else "")]
    steps = metrics[(metrics["split"] == "train") & (metrics["name"] == "seconds")]
    spent = attacks.groupby("eps")["seconds"].sum()
    return {
        "run": run.id,
        "commit": run.about["commit"],
        "dirty": run.about["dirty"],
        "command": run.about.get("command", []),
        "defense": defense_title(config),
        "seed": config.seed,
        "epochs": config.epochs,
        "n_train": config.n_train,
        "net": config.net,
        "recipe": config.recipe,
        "batch": config.batch,
        "device": reader.meta(run.store).get("device", ""),
        "training_s": round(float(steps["value"].sum()), 3),
        "attack": attack.attack,
        "attack_by": sorted(
            {" ".join(by) for by in zip(attacks["package"], attacks["version"], strict=True)}
        ),
        "attack_seeds": list(attack.seeds),
        "n_test": int(attacks["n"].max()),
        "attack_s": {
            show_level(eps): round(float(seconds), 3)
            for eps, seconds in zip(spent.index.tolist(), spent, strict=True)
        },
    }
