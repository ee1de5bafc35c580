"""`query`: ask a run's store in SQL."""

import argparse

from smd.cli.table import FORMATS, print_table
from smd.runs import folders
from smd.store import query


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `query`."""
    sub = commands.add_parser(
        "query",
        help="ask a run's store in SQL",
        description=(
            "One query to a run's store, which can only be read; `query RUN 'SHOW TABLES'` lists"
            " its tables."
        ),
    )
    sub.add_argument("run", metavar="RUN", help="run id, its beginning or end, or 'last'")
    sub.add_argument("sql", metavar="SQL", help="one query that reads, such as SHOW TABLES")
    sub.add_argument("--limit", type=int, default=query.LIMIT, help=f"rows at most ({query.LIMIT})")
    sub.add_argument(
        "--seconds", type=float, default=query.SECONDS, help=f"it may take ({query.SECONDS:g})"
    )
    sub.add_argument("--format", choices=FORMATS, default="text", help="of the table (text)")
    sub.set_defaults(run_command=run)


def run(args: argparse.Namespace) -> None:
    """Ask, print the answer."""
    answer = query.ask(folders.find(args.run).store, args.sql, args.limit, args.seconds)
    print_table(answer.table, args.format)
