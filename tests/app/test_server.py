"""The dashboard as a server: its layers, and that it does not start half configured."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from making_login import PROXY
from serving import UPGRADE, answer, free_port, serve, serving

from smd.paths import AROUND as REPOSITORY

pytestmark = pytest.mark.slow

# Put on the path of a server: it writes down every connection and look-up that leaves this machine.
WATCH = """
import os, socket
def watched(name, told):
    plain = getattr(socket.socket, name) if hasattr(socket.socket, name) else getattr(socket, name)
    def instead(*args, **kwargs):
        place = told(args)
        if place not in ("127.0.0.1", "::1", "localhost", None, ""):
            with open(os.environ["OUTWARD"], "a") as file:
                file.write(f"{name} {place}\\n")
            raise OSError("not from here")
        return plain(*args, **kwargs)
    return instead
inet = lambda args: args[1][0] if isinstance(args[1], tuple) else None
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, watched(name, lambda args: inet((None, args[-1]))))
socket.getaddrinfo = watched("getaddrinfo", lambda args: args[0])
"""
NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
        fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder}; {server} }}
"""


@pytest.fixture
def server(tmp_path):
    """A server behind a proxy on this machine; its port."""
    with serving(tmp_path, **PROXY | {"SMD_PROXY_ADDRESSES": "127.0.0.1"}) as port:
        yield port


def test_pages_and_connections_need_the_proxys_name(server):
    """X-Forwarded-For changes nothing: neither who the peer is, nor whom it may name."""
    origin = {"Origin": f"http://127.0.0.1:{server}", **UPGRADE}
    name = {"X-Forwarded-User": "vera"}
    assert answer(server, "/_stcore/health")[0] == 200
    for far in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "10.9.9.9"}):
        assert answer(server, "/", **far)[0] == 403
        assert answer(server, "/_stcore/stream", **origin, **far)[0] == 403
        assert answer(server, "/", **name, **far)[0] == 200
        assert answer(server, "/_stcore/stream", **origin, **name, **far)[0] == 101


@pytest.mark.parametrize(
    "values", [{"SMD_PROXY_ADDRESSES": "127.0.0.1/0"}, {"FORWARDED_ALLOW_IPS": "*"}]
)
def test_half_configured_it_does_not_start(values, tmp_path):
    process = serve(free_port(), tmp_path, **PROXY | values)
    said, _ = process.communicate(timeout=60)
    assert process.returncode
    assert "smd: " in said and "Traceback" not in said


@pytest.mark.slow
def test_only_its_own_names_and_pages_are_answered_and_nothing_is_asked_outward(tmp_path):
    """Started from another folder, as anybody may: it listens on this machine all the same."""
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    outward = tmp_path / "outward"
    watched = {
        "PYTHONPATH": str(tmp_path),
        "OUTWARD": str(outward),
        "SMD_ALLOWED_HOSTS": "smd.example.org",
    }
    # the watch sees what it is there for
    probe = "import socket; socket.create_connection(('192.0.2.1', 1))"
    assert subprocess.run(
        [sys.executable, "-c", probe], env=os.environ | watched, capture_output=True
    ).returncode
    assert "192.0.2.1" in outward.read_text()
    outward.unlink()
    with serving(tmp_path, folder=tmp_path, **watched) as port:
        own = {"Host": f"localhost:{port}"}
        assert answer(port, "/", **own)[0] == 200
        assert (
            answer(port, "/_stcore/stream", **own, Origin=f"http://localhost:{port}", **UPGRADE)[0]
            == 101
        )
        assert (
            answer(port, "/_stcore/stream", Origin="https://smd.example.org", **UPGRADE)[0] == 101
        )
        for path in (
            "/",
            "/_stcore/health",
            "/_stcore/stream",
            "/media/x.png",
            "/static/index.html",
        ):
            status, said = answer(
                port,
                path,
                Host=f"evil.example:{port}",
                Origin=f"http://evil.example:{port}",
                **UPGRADE,
            )
            assert status == 403
            assert "SMD_ALLOWED_HOSTS" in said
        for origin in ({}, {"Origin": "http://evil.example"}, {"Origin": "http://localhost:1"}):
            assert answer(port, "/_stcore/stream", **own, **origin, **UPGRADE)[0] == 403
        assert json.loads(answer(port, "/_stcore/host-config", **own)[1])["allowedOrigins"] == []
        with socket.socket() as other, pytest.raises(OSError, match="refused"):
            other.connect(("127.0.0.2", port))
    # Where it listens to all, as in a container, Streamlit would ask the internet for its address.
    with serving(tmp_path, "--server.address=0.0.0.0", folder=tmp_path, **watched) as port:
        assert answer(port, "/", Host=f"localhost:{port}")[0] == 200
    assert not outward.exists()


def nginx_command(given, folder, front, port):
    lines = [line for line in given.splitlines() if "ssl_" not in line]
    server = (
        "\n".join(lines)
        .replace("443 ssl", f"127.0.0.1:{front}")
        .replace("127.0.0.1:8501", f"127.0.0.1:{port}")
    )
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, server=server))
    return ["-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]


def caddy_command(given, folder, front, port):
    site = given.replace("smd.example.org {", f"http://smd.example.org:{front} {{\nbind 127.0.0.1")
    site = site.replace("127.0.0.1:8501", f"127.0.0.1:{port}")
    (folder / "Caddyfile").write_text("{\nadmin off\nauto_https off\n}\n" + site)
    return ["run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@pytest.mark.parametrize(
    ("program", "file", "command"),
    [("nginx", "nginx.conf", nginx_command), ("caddy", "Caddyfile", caddy_command)],
)
def test_below_a_path_behind_a_proxy_as_docs_have_it(program, file, command, tmp_path):
    """The configurations of docs/deploy without their certificates."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin:/usr/local/bin")
    if not found:
        pytest.skip(f"There is no {program}: apt-get install {program}")
    given = (REPOSITORY / "docs" / "deploy" / file).read_text()
    with serving(
        tmp_path, "--server.baseUrlPath=studio", SMD_ALLOWED_HOSTS="smd.example.org"
    ) as port:
        front = free_port()
        proxy = subprocess.Popen(
            [found, *command(given, tmp_path, front, port)],
            env={"HOME": str(tmp_path)},
            stderr=subprocess.DEVNULL,
        )
        try:
            until_open(front)
            own = {"Host": "smd.example.org"}
            status, page = answer(front, "/studio/", **own, Accept="text/html")
            assert status == 200 and "<title>" in page
            assert page.count('<script defer src="/studio/smd-page.js"></script></head>') == 1
            status, script = answer(front, "/studio/smd-page.js", **own)
            assert status == 200 and "Notification" in script
            assert answer(front, "/studio/_stcore/health", **own) == (200, "ok")
            stream = "/studio/_stcore/stream"
            assert (
                answer(front, stream, **own, Origin="https://smd.example.org", **UPGRADE)[0] == 101
            )
            assert answer(front, stream, **own, Origin="https://evil.example", **UPGRADE)[0] == 403
            assert answer(front, stream, **own, **UPGRADE)[0] == 403
        finally:
            proxy.terminate()
            proxy.wait()


def until_open(port):
    for _ in range(100):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError("the proxy does not listen")


def test_the_settings_lie_beside_the_pages_too():
    """So that they hold from any folder, and where a checkout knows no links."""
    assert (REPOSITORY / "app" / ".streamlit" / "config.toml").read_bytes() == (
        REPOSITORY / ".streamlit" / "config.toml"
    ).read_bytes()


def test_the_container_is_not_root_and_takes_only_what_is_there():
    lines = [
        line
        for line in (REPOSITORY / "docs" / "deploy" / "Containerfile").read_text().splitlines()
        if line[:1].isupper()
    ]
    words = [line.split() for line in lines]
    assert words[0][0] == "FROM" and ":" in words[0][1]
    order = [word[0] for word in words]
    assert {
        "FROM",
        "RUN",
        "USER",
        "WORKDIR",
        "COPY",
        "ENV",
        "VOLUME",
        "EXPOSE",
        "HEALTHCHECK",
        "CMD",
    } >= set(order)
    assert order.index("USER") < order.index("CMD") and ["USER", "smd"] in words
    copied = [
        name
        for word in words
        if word[0] == "COPY"
        for name in word[1:-1]
        if not name.startswith("--")
    ]
    assert all((REPOSITORY / name).exists() for name in copied)
    assert {"app", "smd", ".streamlit", "requirements.txt"} <= set(copied)
    # All that outlives a container: without its key an installation starts nothing that it queued
    # before.
    kept = {pair.partition("=")[2] for word in words if word[0] == "ENV" for pair in word[1:]}
    assert kept == set(
        json.loads(
            next(line for line in lines if line.startswith("VOLUME")).removeprefix("VOLUME ")
        )
    )
    assert {name for word in words for name in word if name.startswith("SMD_STATE=")}
    command = json.loads(
        next(line for line in lines if line.startswith("CMD")).removeprefix("CMD ")
    )
    assert command[1:5] == ["-m", "streamlit", "run", "app/main.py"]
