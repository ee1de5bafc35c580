"""`alerts`: try whether those in SMD_ALERTS are reached."""

import argparse

from smd.sinks.alerts import send


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `alerts`: none."""
    sub = commands.add_parser(
        "alerts",
        help="send a test alert",
        description=(
            "Send a test alert to every address in SMD_ALERTS, which are told when a job ends"
            " (extra: alerts)."
        ),
    )
    sub.set_defaults(run_command=run)


def run(_: argparse.Namespace) -> None:
    """Say how many took it."""
    n = send("SMD Studio: a test", "Alerts about jobs of SMD Studio arrive here.")
    print(f"{n} of {n} took the test alert.")
