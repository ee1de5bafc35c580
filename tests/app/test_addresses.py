"""Addresses that people type: pages under other spellings, the first page's name, none at all."""

import asyncio

import pytest

from app import pages
from app.server.addresses import Addresses

PASSED = 200
HTML = "text/html,*/*"


def asked(path, query="", accept=HTML, method="GET", base=""):
    """(status, the address that it leads to, the text) of the answer; PASSED from Streamlit."""
    sent = []

    async def streamlit(scope, receive, send):
        await send({"type": "http.response.start", "status": PASSED, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"accept", accept.encode())],
    }
    known = {page.name: page.title for page in pages.PAGES}
    layer = Addresses(streamlit, known, tuple(pages.MOVED), base)
    asyncio.run(layer(scope, None, send))
    headers = dict(sent[0]["headers"])
    return sent[0]["status"], headers.get(b"location", b"").decode(), sent[1]["body"].decode()


@pytest.mark.parametrize("path", ["/train", "/Train/", "/home", "/index.html", "/dashboard"])
def test_the_first_page_has_no_path_of_its_own_and_is_found_all_the_same(path):
    assert asked(path, "run=a%20b") == (307, "/?run=a%20b", "")


def test_below_a_path_it_leads_to_places_below_it():
    assert asked("/studio/train", base="/studio/")[1] == "/studio/"
    assert asked("/studio/MARGINS", base="studio")[1] == "/studio/margins"
    assert asked("/train", base="studio")[0] == PASSED  # another's


@pytest.mark.parametrize("path", ["/Margins", "/margins/", "/MAP"])
def test_a_page_in_another_spelling_is_led_to(path):
    assert asked(path)[:2] == (307, path.strip("/").lower().join(["/", ""]))


@pytest.mark.parametrize(
    "path",
    [
        *(f"/{page.name}" for page in pages.PAGES[1:]),
        *("/", "/map", "/oauth2callback", "/auth/login", "/smd-page.js", "/_stcore/health"),
        *("/favicon.png", "/static/js/index.js", "/media/a1b2.png"),
    ],
)
def test_what_there_is_is_passed_on(path):
    assert asked(path)[0] == PASSED


def test_a_word_that_is_no_page_says_which_there_are():
    status, _, text = asked("/margin")
    assert status == 404
    assert '<a href="/">Train</a>' in text
    assert '<a href="/margins">Margins</a>' in text
    assert asked("/margin", method="HEAD")[::2] == (404, "")
    assert asked("/margin", accept="*/*")[0] == PASSED  # no browser's page
    assert asked("/margin", method="POST")[0] == PASSED
