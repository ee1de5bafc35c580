"""Names that the server believes, and what its outermost layer does with all others."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.server import gate, hosts
from smd.errors import UserError

NAMES = hosts.allowed({"SMD_ALLOWED_HOSTS": "smd.example.org, Lab, lab:8443, ::1"}, "localhost", "")
PORT = 8501


def headers(host="localhost:8501", origin=None):
    found = [(b"host", host.encode())] if host is not None else []
    return found + ([(b"origin", origin.encode())] if origin is not None else [])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8501",
        "localhost.:8501",
        "a.localhost",
        "127.0.0.1:1",
        "[::1]:8501",
        "10.1.2.3",
        "smd.example.org",
        "lab:80",
        "lab:1",
    ],
)
def test_names_of_this_server_and_addresses_in_digits_are_answered(host):
    hosts.check(headers(host), False, NAMES)
    hosts.check(headers(host, f"http://{host}"), True, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8501",
        "localhost.evil.example",
        "evil.example#localhost",
        "a@localhost",
        "localhost/x",
        "localhost:99999",
        "localhost:a",
        "local host",
        "xlocalhost",
        "smd.example.org.evil",
        "1.2.3",
        "0x7f.1",
        "localhost,evil.example",
        "[::1",
        "::1",
        "localhost\\@evil.example",
        "127.0.0.1.evil.example",
        "\xe9",
    ],
)
def test_other_names_are_refused(host):
    with pytest.raises(UserError):
        hosts.check(headers(host), False, NAMES)


@pytest.mark.parametrize(
    ("host", "origin", "ok"),
    [
        ("localhost:8501", "http://localhost:8501", True),
        ("localhost:8501", "https://localhost:8501", True),
        ("smd.example.org", "https://smd.example.org", True),
        ("smd.example.org:443", "https://smd.example.org", True),
        ("127.0.0.1:8501", "https://smd.example.org", True),  # a proxy that changes Host
        (
            "smd.example.org",
            "https://smd.example.org:8443",
            False,
        ),  # another's pages on the same machine
        ("smd.example.org:8501", "http://smd.example.org:8888", False),
        ("lab", "https://lab:8443", True),  # a proxy that leaves the port out
        ("lab:8501", "https://lab:8888", False),
        ("127.0.0.1:8501", "http://[::1]", True),
        ("127.0.0.1:8501", "http://[::1]:8888", False),
        ("localhost:8501", "http://localhost:1234", False),
        ("localhost:8501", "http://127.0.0.1:8501", False),
        ("localhost:8501", "http://evil.example:8501", False),
        ("localhost:8501", "null", False),
        ("localhost:8501", "file://", False),
        ("localhost:8501", "", False),
        ("localhost:8501", "http://localhost:8501/x", False),
        ("localhost:8501", "http://a@localhost:8501", False),
        ("localhost:8501", "ftp://localhost:8501", False),
        ("localhost", "https://localhost", True),
        ("localhost:80", "https://localhost", False),
    ],
)
@pytest.mark.parametrize("websocket", [False, True])
def test_only_its_own_pages_may_use_it(host, origin, ok, websocket):
    if ok:
        hosts.check(headers(host, origin), websocket, NAMES)
    else:
        with pytest.raises(UserError):
            hosts.check(headers(host, origin), websocket, NAMES)


def test_a_connection_says_from_which_page_it_comes():
    with pytest.raises(UserError, match="Origin"):
        hosts.check(headers(), True, NAMES)
    hosts.check(headers(), False, NAMES)


@pytest.mark.parametrize("name", [b"host", b"origin"])
def test_a_header_that_is_there_twice_is_refused(name):
    own = [*headers(origin="http://localhost:8501"), (name, b"localhost:8501")]
    with pytest.raises(UserError, match="one is allowed"):
        hosts.check(own, True, NAMES)


@pytest.mark.slow
@given(st.text(max_size=40))
def test_whatever_a_host_is_it_is_this_one_or_refused(text):
    raw = text.encode("latin-1", "replace").decode("latin-1")
    try:
        hosts.check([(b"host", raw.encode("latin-1"))], False, hosts.allowed({}, "localhost"))
    except UserError:
        return
    bare = raw.lower().rpartition(":")[0] or raw.lower()
    assert "localhost" in bare or any(sign.isdigit() or sign == ":" for sign in bare)


def test_streamlit_sees_the_pages_own_name_behind_a_proxy():
    """It compares Host with Origin, and asks the internet where they differ."""
    inner = dict(hosts.inner(headers("127.0.0.1:8501", "https://smd.example.org")))
    assert inner[b"host"] == b"smd.example.org"
    assert hosts.inner(headers()) == headers()


@pytest.mark.parametrize(
    "text", ["a b", "http://lab", "lab:x", "lab:99999", "*", "-lab", "lab/x", "a@lab"]
)
def test_a_setting_that_is_no_name_is_told(text):
    with pytest.raises(UserError, match="SMD_ALLOWED_HOSTS"):
        hosts.allowed({"SMD_ALLOWED_HOSTS": text})


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (("localhost", "localhost", 8501, "", False), "http://localhost:8501/"),
        (("localhost", "10.1.2.3", 8501, "", False), "http://10.1.2.3:8501/"),
        (("smd.example.org", "10.1.2.3", 8501, "", False), "http://smd.example.org:8501/"),
        (("", "0.0.0.0", 1, "/studio/", True), "https://localhost:1/studio"),
        (("localhost", "::1", 1, "a/b", False), "http://[::1]:1/a/b"),
    ],
)
def test_people_are_told_where_to_go(told, address):
    assert hosts.shown(*told) == address


def through(scope):
    """What the gate sends for that request when all that lies behind it answers "in"."""
    sent = []

    async def inside(scope, receive, send):
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"X-Frame-Options", b"ALLOW"), (b"a", b"b")],
            }
        )
        await send({"type": "http.response.body", "body": b"in"})

    async def send(message):
        sent.append(message)

    asyncio.run(gate.Gate(inside, NAMES)({"extensions": {}, **scope}, None, send))
    return sent


def test_every_answer_carries_what_a_browser_must_not_do():
    start, body = through({"type": "http", "headers": headers()})
    found = dict(start["headers"])
    assert body["body"] == b"in"
    assert found[b"a"] == b"b" and b"X-Frame-Options" not in found
    assert found[b"cross-origin-opener-policy"] == b"same-origin"
    assert found[b"x-frame-options"] == b"DENY" and found[b"x-content-type-options"] == b"nosniff"
    policy = dict(
        part.split(" ", 1) for part in found[b"content-security-policy"].decode().split("; ")
    )
    assert policy["default-src"] == "'self'" and policy["frame-ancestors"] == "'none'"
    assert policy["img-src"] == "'self' data: blob:"
    assert not any("http" in part or "*" in part for part in policy.values())
    assert "unsafe" not in policy["script-src"] and "'sha256-" in policy["script-src"]


def test_scripts_that_stand_in_the_page_are_told_by_their_digest(tmp_path):
    (tmp_path / "x.html").write_text(
        "<script>a</script><script src='b'></script><script>\n</script>"
    )
    a, b = gate.inline(tmp_path / "x.html")
    assert a == "'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='"
    assert b == "'sha256-AbpHGcgLb+kRsJGnwFEktk7uzpZOCcBY74+YBdrKVGs='"


def test_a_foreign_request_gets_403_and_a_sentence_and_nothing_behind():
    start, body = through({"type": "http", "headers": headers("evil.example")})
    assert start["status"] == 403
    assert body["body"].startswith(b"This dashboard is not called 'evil.example'")
    (closed,) = through({"type": "websocket", "headers": headers(origin="http://evil.example")})
    assert closed["type"] == "websocket.close"
    start, body = through(
        {"type": "websocket", "headers": headers(), "extensions": {"websocket.http.response": {}}}
    )
    assert start["status"] == 403 and start["type"] == "websocket.http.response.start"
