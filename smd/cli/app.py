"""`app`: serve the dashboard, from a checkout or where it is installed."""

import argparse
import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

from smd import devices
from smd.errors import UserError
from smd.paths import AROUND, CHECKOUT

MOST_PORTS = 2**16 - 1
OPTIONS = (("--port", "server.port"), ("--address", "server.address"))


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The options of `app`."""
    sub = commands.add_parser(
        "app",
        help="open the dashboard",
        description="Serve the dashboard and open it in a browser; Ctrl-C ends it.",
        epilog="Options of Streamlit follow after --, such as -- --server.baseUrlPath studio.",
    )
    sub.add_argument("--port", type=int, help="where it listens (8501)")
    sub.add_argument("--address", help="which address it listens on (localhost)")
    sub.add_argument(
        "--devices", help="which devices its jobs may use: all, 0,1, cpu (SMD_DEVICES, or all)"
    )
    sub.add_argument("options", nargs="*", help=argparse.SUPPRESS)
    sub.set_defaults(run_command=run)


def script() -> Path:
    """The dashboard's own script: in app/ of a checkout, else in smd_app beside this package."""
    return (CHECKOUT / "app" if CHECKOUT else AROUND / "smd_app") / "main.py"


def words(args: argparse.Namespace) -> list[str]:
    """The command that serves it. This process becomes it, so that Ctrl-C reaches it alone."""
    given = [(f"--{option}", getattr(args, name[2:])) for name, option in OPTIONS]
    options = [f"{option}={value}" for option, value in given if value is not None]
    serve = str(script().with_name("serve.py"))
    return [sys.executable, "-P", serve, "run", str(script()), *options, *args.options]


def _refuse_unheard(args: argparse.Namespace) -> None:
    """Raises UserError for a port or an address that nobody can listen at."""
    if args.port is not None and not 0 <= args.port <= MOST_PORTS:
        raise UserError(f"There is no port {args.port}: choose one up to {MOST_PORTS}.")
    if args.address is None:
        return
    try:
        found = socket.getaddrinfo(args.address or ".", 0, type=socket.SOCK_STREAM)
        with socket.socket(*found[0][:3]) as tried:
            tried.bind(found[0][4])
    except (OSError, UnicodeError):
        raise UserError(
            f"This machine has no address '{args.address[:60]}': leave --address out, or write"
            " 0.0.0.0 for all that it has."
        ) from None


def run(args: argparse.Namespace) -> None:
    """Serve it until somebody ends it; raises UserError where it is not installed."""
    if find_spec("streamlit") is None:
        raise UserError(f"The dashboard needs Streamlit: {sys.executable} -m pip install streamlit")
    if not script().is_file():
        raise UserError(f"{script()} is missing: install SMD Studio again.")
    if args.devices is not None:
        os.environ[devices.SETTING] = args.devices
    _refuse_unheard(args)
    devices.pool()  # explains what it cannot understand
    sys.stdout.flush()
    os.execv(sys.executable, words(args))
