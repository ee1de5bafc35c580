"""The dashboard as a server: its layers, and that it does not start half configured."""

import http.client
import os
import socket
import subprocess
import sys

import pytest
from making_login import PROXY

from smd.paths import REPOSITORY

UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(port, tmp_path, **values):
    env = {**os.environ, "SMD_RUNS": str(tmp_path / "runs"), "SMD_STATE": str(tmp_path / "state"), **PROXY, **values}
    return subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app/server.py", "--server.headless=true",
         f"--server.port={port}", "--server.address=127.0.0.1"],
        env=env, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def answer(port, path, **headers):
    """The status of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def server(tmp_path):
    """A server behind a proxy on this machine; its port."""
    port = free_port()
    process = serve(port, tmp_path, SMD_PROXY_ADDRESSES="127.0.0.1")
    try:
        for line in process.stdout:
            if "URL" in line:
                break
        yield port
    finally:
        process.terminate()
        process.communicate()


def test_pages_and_connections_need_the_proxys_name(server):
    """X-Forwarded-For changes nothing: neither who the peer is, nor whom it may name."""
    origin = {"Origin": f"http://127.0.0.1:{server}", **UPGRADE}
    name = {"X-Forwarded-User": "vera"}
    assert answer(server, "/_stcore/health") == 200
    for far in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "10.9.9.9"}):
        assert answer(server, "/", **far) == 403
        assert answer(server, "/_stcore/stream", **origin, **far) == 403
        assert answer(server, "/", **name, **far) == 200
        assert answer(server, "/_stcore/stream", **origin, **name, **far) == 101


@pytest.mark.parametrize("values", [{"SMD_PROXY_ADDRESSES": "127.0.0.1/0"}, {"FORWARDED_ALLOW_IPS": "*"}])
def test_half_configured_it_does_not_start(values, tmp_path):
    process = serve(free_port(), tmp_path, **values)
    said, _ = process.communicate(timeout=60)
    assert process.returncode
    assert "smd: " in said and "Traceback" not in said
