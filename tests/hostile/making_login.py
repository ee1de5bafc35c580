"""Requests that claim to be somebody's, as a web server hands them on (ASGI)."""

import asyncio

from app.server.proxy_login import ProxyLogin

PROXY = {
    "SMD_PROXY_HEADER": "X-Forwarded-User",
    "SMD_PROXY_ADDRESSES": "10.0.0.5, fd00::/64",
    "SMD_RUNNERS": "ada@example.org",
    "SMD_VIEWERS": "vera",
    "FORWARDED_ALLOW_IPS": "",
}


def environment(monkeypatch, **values):
    """These variables and none of the others of the login."""
    for name in (*PROXY, "FORWARDED_ALLOW_IPS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def headers(*values, name="x-forwarded-user"):
    """The same header once for each value."""
    return [
        (name.encode(), value.encode() if isinstance(value, str) else value) for value in values
    ]


def asked(given, peer="10.0.0.5", kind="http", path="/"):
    """Send one request through the layer: (what was answered first, the headers that came through
    or None)."""
    seen, sent = [], []

    async def app(scope, receive, send):
        seen.append(scope["headers"])

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "headers": given, "client": (peer, 4321) if peer else None}
    asyncio.run(ProxyLogin(app)(scope, None, send))
    return (sent[0] if sent else None), (seen[0] if seen else None)
