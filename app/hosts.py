"""Which names of this server are believed: a page on the net that points its own name here gets no answer.

Pure functions of the environment and of a request's headers. Three kinds of names need no setting: `localhost`, any
address in digits (nobody can point an address elsewhere, as a name can be), and what the server was told to be called.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from smd.errors import UserError

ALLOWED = "SMD_ALLOWED_HOSTS"
LOCAL = "localhost"
PORTS = {"http": 80, "https": 443}
NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")

Headers = Sequence[tuple[bytes, bytes]]  # of a request: names in lower case, values


@dataclass(frozen=True)
class Place:
    """Where a server is: a name or an address in lower case, and a port."""

    host: str
    port: int


def allowed(env: Mapping[str, str], *told: str) -> frozenset[str]:
    """The names that are believed; told: what Streamlit was told of this server, "" where nothing.

    Raises UserError for a name that cannot be one.
    """
    names = [name.strip().lower().rstrip(".") for name in env.get(ALLOWED, "").split(",")]
    for name in filter(None, names):
        if not NAME.fullmatch(name):
            raise UserError(f"{ALLOWED} has {name[:60]!r}, which is no name: write names such as smd.example.org.")
    return frozenset({LOCAL, *names, *(name.lower().rstrip(".") for name in told)} - {""})


def check(headers: Headers, websocket: bool, names: frozenset[str]) -> None:
    """Raise UserError unless the request names this server, and comes from its own pages if it says whence.

    A websocket has to say whence: every browser does.
    """
    host = _only(headers, b"host", "Host")
    if host is None:
        raise UserError("The request does not say which server it wants: it has no Host.")
    _check_host(host, names)
    origin = _only(headers, b"origin", "Origin")
    if origin is None and websocket:
        raise UserError(
            "The connection does not say from which page it comes (Origin): open the dashboard in a browser."
        )
    if origin is not None:
        _check_origin(origin, host, names)


def inner(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers of a checked request as Streamlit gets them: Host is the page's own, also behind a proxy.

    Where the two differ Streamlit would ask the internet for this machine's address to compare them itself.
    """
    origin = _only(headers, b"origin", "Origin")
    if origin is None:
        return list(headers)
    page = urlsplit(origin).netloc.encode("latin-1")
    return [(name, page if name == b"host" else value) for name, value in headers]


def _only(headers: Headers, name: bytes, shown: str) -> str | None:
    """The value of a header that may be there once."""
    values = [value for key, value in headers if key == name]
    if len(values) > 1:
        raise UserError(f"The request has {len(values)} headers {shown}: one is allowed.")
    return values[0].decode("latin-1") if values else None


def _check_host(text: str, names: frozenset[str]) -> None:
    if not _known(_place(text, "http").host, names):
        raise UserError(
            f"This dashboard is not called {text[:80]!r}: open it as localhost or by its address, or start it with "
            f"{ALLOWED}=<name>."
        )


def _check_origin(text: str, host: str, names: frozenset[str]) -> None:
    scheme, _, rest = text.partition("://")
    if scheme not in PORTS or not rest:
        raise UserError(f"A page of {text[:80]!r} may not use this dashboard.")
    page = _place(rest, scheme)
    if page != _place(host, scheme) and page.host not in names - {LOCAL}:
        raise UserError(
            f"A page of {text[:80]!r} may not use this dashboard: open the dashboard itself, or, where a proxy "
            f"changes names, start it with {ALLOWED}=<name>."
        )


def _place(text: str, scheme: str) -> Place:
    """ "name:port" or "[address]:port"; raises UserError for anything else, such as user@name or name/path."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        host, port = "", None
    shown = f"[{host}]" if ":" in host else host
    written = {shown, f"{shown}.", f"{shown}:{port}", f"{shown}.:{port}", f"{shown}:"}
    if not host or text.lower() not in written:
        raise UserError(f"{text[:80]!r} is no name of a server.")
    return Place(host, PORTS[scheme] if port is None else port)


def _known(host: str, names: frozenset[str]) -> bool:
    if host in names or host.endswith(f".{LOCAL}"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
