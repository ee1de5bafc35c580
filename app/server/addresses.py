"""The layer of the server (ASGI) that knows which pages there are.

Streamlit serves one HTML page at every address and tells of a wrong one only within. Here the first
page's own name, and others that people type for it, lead to it; a page's name in another spelling
leads to the page; any other word is answered with 404 and the pages that there are.
"""

import html
import re
from collections.abc import Mapping

from .gate import App, Scope, Send

HOME = ("home", "index", "main", "start", "dashboard")  # beside the first page's own name
OTHERS = ("oauth2callback",)  # addresses of Streamlit's that look like a page's
WORD = re.compile(r"[a-z0-9-]+")
TEXT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>No such page · SMD Studio</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem; }}
</style>
</head>
<body>
<h1>There is no such page</h1>
<p>SMD Studio has these pages: {links}.</p>
</body>
</html>
"""


class Addresses:
    """Passes on what is asked of a page that there is; pages: titles by their names, the first one
    first; hidden: names that lead to a page from within; base: what the server is below."""

    def __init__(
        self, app: App, pages: Mapping[str, str], hidden: tuple[str, ...] = (), base: str = ""
    ) -> None:
        self.app = app
        self.root = f"/{base.strip('/')}" if base.strip("/") else ""
        self.first, *others = pages
        self.known = {*others, *hidden}
        places = [self.root + "/", *(f"{self.root}/{name}" for name in others)]
        links = [
            f'<a href="{html.escape(place)}">{html.escape(title)}</a>'
            for place, title in zip(places, pages.values(), strict=True)
        ]
        self.text = TEXT.format(links=", ".join(links)).encode()

    async def __call__(self, scope: Scope, receive: object, send: Send) -> None:
        """One request or connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        path = scope["path"]
        asked = path.removeprefix(f"{self.root}/") if path.startswith(f"{self.root}/") else ""
        word = asked.rstrip("/").removesuffix(".html").lower()
        if word == self.first or word in HOME:
            return await _lead(scope, send, f"{self.root}/")
        if word in self.known and asked != word:
            return await _lead(scope, send, f"{self.root}/{word}")
        strange = WORD.fullmatch(word) and word not in (*self.known, *OTHERS)
        if strange and b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            return await self._refuse(scope["method"], send)
        return await self.app(scope, receive, send)

    async def _refuse(self, method: str, send: Send) -> None:
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(self.text)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": self.text if method == "GET" else b""})


async def _lead(scope: Scope, send: Send, place: str) -> None:
    """Answer with the address that is meant, and all that it was asked with."""
    query = scope.get("query_string", b"")
    where = place.encode() + (b"?" + query if query else b"")
    headers = [(b"location", where), (b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
