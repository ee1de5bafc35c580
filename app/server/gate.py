"""The outermost layer of the server (ASGI).

Who asks for another server is refused, and every answer says what a browser must not do with it.
"""

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import streamlit

from smd.errors import UserError

from . import hosts
from .hosts import Names

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Any, Send], Awaitable[None]]

PAGE = Path(streamlit.__file__).parent / "static" / "index.html"


def inline(page: Path = PAGE) -> list[str]:
    """The digests of the scripts that stand in Streamlit's page itself, as a policy names them."""
    scripts = re.findall(rb"<script>(.*?)</script>", page.read_bytes(), re.DOTALL)
    return [f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in scripts]


# Nothing is loaded from elsewhere, no picture either, and no other site may put the pages into a
# frame. Streamlit puts its styles into the page as it goes.
POLICY = "; ".join(
    (
        "default-src 'self'",
        f"script-src 'self' {' '.join(inline())}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-frame-options": b"DENY",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    # who opens the pages in a window has no hold of it
    b"cross-origin-opener-policy": b"same-origin",
}


class Gate:
    """Lets requests through that `hosts.check` finds right; names: as `hosts.allowed` gives
    them."""

    def __init__(self, app: App, names: Names) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """One request or connection."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        try:
            hosts.check(scope["headers"], kind == "websocket", self.names)
        except UserError as error:
            return await refuse(scope, send, str(error))
        return await self.app(
            {**scope, "headers": hosts.inner(scope["headers"])}, receive, guarded(send)
        )


def guarded(send: Send) -> Send:
    """What sends answers, with HEADERS in place of others of their names."""

    async def sending(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            kept = [
                (key, value)
                for key, value in message.get("headers", ())
                if key.lower() not in HEADERS
            ]
            message = {**message, "headers": [*kept, *HEADERS.items()]}
        await send(message)

    return sending


async def refuse(scope: Scope, send: Send, why: str) -> None:
    """Answer with 403 and the sentence, a websocket too, as far as the server can."""
    prefix = "" if scope["type"] == "http" else "websocket."
    if prefix and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": why[:120]})
        return
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        *HEADERS.items(),
    ]
    await send({"type": f"{prefix}http.response.start", "status": 403, "headers": headers})
    await send({"type": f"{prefix}http.response.body", "body": f"{why}\n".encode()})
