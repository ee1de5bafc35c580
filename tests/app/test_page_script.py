"""The script that is added to Streamlit's page: to pages alone, and below the server's path."""

import asyncio

import pytest

from app.server.script import Script

PAGE = b"<html><head><title>t</title></head><body></body></html>"


def answered(headers, accept=b"text/html", path="/studio/live", pieces=(PAGE[:20], PAGE[20:])):
    """The status, headers and body that come through; and the headers that went in."""
    asked, sent = [], []

    async def app(scope, receive, send):
        asked.extend(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, piece in enumerate(pieces, 1):
            more = number < len(pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    async def send(message):
        sent.append(message)

    given = [(b"accept", accept), (b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "path": path, "headers": given}
    asyncio.run(Script(app, "studio")(scope, None, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body, dict(asked)


HTML = [(b"content-type", b"text/html; charset=utf-8"), (b"etag", b"1"), (b"content-length", b"9")]


def test_a_page_names_the_script_and_its_own_length():
    _, headers, body, asked = answered(HTML)
    assert body == PAGE.replace(
        b"</head>", b'<script defer src="/studio/smd-page.js"></script></head>'
    )
    assert headers[b"content-length"] == str(len(body)).encode()
    assert b"etag" not in headers
    assert b"accept-encoding" not in asked


@pytest.mark.parametrize(
    ("headers", "accept"),
    [
        ([*HTML, (b"content-disposition", b"attachment; filename=r-report.html")], b"text/html"),
        ([(b"content-type", b"text/css")], b"text/html"),
        (HTML, b"*/*"),
    ],
)
def test_files_and_what_no_browser_opens_as_a_page_stay_as_they_are(headers, accept):
    _, given, body, _ = answered(headers, accept)
    assert body == PAGE
    assert given == dict(headers)


def test_the_script_has_its_place():
    status, headers, body, asked = answered(HTML, b"*/*", "/studio/smd-page.js")
    assert (status, asked) == (200, {})
    assert headers[b"content-type"].startswith(b"text/javascript")
    assert b"Notification" in body
