"""Who looks at this page, and what they may do.

The only place that asks the browser's connection or the provider.
"""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from smd.errors import UserError
from smd.paths import data_root

from ..components.plain import plain
from . import access, proxy_login
from .access import Person, Settings

ONLY_LOOKING = (
    "You may look and export. To start, change or delete something, ask for the role of a runner."
)
NEEDED = ("redirect_uri", "cookie_secret")
SECRET = 32  # characters: who guesses it can sign in as anybody
FREE = Person("", "runner")


def settings() -> Settings:
    """How people log in here; raises UserError if that cannot be told for sure."""
    auth = _auth()
    if auth is not None:
        _check_auth(auth)
    return access.settings(os.environ, auth is not None)


def by_provider() -> bool:
    """Whether an identity provider is asked who it is; raises UserError if that cannot be told."""
    return _auth() is not None


def _auth() -> Mapping[str, Any] | None:
    """The section [auth] of the secrets; None where there are no secrets, or none of a login."""
    files = [Path(str(path)) for path in st.get_option("secrets.files")]
    if not any(os.path.lexists(path) for path in files):
        return None
    try:
        return st.secrets.get("auth")
    except (OSError, ValueError, StreamlitSecretNotFoundError):
        raise UserError(
            f"The secrets cannot be read, so nobody is let in: mend {_listed(files)}."
        ) from None


def _listed(files: list[Path]) -> str:
    return " or ".join(str(path) for path in files if os.path.lexists(path))


def _check_auth(auth: Mapping[str, Any]) -> None:
    missing = [name for name in NEEDED if not (isinstance(auth, Mapping) and auth.get(name))]
    if missing:
        raise UserError(
            f"[auth] in the secrets lacks {' and '.join(missing)}: add what docs/login.md names."
        )
    if len(str(auth["cookie_secret"])) < SECRET:
        raise UserError(
            f"cookie_secret in the secrets is short: put {SECRET} random characters or more there."
        )
    if st.get_option("server.trustedUserHeaders"):
        raise UserError("server.trustedUserHeaders lets anybody name themselves: unset it.")
    if not all(map(importlib.util.find_spec, ("authlib", "httpx"))):
        raise UserError(
            "Logging in needs Authlib where the dashboard runs: pip install 'authlib>=1.3.2' httpx."
        )


def person() -> Person | None:
    """Who looks at this page, None before they have logged in; raises UserError where that cannot
    be told."""
    how = settings()
    if how.way == "off":
        return FREE
    if how.way == "proxy":
        return access.person(
            proxy_login.handed(st.context.headers.get_all(proxy_login.HANDED)), how
        )
    claims = dict(st.user)
    return (
        access.person(access.of_claims(claims), how) if claims.get("is_logged_in") is True else None
    )


def admit() -> None:
    """Show the page to who may see it; to others what is missing, and end the run of the script."""
    try:
        who = person()
    except UserError as error:
        st.error(plain(error), icon=":material/lock:")
        if st.user.get("is_logged_in") is True:  # as somebody else, then
            _leave()
        st.stop()
    if who is None:
        _ask()
    elif who.role == "nobody":
        st.error(
            f"{plain(who.name)} may not use this dashboard: ask who runs it.",
            icon=":material/lock:",
        )
        _leaving()
        st.stop()
    elif who.name:
        with st.sidebar:
            st.caption(f"{plain(who.name)}, {who.role}")
            _leaving()


def _ask() -> None:
    """A button for each provider."""
    st.title("SMD Studio")
    auth = _auth() or {}
    providers: list[str | None] = [
        name for name, value in auth.items() if isinstance(value, Mapping)
    ]
    providers = (
        [None] if "client_id" in auth else [name for name in providers if name != "client_kwargs"]
    )
    for name in providers:
        label = f"Log in with {plain(name)}" if name else "Log in"
        st.button(
            label,
            type="primary",
            icon=":material/login:",
            on_click=st.login,
            args=(name,) if name else (),
        )
    st.stop()


def _leaving() -> None:
    if settings().way == "oidc":
        _leave()


def _leave() -> None:
    st.button(
        "Log out", type="tertiary", icon=":material/logout:", on_click=st.logout, key="log-out"
    )


def may_act() -> bool:
    """Whether who looks at this page may start, change and delete."""
    try:
        who = person()
    except UserError:
        return False
    return who is not None and who.role == "runner"


def require_runner() -> Person:
    """Who acts; raises UserError unless they may. Every act calls it, whatever the page has
    shown."""
    who = person()
    if who is None or who.role != "runner":
        raise UserError(ONLY_LOOKING)
    return who


def check_path(path: str) -> None:
    """Raise UserError unless who looks at this page may have that typed path looked at.

    On a server with a login runners may, below SMD_DATA.
    """
    if require_runner() != FREE:
        access.check_below(path, data_root())
