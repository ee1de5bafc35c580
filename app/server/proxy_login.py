"""The names that a proxy gives people, taken from its own connections alone.

A layer around the whole server (ASGI).

It stands where the peer's address is known, before anything else sees the request. A name from
anybody else does not
get in: such a request is answered with 403. Pages are handed the name with a sign that only this
process knows, so that without this layer there are no names, and nobody gets in.
"""

import hmac
import os
import secrets
from typing import Any
from urllib.parse import quote, unquote

from smd.errors import UserError

from . import access
from .access import Settings
from .gate import App, Scope, Send, refuse

HANDED = "smd-user"
SIGN = secrets.token_urlsafe(32)
# says no more than that the server is there; what watches it need not log in
HEALTH = "/_stcore/health"


class ProxyLogin:
    """Lets requests through that the proxy made for a person, as `access.named` says.

    All where it is not asked for.

    Raises UserError when the configuration is wrong, before anything is served.
    """

    def __init__(self, app: App, oidc: bool = False, base: str = "") -> None:
        self.app = app
        self.how = access.settings(os.environ, oidc)
        self.health = f"/{base.strip('/')}{HEALTH}" if base.strip("/") else HEALTH

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """One request or connection."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        if self.how.way == "proxy" and scope["path"] != self.health:
            try:
                name = access.named(scope["headers"], (scope.get("client") or ("",))[0], self.how)
            except UserError as error:
                return await refuse(scope, send, str(error))
            return await self.app(_handing(scope, self.how, name), receive, send)
        return await self.app(_handing(scope, self.how), receive, send)


def _handing(scope: Scope, how: Settings, name: str | None = None) -> Scope:
    """The request with that name, signed, and without any other."""
    mine = (HANDED.encode(), how.header.encode())
    headers = [(key, value) for key, value in scope["headers"] if key.lower() not in mine]
    if name is not None:
        headers.append((HANDED.encode(), f"{SIGN} {quote(name)}".encode()))
    return {**scope, "headers": headers}


def handed(values: list[str]) -> str:
    """The name that this layer handed to a page; values: of all headers HANDED. Raises UserError if
    it handed none."""
    sign, _, name = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    if not hmac.compare_digest(sign.encode(), SIGN.encode()):
        raise UserError(
            "The proxy's names are not checked here: start the dashboard by `streamlit run"
            " app/main.py`."
        )
    return unquote(name)
