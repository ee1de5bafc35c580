"""Who may do what on a shared server.

How the login is configured, whose request it is, which role they have.

Pure functions of the environment and of a request. Without any configuration there is no login and
everybody is a runner. Whatever is half configured raises: a dashboard that was meant to be closed
does not open.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from smd.errors import UserError

Role = Literal["runner", "viewer", "nobody"]
Way = Literal["off", "oidc", "proxy"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EVERYBODY = "*"
LONGEST = 320  # characters of a name: what an address for e-mail may have
HEADER, ADDRESSES, RUNNERS, VIEWERS = (
    "SMD_PROXY_HEADER",
    "SMD_PROXY_ADDRESSES",
    "SMD_RUNNERS",
    "SMD_VIEWERS",
)
# of the web server: whose X-Forwarded-For it takes for the address of the peer
REWRITING = "FORWARDED_ALLOW_IPS"
NAME_OF_HEADER = re.compile(r"[a-z0-9][a-z0-9-]*")
# What every browser may send, or what names machines and not people.
NO_PERSON = {
    "x-forwarded-for",
    "x-real-ip",
    "forwarded",
    "via",
    "host",
    "origin",
    "cookie",
    "authorization",
    "referer",
    "user-agent",
    "connection",
    "upgrade",
}
LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Settings:
    """How people are known, and what they may do."""

    way: Way = "off"
    header: str = ""  # lower case
    proxies: tuple[Network, ...] = ()
    runners: frozenset[str] = frozenset()  # as `folded` gives them
    viewers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Person:
    """Who it is; without a login nobody has a name."""

    name: str
    role: Role


def settings(env: Mapping[str, str], oidc: bool = False) -> Settings:
    """What the environment asks for; oidc: whether the secrets have a section [auth].

    Raises UserError, one sentence, for everything that is incomplete, contradictory or not
    understood.
    """
    header, addresses = env.get(HEADER, "").strip().lower(), env.get(ADDRESSES, "").strip()
    runners, viewers = _names(env, RUNNERS), _names(env, VIEWERS)
    proxy = HEADER in env or ADDRESSES in env
    if proxy and oidc:
        raise UserError(
            f"There are two ways to log in: take [auth] out of the secrets, or unset {HEADER}."
        )
    if not (proxy or oidc):
        if RUNNERS in env or VIEWERS in env:
            raise UserError(
                f"{RUNNERS} and {VIEWERS} need a login: add [auth] to the secrets, or set {HEADER}."
            )
        return Settings()
    if not (runners or viewers):
        raise UserError(
            f"Nobody may log in: name people in {RUNNERS} or {VIEWERS}, or write * for everybody."
        )
    if oidc:
        return Settings("oidc", runners=runners, viewers=viewers)
    _check_header(header)
    _check_rewriting(env)
    return Settings("proxy", header, _networks(addresses), runners, viewers)


def _names(env: Mapping[str, str], variable: str) -> frozenset[str]:
    names = [name.strip() for name in env.get(variable, "").split(",")]
    for name in filter(None, names):
        if not _is_name(name):
            raise UserError(
                f"{variable} has {name[:40]!r}, which is no name: separate names by commas."
            )
    return frozenset(folded(name) for name in names if name)


def _check_header(header: str) -> None:
    if not header:
        raise UserError(
            f"{ADDRESSES} is set without {HEADER}: say in which header the proxy names people."
        )
    if not NAME_OF_HEADER.fullmatch(header):
        raise UserError(
            f"{HEADER} is {header[:40]!r}: write a header's name, such as X-Forwarded-User."
        )
    if header in NO_PERSON:
        raise UserError(
            f"{HEADER} is {header}, which does not name a person: take one such as"
            " X-Forwarded-User."
        )


def _check_rewriting(env: Mapping[str, str]) -> None:
    """The web server must not put what X-Forwarded-For says in place of the peer's address, as it
    does by default."""
    if env.get(REWRITING, "127.0.0.1").strip():
        raise UserError(
            f"Set {REWRITING} to nothing: else X-Forwarded-For could pass any address off as the"
            " proxy's."
        )


def _networks(addresses: str) -> tuple[Network, ...]:
    networks = tuple(_network(text.strip()) for text in addresses.split(",") if text.strip())
    if not networks:
        raise UserError(
            f"{HEADER} needs {ADDRESSES}: from which addresses the proxy connects, such as"
            " 127.0.0.1."
        )
    return networks


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise UserError(
            f"{ADDRESSES} has {text[:60]!r}: write addresses or networks such as 127.0.0.1,"
            " 10.0.0.0/24 or ::1."
        ) from None
    if not network.prefixlen:
        raise UserError(f"{ADDRESSES} has {text}, which is every address: name those of the proxy.")
    return network


def trusted(peer: str, proxies: Iterable[Network]) -> bool:
    """Whether a connection from this address is the proxy's; no for what is no address."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    # A socket for both versions shows peers of the old one inside the new.
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address.version == network.version and address in network for network in proxies)


def named(headers: Iterable[tuple[bytes, bytes]], peer: str, how: Settings) -> str:
    """Whom the proxy names in a request; headers: as ASGI has them, names in lower case.

    Peer: the connection's own.

    Raises UserError where the connection is not the proxy's, and unless it names exactly one
    person.
    """
    if not trusted(peer, how.proxies):
        raise UserError("This dashboard is open through its proxy only: use the proxy's address.")
    given = [value for name, value in headers if name.lower() == how.header.encode()]
    if len(given) != 1:
        raise UserError(
            "The proxy named nobody: log in there."
            if not given
            else "The proxy named several people."
        )
    try:
        name = given[0].decode().strip()
    except UnicodeDecodeError:
        name = ""
    if not _is_name(name):
        raise UserError("The proxy named nobody whose name can be read: log in there.")
    return name


def _is_name(name: str) -> bool:
    """Whether it may be one person's; two headers put together have a comma."""
    return (
        0 < len(name) <= LONGEST and name.isprintable() and "," not in name and name.strip() == name
    )


def folded(name: str) -> str:
    """As names are compared: without regard to the case of A to Z; letters that merely look alike
    stay apart."""
    return name.translate(LOWER)


def of_claims(claims: Mapping[str, object]) -> str:
    """Whom an identity provider names: by the e-mail address, else by its own sign for the person.

    Raises UserError for an address which the provider says that nobody has checked, and where there
    is neither.
    """
    email = claims.get("email")
    if email and claims.get("email_verified", True) not in (True, "true"):
        raise UserError(
            "The e-mail address of this account is not verified: verify it where you log in."
        )
    name = email or claims.get("sub")
    if not (isinstance(name, str) and _is_name(name)):
        raise UserError("The identity provider names nobody: let it send the scope 'email'.")
    return name


def person(name: str, how: Settings) -> Person:
    """The person of that name with their role; who stands nowhere has none."""
    for role, names in (("runner", how.runners), ("viewer", how.viewers)):
        if folded(name) in names or EVERYBODY in names:
            return Person(name, role)  # type: ignore[arg-type]
    return Person(name, "nobody")


def check_below(path: str, root: Path) -> None:
    """Raise UserError unless the path, with all links followed, is the root or lies below it, there
    or not."""
    try:
        inside = Path(path).expanduser().resolve().is_relative_to(root.resolve())
    except (
        OSError,
        RuntimeError,
        ValueError,
    ):  # links in a ring, ~ with a name that nobody has, a NUL
        inside = False
    if not inside:
        raise UserError(
            f"On this server own images and weights lie below {root}: put them there, and type that"
            " path."
        )
