"""`python -m smd.bench`: measure, print a table for each part, write figures and a chart."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from smd import registry
from smd.errors import UserError
from smd.paths import AROUND

PARTS = {  # in this order; each has `measure(quick) -> Part`, imported when it is its turn
    "step": "smd.bench.step:measure",
    "margins": "smd.bench.margins:measure",
    "autoattack": "smd.bench.autoattack:measure",
    "store": "smd.bench.store:measure",
    "startup": "smd.bench.startup:measure",
    "memory": "smd.bench.memory:measure",
    "growth": "smd.bench.growth:measure",
    "scale": "smd.bench.scale:measure",
    "roofline": "smd.bench.roofline:measure",
    "large": "smd.bench.large:measure",
    "cluster": "smd.bench.cluster:measure",
    "communication": "smd.bench.communication:measure",
    "schedule": "smd.bench.schedule:measure",
}
WHEN_ASKED = ("roofline", "large", "cluster", "communication", "schedule")  # no part of the whole
OUT = AROUND / "docs" / "bench"


def parser() -> argparse.ArgumentParser:
    """The options."""
    top = argparse.ArgumentParser(
        prog="python -m smd.bench", description="Measure what things cost on this machine."
    )
    top.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all but the last five)"
    )
    top.add_argument(
        "--out",
        type=Path,
        help="folder of bench.json and bench.svg (docs/bench for all parts, else none)",
    )
    top.add_argument(
        "--quick",
        action="store_true",
        help="everything tiny: shows that it runs, its figures mean nothing",
    )
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")  # before torch is loaded; see smd.__main__
    args = parser().parse_args(argv)
    # Only the whole measurement stands in the documentation: a part or a quick look must not take
    # its place.
    out = args.out or (None if args.parts or args.quick else OUT)
    try:
        run(args.parts or [name for name in PARTS if name not in WHEN_ASKED], out, args.quick)
    except UserError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def run(names: Sequence[str], out: Path | None, quick: bool) -> None:
    """Measure those parts in turn; raises UserError for an unknown one before any is measured."""
    from smd.bench import chart, machine, report

    parts = [registry.find(PARTS, name, "part") for name in names]
    done = []
    for target in parts:
        began = time.perf_counter()
        part = registry.load(target)(quick)
        done.append(report.Done(part, time.perf_counter() - began))
        print(report.text(done[-1]), flush=True)
    if out:
        report.write(out / "bench.json", done, machine.machine(), quick)
        chart.write(out / "bench.svg", [each.part for each in done])
        print(f"Figures are in {out}.")


if __name__ == "__main__":
    sys.exit(main())
