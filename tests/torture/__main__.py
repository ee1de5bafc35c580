"""`python -m tests.torture`: try all kinds of bad luck and write one table of what was tried and
what failed."""

import argparse
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.torture import forked, mounts, report, shared, steps
from tests.torture.campaign import Campaign, Case, Fault, Missing


def campaigns() -> list[Campaign]:
    """All there are."""
    from tests.torture import clocks, disks, hosts, imports, kills, locales, power, strangers

    parts = (kills, imports, disks, power, clocks, hosts, locales, strangers)
    return [each for part in parts for each in part.CAMPAIGNS]


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if anything failed."""
    asked = _arguments(argv)
    root = steps.scratch()
    for name in ("SMD_RUNS", "SMD_CACHE", "SMD_STATE"):
        os.environ[name] = str(root / name.lower())
    shared.ROOT[:] = [root]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what is mounted is unmounted then
    try:
        mounts.alone()
        forked.preload()
        rows = []
        for each in campaigns():
            if not asked.only or each.name in asked.only:
                rows.append(_tried(each, asked, root))
                if asked.rows:
                    report.keep(Path(asked.rows), rows[-1])
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if asked.markdown:
        known = {
            **(report.kept(Path(asked.rows)) if asked.rows else {}),
            **{row.name: row for row in rows},
        }
        every = [known[each.name] for each in campaigns() if each.name in known]
        Path(asked.markdown).write_text(report.markdown(every), encoding="utf-8")
    print(report.table(rows))
    return int(any(row.faults for row in rows))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument(
        "--only", type=lambda text: text.split(","), help="campaigns, separated by commas"
    )
    parser.add_argument(
        "--tries", type=int, default=None, help="of each campaign; 0: all there are"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--at", type=int, default=None, help="only the try of that number, as a failure names it"
    )
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="of each campaign, after which it is cut short"
    )
    parser.add_argument(
        "--rows",
        metavar="FILE",
        help="keep the table's rows there, beside those of other campaigns",
    )
    parser.add_argument("--markdown", metavar="FILE", help="write the table there")
    asked = parser.parse_args(argv)
    if unknown := set(asked.only or ()) - {each.name for each in campaigns()}:
        parser.error(
            f"there is no {', '.join(sorted(unknown))}: choose from"
            f" {', '.join(c.name for c in campaigns())}"
        )
    return asked


def _tried(campaign: Campaign, asked: argparse.Namespace, root: Path) -> report.Row:
    tries = campaign.tries if asked.tries is None else asked.tries
    start = time.monotonic()
    row = report.Row(campaign.name, campaign.what, seed=asked.seed)
    try:
        cases = campaign.cases(tries, random.Random(f"{asked.seed} {campaign.name}"))
    except Missing as reason:
        row.skipped = str(reason)
        return row
    for number, case in enumerate(cases):
        if asked.at not in (None, number):
            continue
        if time.monotonic() - start > 60 * asked.minutes:
            row.skipped = f"{len(cases) - row.tries} more were left out: the time was over."
            break
        again = (
            f"python -m tests.torture --only {campaign.name} --tries {tries} --seed {asked.seed}"
            f" --at {number}"
        )
        _one(case, root / f"{campaign.name}-{number}", row, again)
    row.seconds = time.monotonic() - start
    return row


def _one(case: Case, folder: Path, row: report.Row, again: str) -> None:
    folder.mkdir()
    row.tries += 1
    try:
        outcome = case.run(folder) or "survived"
    except Missing as reason:
        row.tries -= 1
        outcome = row.skipped = str(reason)
    except (Fault, OSError, ValueError, TypeError, KeyError) as fault:
        outcome = "failed"
        row.faults.append(f"{case.about}: {fault}. Again: `{again}`")
        print(f"FAILED {row.faults[-1]}", flush=True)
    row.outcomes[outcome] += 1
    print(f"{row.name}: {case.about}: {outcome}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
