"""Which names of this server are believed.

A page on the net that points its own name here gets no answer.

Pure functions of the environment and of a request's headers. Three kinds of names need no setting:
`localhost`, any address in digits (nobody can point an address elsewhere, as a name can be), and
what the server was told to be called.
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


@dataclass(frozen=True)
class Names:
    """What this server is called, and where its pages may be beside where the request itself goes:
    behind a proxy."""

    hosts: frozenset[str]  # lower case
    pages: frozenset[Place]


def allowed(env: Mapping[str, str], *told: str) -> Names:
    """The names that are believed; told: what Streamlit was told of this server, "" where nothing.

    Raises UserError for a name that cannot be one.
    """
    texts = [text.strip().lower() for text in env.get(ALLOWED, "").split(",")]
    pages = frozenset(place for text in filter(None, texts) for place in _pages(text))
    hosts = {LOCAL, *(place.host for place in pages), *(name.lower().rstrip(".") for name in told)}
    return Names(frozenset(hosts - {""}), pages)


def _pages(text: str) -> list[Place]:
    """Where pages of an allowed name are.

    On its port, or without one on those that addresses leave out.

    On others of the same machine may be anybody's pages.
    """
    if text.count(":") > 1 and "[" not in text:
        text = f"[{text}]"
    try:
        places = {scheme: _place(text, scheme) for scheme in PORTS}
    except UserError:
        places = {}
    if not places or not (NAME.fullmatch(places["http"].host) or _in_digits(places["http"].host)):
        raise UserError(
            f"{ALLOWED} has {text[:60]!r}, which is no name: write names such as smd.example.org."
        )
    return list(places.values())


def check(headers: Headers, websocket: bool, names: Names) -> None:
    """Raise UserError unless the request names this server, and comes from its own pages if it says
    whence.

    A websocket has to say whence: every browser does.
    """
    host = _only(headers, b"host", "Host")
    if host is None:
        raise UserError("The request does not say which server it wants: it has no Host.")
    _check_host(host, names)
    origin = _only(headers, b"origin", "Origin")
    if origin is None and websocket:
        raise UserError(
            "The connection does not say from which page it comes (Origin): open the dashboard in a"
            " browser."
        )
    if origin is not None:
        _check_origin(origin, host, names)


def shown(name: str, address: str, port: int, path: str, tls: bool) -> str:
    """Where people open a server that was told its name, `localhost` or "" by default, and to
    listen at an address."""
    told = name if name not in ("", LOCAL) or address in ("0.0.0.0", "::") else address
    host = f"[{told}]" if ":" in told else told or LOCAL
    return f"{'https' if tls else 'http'}://{host}:{port}/{path.strip('/')}"


def inner(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers of a checked request as Streamlit gets them.

    Host is the page's own, also behind a proxy.

    Where the two differ Streamlit would ask the internet for this machine's address to compare them
    itself.
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


def _check_host(text: str, names: Names) -> None:
    name = _place(text, "http").host
    if not (name in names.hosts or name.endswith(f".{LOCAL}") or _in_digits(name)):
        raise UserError(
            f"This dashboard is not called {text[:80]!r}: open it as localhost or by its address,"
            f" or start it with {ALLOWED}=<name>."
        )


def _check_origin(text: str, host: str, names: Names) -> None:
    scheme, _, rest = text.partition("://")
    if scheme not in PORTS or not rest:
        raise UserError(f"A page of {text[:80]!r} may not use this dashboard.")
    page = _place(rest, scheme)
    if page != _place(host, scheme) and page not in names.pages:
        raise UserError(
            f"A page of {text[:80]!r} may not use this dashboard: open the dashboard itself, or,"
            f" where a proxy changes names, start it with {ALLOWED}=<name>, or <name>:<port>."
        )


def _place(text: str, scheme: str) -> Place:
    """ "name:port" or "[address]:port"; raises UserError for anything else, such as user@name or
    name/path."""
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


def _in_digits(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
