"""Opening a page of the dashboard and reading what it says."""

import json
from functools import cache

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app.pages import BY_NAME, MOVED
from smd.paths import AROUND as REPOSITORY

# A server looks through all installed packages for components once, each AppTest does it anew: most
# of what a small page takes. Nothing is installed while tests run.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def open_page(name, /, **query):
    """The page as a link with these parameters opens it; lists are repeated parameters."""
    app = AppTest.from_file(str(REPOSITORY / "app" / "dashboard.py"), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    switch(app, name)
    assert not app.exception
    return app


def switch(app, name):
    """Go to that page; AppTest's own switch_page knows only pages that are files."""
    assert name in (*BY_NAME, *MOVED, "clone"), name
    app._page_hash = calc_hash(name)
    app.run()
    app._page_hash = ""  # it stays where it is, or goes where the page sends it
    return app


def type_new(box, text):
    """Type into a select box that takes other values than it offers; AppTest itself chooses those
    alone."""
    box.options.append(text)
    box.set_value(text).run()


def words(app):
    """All text on the page."""
    groups = (app.markdown, app.caption, app.header, app.info, app.error, app.warning, app.title)
    return " ".join(str(element.value) for group in groups for element in group)


def spec(app, number=0):
    """A Vega-Lite chart of the page as a dictionary."""
    return json.loads(app.get("vega_lite_chart")[number].proto.spec)


def tiles(app, key):
    """The ids of the images that a gallery shows."""
    start = f"open-{key}-"
    return [
        int(button.key.removeprefix(start))
        for button in app.button
        if (button.key or "").startswith(start)
    ]
