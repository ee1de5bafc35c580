"""For everybody: every page of the example judged by axe-core, and used by the keyboard alone; also
on a phone and at 200 %."""

import pytest
from e2e.conftest import watch
from e2e.looking import lasting_flaws, resize, settled
from e2e.test_explore import PAGES
from playwright.sync_api import expect

from smd.runs import example

pytestmark = pytest.mark.e2e
SEVERE = ("serious", "critical")
ALSO = ("heading-order",)  # a moderate one: who goes from heading to heading misses none
NARROW = (720, 390)  # 1440 pixels at 200 %, and a phone


@pytest.fixture
def example_runs(own_runs):
    """The two runs that a first start shows."""
    example.bring()
    assert len(list(own_runs.iterdir())) >= 2


def findings(page, **options):
    """What axe-core finds severe on the page: rule, and where."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="NO AXE: pip install -r requirements.txt"
    )
    judged = axe.Axe().run(page, options={"resultTypes": ["violations"], **options})
    return [
        (rule["id"], node["html"][:200], node["failureSummary"])
        for rule in judged.response["violations"]
        if rule["impact"] in SEVERE or rule["id"] in ALSO
        for node in rule["nodes"]
    ]


def turn_dark(page):
    """Open the page again in the dark theme; what lies beside the app is dark, too."""
    page.emulate_media(color_scheme="dark")
    page.reload()
    page.wait_for_function(
        "() => getComputedStyle(document.documentElement).colorScheme === 'dark'"
    )
    settled(page)


@pytest.mark.slow(seconds=120)
def test_on_every_page_axe_finds_nothing_severe_and_nothing_is_cut_off_on_a_phone(
    server, browser, example_runs
):
    """What the dark theme changes are colours alone."""
    context = browser.new_context()
    page = context.new_page()
    errors = watch(page)
    for path in PAGES:
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{server}/{path}")
        title = path.partition("?")[0].capitalize() or "Train"
        expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
        settled(page)
        assert findings(page) == [], (path, "light")
        turn_dark(page)
        assert findings(page, runOnly=["color-contrast"]) == [], (path, "dark")
        for width in NARROW:
            resize(page, width)
            assert lasting_flaws(page) == [], (path, width)
    context.close()
    assert errors == []


def test_the_first_stop_of_the_keyboard_skips_the_navigation(server, page, example_runs):
    page.goto(f"{server}/samples")
    settled(page)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    address = page.url
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('[data-testid=stMain]') !== null")
    assert page.url == address


def test_on_a_phone_filters_open_are_set_and_close_by_the_keyboard_alone(
    server, page, example_runs
):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/samples")
    settled(page)
    button = page.locator(".st-key-filters").get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    opened = page.get_by_test_id("stPopoverBody")
    expect(opened).to_be_visible()
    expect(opened).to_be_focused()
    classes = opened.get_by_role("combobox", name="Class")
    expect(classes).to_be_visible()
    page.keyboard.press("Tab")
    expect(classes).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    bar = page.locator(".st-key-selection")
    expect(bar.get_by_text("class 7")).to_be_visible()
    page.keyboard.press("Shift+Tab")  # from the first control to the last, and on to the first
    assert page.evaluate("document.activeElement.closest('[data-testid=stPopoverBody]') !== null")
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Tab")
    expect(bar.get_by_role("button", name="Clear", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(bar.get_by_text("class 7")).to_have_count(0)
