"""The layer of the server (ASGI) that takes uploads off Streamlit's hands.

Streamlit's own route keeps a whole file in memory as long as a page shows it. Here the file goes to
the disk piece by piece, and Streamlit is handed an empty one in its place: its checks and its
answer stay as they are, and are passed before a byte is read. Only pages that were allowed to
(`allow`) get so far. What became of a file is told to the page, not to the browser.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from smd.errors import UserError

from .form_file import NO_FORM, FormFile
from .gate import App, Message, Scope, Send, refuse

STALL = 60.0  # seconds to wait for the next bytes
PIECE = 2**20  # bytes that are written at once
MOST = 1000  # pages, and files, that are remembered
NOT_ALLOWED = "This page takes no uploads: load it again, and choose the file there."
TOO_LARGE = "The file is larger than what is taken here."
BROKEN_OFF = "The upload broke off: try it again."
STAND_IN = (
    b'--in\r\nContent-Disposition: form-data; name="file"; filename="in.zip"\r\n'
    b"Content-Type: application/zip\r\n\r\n\r\n--in--\r\n"
)
STAND_IN_HEADERS = {
    b"content-type": b"multipart/form-data; boundary=in",
    b"content-length": str(len(STAND_IN)).encode(),
}
OVERHEAD = 2**16  # bytes that a form takes beside its file, and more

K = TypeVar("K")
V = TypeVar("V")


class Incoming(Protocol):
    """Where an upload goes; each raises UserError for what is to be told to the sender."""

    def write(self, data: bytes) -> None:
        """The next piece."""

    def finish(self) -> Path:
        """The file at its place."""

    def discard(self) -> None:
        """Take away what has come, unless it is finished."""


@dataclass(frozen=True)
class Permit:
    """What a page may upload."""

    begin: Callable[[str], Incoming]  # (the name as the sender wrote it) -> where it goes
    most: int  # bytes


@dataclass(frozen=True)
class Outcome:
    """What became of a file: where it is now, or a sentence that says why it is nowhere."""

    path: str = ""
    error: str = ""


_permits: dict[str, Permit] = {}  # of a page's session, whose name nobody else knows
_outcomes: dict[tuple[str, str], Outcome] = {}  # of a session and a file


def allow(session: str, permit: Permit) -> None:
    """Let the page of that session upload, as long as it is open."""
    _remember(_permits, session, permit)


def outcome(session: str, file: str) -> Outcome | None:
    """What became of a file of that session, told once; None if nothing is known of it."""
    return _outcomes.pop((session, file), None)


def _remember(table: dict[K, V], key: K, value: V) -> None:
    table.pop(key, None)
    table[key] = value
    while len(table) > MOST:
        table.pop(next(iter(table)))


class Uploads:
    """Takes what is PUT to Streamlit's route of uploads, and hands everything else on; base: the
    path that the dashboard is served below."""

    def __init__(self, app: App, base: str = "") -> None:
        self.app = app
        below = f"/{base.strip('/')}" if base.strip("/") else ""
        self.route = re.compile(rf"{re.escape(below)}/_stcore/upload_file/([^/]+)/([^/]+)/?")

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """One request or connection."""
        there = scope["type"] == "http" and scope["method"] == "PUT"
        found = self.route.fullmatch(scope["path"]) if there else None
        if found is None:
            return await self.app(scope, receive, send)
        permit = _permits.get(found[1])
        if permit is None:
            return await refuse(scope, send, NOT_ALLOWED)
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > permit.most + OVERHEAD:  # the browser has said so
            return await refuse(scope, send, TOO_LARGE)
        answer = await self._streamlits(scope)
        if answer[0]["status"] < 300:
            came = await _taken(receive, headers.get(b"content-type", b""), permit)
            if came is None:
                return await refuse(scope, send, BROKEN_OFF)
            _remember(_outcomes, (found[1], found[2]), came)
        for message in answer:
            await send(message)
        return None

    async def _streamlits(self, scope: Scope) -> list[Message]:
        """Streamlit's answer to the request with an empty file in it."""
        answer: list[Message] = []
        body = iter([{"type": "http.request", "body": STAND_IN, "more_body": False}])

        async def receive() -> Message:
            return next(body, {"type": "http.disconnect"})

        async def send(message: Message) -> None:
            answer.append(message)

        others = [each for each in scope["headers"] if each[0] not in STAND_IN_HEADERS]
        inner = {**scope, "headers": [*others, *STAND_IN_HEADERS.items()]}
        await self.app(inner, receive, send)
        return answer


async def _taken(receive: Any, kind: bytes, permit: Permit) -> Outcome | None:
    """What became of the file in the request's form; None where it broke off before its end."""
    target, refused = Target(permit), ""
    try:
        form = FormFile(kind)
        async for body in _bodies(receive, permit.most + OVERHEAD):
            try:
                if not refused and form.feed(body) >= PIECE:
                    await target.write(form)
            except UserError as error:  # the rest is read all the same: else no browser hears of it
                refused = str(error)
                await target.close()
        return Outcome(error=refused) if refused else Outcome(await target.finish(form))
    except UserError as error:
        return Outcome(error=str(error))
    except (ConnectionError, TimeoutError):
        return None
    finally:
        await target.close()


class Target:
    """Where a form's file is written, in a thread: others' pages do not wait for the disk."""

    def __init__(self, permit: Permit) -> None:
        self.permit = permit
        self.incoming: Incoming | None = None

    async def write(self, form: FormFile) -> None:
        """Write what has come of the file; raises UserError."""
        if self.incoming is None:
            self.incoming = await asyncio.to_thread(self.permit.begin, form.name)
        await asyncio.to_thread(self.incoming.write, form.take())

    async def finish(self, form: FormFile) -> str:
        """The path of the whole file; raises UserError."""
        if not form.whole:
            raise UserError(NO_FORM)
        await self.write(form)
        assert self.incoming is not None
        return str(await asyncio.to_thread(self.incoming.finish))

    async def close(self) -> None:
        """Take away what is not whole."""
        if self.incoming:
            await asyncio.to_thread(self.incoming.discard)


async def _bodies(receive: Any, most: int) -> AsyncIterator[bytes]:
    """The request's body as it comes; raises ConnectionError where it breaks off or has more than
    `most` bytes, TimeoutError where nothing comes for STALL."""
    more = True
    while more:
        message = await asyncio.wait_for(receive(), STALL)
        body = message.get("body", b"")
        most -= len(body)
        if message["type"] != "http.request" or most < 0:
            raise ConnectionError
        more = message.get("more_body", False)
        yield body
