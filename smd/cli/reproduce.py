"""`reproduce`: make one of the paper's tables again and lay it beside the paper's."""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from smd import export, jobs, reproduce, sweep
from smd.cli.attack import numbers
from smd.cli.sweep import FOREVER
from smd.cli.table import FORMATS, print_table
from smd.errors import UserError
from smd.export import defense_title
from smd.jobs import launch
from smd.paths import runs_root
from smd.progress import duration
from smd.provenance import provenance
from smd.reproduce import BUDGETS, Budget, Table
from smd.runs import Run
from smd.store import reader


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `reproduce`."""
    sub = commands.add_parser(
        "reproduce",
        help="make one of the paper's tables again",
        description="Train a table's defenses, attack them as the paper does and print its rows beside ours. "
        "Started again it goes on: nothing is trained or attacked twice.",
    )
    sub.add_argument("table", help=", ".join(f"table{name}" for name in reproduce.names()))
    sub.add_argument(
        "--budget", default="full", choices=BUDGETS,
        help="full: as the paper. first: its STD, SMD, AT8 and TR-b6-8 alone. quick: shows that it works (full)",
    )  # fmt: skip
    sub.add_argument("--rows", default="", help="only these, as the table calls them: STD,SMD,AT8* (the budget's)")
    sub.add_argument("--seeds", default="0", help="of the trainings, like 0,1,2 (0)")
    sub.add_argument("--epochs", type=int, help="instead of the budget's")
    sub.add_argument("--n-train", type=int, help="training images, instead of the budget's")
    sub.add_argument("--n-test", type=int, help="test images to attack, instead of the budget's")
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (auto)")
    sub.add_argument("--estimate", action="store_true", help="only say how long the trainings would take here")
    sub.add_argument("--out", type=Path, help="folder of the results (results/<table> in the folder of the runs)")
    sub.add_argument("--format", choices=FORMATS, default="text", help="of the printed table (text)")
    sub.set_defaults(run_command=run)


def table_from(args: argparse.Namespace) -> Table:
    """The table that the options describe; raises UserError with every reason why it could not be made."""
    own = {"epochs": args.epochs, "n_train": args.n_train, "n_test": args.n_test}
    budget: Budget = replace(BUDGETS[args.budget], **{name: value for name, value in own.items() if value is not None})
    if args.rows:
        budget = replace(budget, rows=tuple(word.strip() for word in args.rows.split(",") if word.strip()))
    table = reproduce.plan(args.table, budget, numbers(args.seeds), args.device)
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
    done, failed = make(table)
    found = reproduce.beside_the_papers(table, done)
    print_table(export.concise(found), args.format)
    write(out, table, done)
    print(f"Results are in {out}.", file=sys.stderr)
    if failed:
        raise UserError(f"{len(failed)} of {len(table.configs)} rows are missing: {' '.join(failed)}")


def estimate(table: Table) -> None:
    """How long each training would take, from a few steps of it."""
    from smd.tasks.probe import probe

    total = 0.0
    for config in table.configs:
        found = probe(config)
        total += found["seconds"]
        print(f"{defense_title(config)}, seed {config.seed}: {duration(found['seconds'])} on {found['device']}")
    print(f"About {duration(total)} for all {len(table.configs)} trainings, one after the other.")


def make(table: Table) -> tuple[list[Run], list[str]]:
    """See to all trainings and attacks and wait for them: the runs that have both, and why the others have not."""
    done, failed = [], []
    for member in sweep.start(table.configs):
        name = f"{defense_title(member.config)}, seed {member.config.seed}"
        if member.run is None:
            failed.append(f"{name}: {member.reason}")
            continue
        _say(f"{name}: training, {member.act}, {member.run.id}")
        status = launch.wait(member.run.folder, FOREVER)
        if status.state == "finished":
            folder = reproduce.attacked(member.run, table.attack_on(member.run))
            _say(f"{name}: {export.attack_title(table.attack)}, {folder.name}")
            status = launch.wait(folder, FOREVER)
        if status.state == "finished":
            done.append(member.run)
        else:
            failed.append(f"{name} is {status.state}: {status.error}")
    return done, failed


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def write(out: Path, table: Table, done: list[Run]) -> None:
    """table.md, table.csv and about.json: what was made, with what, and how long it took."""
    out.mkdir(parents=True, exist_ok=True)
    found = export.concise(reproduce.beside_the_papers(table, done))
    (out / "table.md").write_text(export.to_markdown(found, export.best(found)) + "\n", encoding="utf-8")
    (out / "table.csv").write_text(export.to_csv(found), encoding="utf-8")
    about = {**provenance(), "table": table.name, "runs": [_about(table, run) for run in done]}
    (out / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _about(table: Table, run: Run) -> dict[str, Any]:
    status, config = jobs.read(run.folder), run.config
    attacks = reader.attack_runs(run.store)
    taken = attacks[(attacks["name"] == table.attack) & (attacks["eps"] > 0)]
    return {
        "run": run.id, "defense": defense_title(config), "seed": config.seed, "epochs": config.epochs,
        "n_train": config.n_train, "device": reader.meta(run.store).get("device", ""),
        "training_s": round(status.ended - status.started, 1), "attack_s": round(float(taken["seconds"].sum()), 1),
    }  # fmt: skip
