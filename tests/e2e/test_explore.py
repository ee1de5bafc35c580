"""In a real browser: draw, click and follow links through the images of a run."""

import json
import re

import pytest
from e2e.conftest import watch
from e2e.looking import flaws, settled
from playwright.sync_api import expect

from smd.config.schema import EmbeddingConfig
from smd.jobs import launch
from smd.runs import folders
from smd.store import reader

pytestmark = pytest.mark.e2e
PAGES = (
    "",
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


@pytest.fixture
def mapped(finished):
    """The finished SMD run with an embedding of its training images."""
    run, _ = finished
    folder = folders.create_job(
        run, EmbeddingConfig(run.id, split="train", n=120, pairs=20, device="cpu"), claim=True
    )
    from smd.tasks.embedding import embedding_run

    embedding_run(folder)
    return run


def picture(page, kind="stVegaLiteChart"):
    """The first chart's box on the screen."""
    settled(page)
    return page.get_by_test_id(kind).first.locator("canvas, svg").first.bounding_box()


def drag(page, start, *stops):
    page.mouse.move(*start)
    page.mouse.down()
    for stop in stops:
        page.mouse.move(*stop, steps=6)
    page.mouse.up()


def shown_title(page):
    """How many images are meant, as the sidebar says: (these, of how many)."""
    found = page.get_by_test_id("stSidebar").get_by_text(
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
    page.get_by_role("button", name="Show all").click()
    expect(
        page.get_by_test_id("stSidebar").get_by_text("300 training images", exact=True)
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
    expect(page.locator("[class*='st-key-open-map-']")).to_have_count(min(few, 24))
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Samples", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Samples")).to_be_visible()
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
@pytest.mark.parametrize("width", [1440, 1024])
def test_on_every_page_nothing_is_cut_off_and_nothing_lies_over_something_else(
    server, browser, mapped, scheme, width
):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    errors = watch(page)
    for path in PAGES:
        page.goto(f"{server}/{path}{'&' if '?' in path else '?'}run={mapped.id}")
        settled(page)
        assert page.get_by_test_id("stException").count() == 0, path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        assert flaws(page) == [], path
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
