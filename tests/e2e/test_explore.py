"""In a real browser: draw, click and follow links through the images of a run."""

import json
import re

import numpy as np
import pytest
from e2e.conftest import watch
from e2e.looking import flaws, lasting_flaws, resize, settled
from playwright.sync_api import expect

from smd.jobs import launch
from smd.runs import folders
from smd.store import reader
from smd.store.records import EmbeddingRecord, Points
from smd.store.writer import Recorder

pytestmark = pytest.mark.e2e
PAGES = (
    "",
    "import",
    "live",
    "embedding",
    "margins",
    "margins?view=by+class",
    "margins?view=over+time",
    "margins?view=forces",
    "samples",
    "samples?as-samples=table",
    "attacks",
    "agreement",
    "compare",
    "figures",
    "query",
)


WIDTHS = (1440, 1024)


@pytest.fixture
def mapped(finished):
    """The finished SMD run with a made-up embedding of its training images: each class a cloud on a
    circle, and 20 adversarial examples beside their images."""
    run, _ = finished
    idx = np.linspace(0, 299, 120).round().astype(int)
    idx, adversarial = np.concatenate([idx, idx[:20]]), np.arange(140) >= 120
    turn, noise = 2 * np.pi * (idx % 10) / 10, np.random.default_rng(0).normal(0, 1, (2, 140))
    x, y = np.float32(noise + 4 * np.array([np.cos(turn), np.sin(turn)]))
    about = EmbeddingRecord("map", "train", 120, 20, 8 / 255, 0, "umap-learn", "0", 1.0, "map", 1.0)
    points = Points(idx, adversarial, x, y, (idx + adversarial) % 10, ~adversarial)
    Recorder(run.store).embedding(about, points)
    return run


def picture(page, kind="stVegaLiteChart"):
    """The first chart's box on the screen."""
    settled(page)
    return page.get_by_test_id(kind).first.locator("canvas, svg").first.bounding_box()


def within(box, rows):
    """Places all over the part of a chart that the test below draws around."""
    for row in range(rows):
        for column in range(3 * rows):
            yield (
                box["x"] + box["width"] * (0.04 + 0.5 * column / (3 * rows)),
                box["y"] + box["height"] * (0.3 + 0.6 * row / rows),
            )


def drag(page, start, *stops):
    page.mouse.move(*start)
    page.mouse.down()
    for stop in stops:
        page.mouse.move(*stop, steps=6)
    page.mouse.up()


def shown_title(page):
    """How many images are meant, as the bar says: (these, of how many)."""
    found = page.locator(".st-key-selection").get_by_text(
        re.compile(r"^[\d,]+ of [\d,]+ training images$")
    )
    expect(found).to_be_visible()
    return tuple(int(n.replace(",", "")) for n in re.findall(r"[\d,]+", found.inner_text()))


def test_a_range_drawn_in_the_histogram_shows_its_images_everywhere_and_in_a_new_browser(
    server, page, browser, mapped
):
    page.goto(f"{server}/margins?run={mapped.id}")
    expect(
        page.get_by_role("heading", name="Margins of the training images after epoch 3")
    ).to_be_visible()
    box = picture(page)
    middle = box["y"] + box["height"] / 2
    drag(page, (box["x"] + 0.1 * box["width"], middle), (box["x"] + 0.96 * box["width"], middle))
    page.wait_for_url(re.compile("range="))
    few, total = shown_title(page)
    low, high = (float(end) for end in re.findall(r"range=([\d.]+)", page.url))
    rows = reader.margins(mapped.store, 3)
    shown = 255 * rows.loc[rows["clean_ok"], "margin"]  # a misclassified image has no margin
    assert (few, total) == (int(shown.between(low - 1e-3, high + 1e-3).sum()), 300)
    assert 0 < few < 300
    expect(page.get_by_role("heading", name=f"{few} of 300 training images")).to_be_visible()
    tiles = page.locator("[class*='st-key-open-margins-']")
    expect(tiles).to_have_count(min(few, 24))
    first = tiles.first.get_by_role("button").inner_text()

    other = browser.new_context(
        viewport={"width": 1024, "height": 900}, color_scheme="dark"
    ).new_page()
    other.goto(page.url)
    assert shown_title(other) == (few, total)
    expect(
        other.locator("[class*='st-key-open-margins-']").first.get_by_role("button")
    ).to_have_text(first)
    other.context.close()

    tiles.first.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1, name="Samples")).to_be_visible()
    assert shown_title(page) == (few, total)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(
        page.locator(".st-key-selection").get_by_text("300 training images", exact=True)
    ).to_be_visible()
    assert "range=" not in page.url


def test_what_is_drawn_around_in_an_embedding_is_selected_and_a_link_brings_it_back(
    server, page, browser, mapped
):
    page.goto(f"{server}/map?run={mapped.id}")  # where the page was before
    page.wait_for_url(re.compile("/embedding\\?run="))
    box = picture(page, "stEChartsChart")
    settled(page)
    # the rectangle, in the middle of three tools
    page.mouse.click(box["x"] + box["width"] - 72, box["y"] + 26)
    left, top = box["x"] + 0.02 * box["width"], box["y"] + 0.2 * box["height"]
    drag(page, (left, top), (box["x"] + 0.55 * box["width"], box["y"] + 0.97 * box["height"]))
    page.wait_for_url(re.compile("region="))
    few, total = shown_title(page)
    assert 0 < few < 120
    expect(page.locator("[class*='st-key-open-map-']")).to_have_count(min(few, 12))
    settled(page)
    pictured = page.locator("[data-testid='stEChartsChart'] img[src^='data:image/png']")
    for x, y in within(box, rows=12):  # until the mouse rests on a point
        page.mouse.move(x, y)
        if pictured.is_visible():
            break
    expect(pictured).to_be_visible()
    page.mouse.click(x, y)  # within the mark
    expect(page.get_by_role("heading", level=1, name="Samples")).to_be_visible()
    expect(page.get_by_text(re.compile(f"^\\d+ of {few}$"))).to_be_visible()
    assert shown_title(page) == (few, total)
    assert "region=" in page.url

    other = browser.new_context().new_page()
    other.goto(page.url)
    assert shown_title(other) == (few, total)
    other.context.close()


def test_an_embedding_is_made_by_clicking(server, page, finished):
    run, _ = finished
    page.goto(f"{server}/embedding?run={run.id}")
    expect(page.get_by_text("There is no embedding of the training images yet.")).to_be_visible()
    page.locator("[class*='st-key-start-map']").get_by_role("button").click()
    expect(page.get_by_test_id("stEChartsChart")).to_be_visible(timeout=120_000)
    (job,) = folders.jobs_of(run, "embed")
    assert launch.wait(job, 60).state == "finished"
    assert len(reader.embeddings(run.store)) == 1


def test_the_figures_can_be_taken_away(server, page, finished, tmp_path):
    page.goto(f"{server}/figures")
    expect(page.get_by_role("heading", level=1, name="Figures")).to_be_visible()
    settled(page)
    for suffix in ("svg", "png", "json"):
        with page.expect_download() as download:
            page.locator(f"[class*='st-key-download-'][class*='fig-6-{suffix}']").get_by_role(
                "button"
            ).click()
        download.value.save_as(tmp_path / f"fig.{suffix}")
    assert b"<svg" in (tmp_path / "fig.svg").read_bytes()[:200]
    assert (tmp_path / "fig.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "fig.json").read_text())["$schema"].startswith(
        "https://vega.github.io/schema/vega-lite"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_every_page_nothing_is_cut_off_and_nothing_lies_over_something_else(
    server, browser, mapped, scheme
):
    """Every page is opened once, in a wide or a narrow window, which then becomes the other."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    errors = watch(page)
    (other,) = (run for run in folders.all_runs() if run.id != mapped.id)
    places = [*((path, mapped.id) for path in PAGES), ("embedding", other.id)]  # which has none
    for number, (path, run) in enumerate(places):
        first, then = WIDTHS[:: 1 if number % 2 else -1]
        page.set_viewport_size({"width": first, "height": 900})
        page.goto(f"{server}/{path}{'&' if '?' in path else '?'}run={run}")
        title = path.partition("?")[0].capitalize() or "Train"
        expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
        settled(page)
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
        assert page.get_by_test_id("stException").count() == 0, path
        assert flaws(page) == [], (path, first)
        resize(page, then)
        assert lasting_flaws(page) == [], (path, then)
    context.close()
    assert errors == []


def test_every_control_can_be_reached_by_the_keyboard_and_says_what_it_is(server, page, mapped):
    """From the page's first control on, Tab visits controls, each with a name, the main act before
    the exports."""
    page.goto(f"{server}/margins?run={mapped.id}")
    settled(page)
    names = page.evaluate(
        """() => [...document.querySelectorAll('button, a[href], input, textarea, [role=slider]')]
            .filter(e => e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true,
            contentVisibilityAuto: true})
              && e.getBoundingClientRect().width > 0)
            .map(e => (e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText ||
            e.title || '').trim()
              || (e.closest('[aria-label]')?.getAttribute('aria-label') ?? ''))"""
    )
    assert len(names) > 20
    assert "" not in names
    order = [
        next(k for k, name in enumerate(names) if name.endswith(wanted))
        for wanted in ("Embedding", "Margins", "Samples")
    ]
    assert order == sorted(order)
