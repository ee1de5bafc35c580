"""A dashboard that a test starts as people do, and what it answers."""

import http.client
import os
import socket
import subprocess
import sys
from contextlib import contextmanager

from smd.paths import AROUND as REPOSITORY

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(port, tmp_path, *options, folder=REPOSITORY, **values):
    """The process; values: of its environment."""
    env = {
        **os.environ,
        "SMD_RUNS": str(tmp_path / "runs"),
        "SMD_STATE": str(tmp_path / "state"),
        **values,
    }
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            str(REPOSITORY / "app" / "main.py"),
            "--server.headless=true",
            f"--server.port={port}",
            *options,
        ],
        env=env,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def serving(tmp_path, *options, **values):
    """The port of a server that answers."""
    port = free_port()
    process = serve(port, tmp_path, *options, **values)
    try:
        for line in process.stdout:
            if "URL" in line:
                break
        yield port
    finally:
        process.terminate()
        process.communicate()


def answer(port, path, **headers):
    """(status, text) of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        found = connection.getresponse()
        return found.status, "" if found.status == 101 else found.read().decode()
    finally:
        connection.close()
