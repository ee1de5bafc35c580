"""The layer of the server (ASGI) that adds a script of ours to Streamlit's page.

It is a file of its own, as the policy of `gate` lets no script stand in the page.
"""

from pathlib import Path

from .gate import App, Message, Scope, Send

FILE = Path(__file__).parent.parent / "static" / "page.js"
PLACE = "/smd-page.js"
# Answers that the browser kept, or packed, have no place for the script.
UNASKED = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
CHANGED = (b"content-length", b"etag", b"last-modified", b"accept-ranges")


class Script:
    """Serves the script, and names it in every HTML answer; base: the path that the dashboard is
    served below."""

    def __init__(self, app: App, base: str = "") -> None:
        self.app = app
        self.place = (f"/{base.strip('/')}" if base.strip("/") else "") + PLACE
        self.tag = f'<script defer src="{self.place}"></script></head>'.encode()

    async def __call__(self, scope: Scope, receive: object, send: Send) -> None:
        """One request or connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        if scope["path"] == self.place:
            return await _file(scope["method"], send)
        accepted = dict(scope["headers"]).get(b"accept", b"")
        if b"text/html" not in accepted:
            return await self.app(scope, receive, send)
        asked = [each for each in scope["headers"] if each[0].lower() not in UNASKED]
        return await self.app({**scope, "headers": asked}, receive, Page(self.tag, send))


class Page:
    """Passes an answer on; one that is HTML is kept until it is whole, and sent with the tag."""

    def __init__(self, tag: bytes, send: Send) -> None:
        self.tag, self.send = tag, send
        self.start: Message | None = None  # of an HTML answer, held back
        self.body = b""

    async def __call__(self, message: Message) -> None:
        """The next message of the answer."""
        if message["type"] == "http.response.start":
            headers = dict(message.get("headers", ()))
            page = headers.get(b"content-type", b"").startswith(b"text/html")
            if page and b"content-disposition" not in headers:  # a report is a file, and stays one
                self.start = message
                return
        if self.start is None or message["type"] != "http.response.body":
            await self.send(message)
            return
        self.body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._whole(self.start)

    async def _whole(self, start: Message) -> None:
        kept = [each for each in start["headers"] if each[0].lower() not in CHANGED]
        body = self.body.replace(b"</head>", self.tag, 1)
        size = (b"content-length", str(len(body)).encode())
        await self.send({**start, "headers": [*kept, size] if body else kept})
        await self.send({"type": "http.response.body", "body": body})


async def _file(method: str, send: Send) -> None:
    body = FILE.read_bytes()
    headers = [
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-cache"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body if method == "GET" else b""})
