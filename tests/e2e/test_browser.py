"""In a real browser: train on digits by clicking, watch it, look at margins and samples, attack, export."""

import csv
import io
import re

import pytest
from e2e.conftest import watch
from playwright.sync_api import expect

from smd import runs
from smd.jobs import launch
from smd.store import reader
from smd.units import show_level

pytestmark = pytest.mark.e2e
LONG = 120_000  # milliseconds that a job may take on a busy machine


def choose_page(page, name):
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible(timeout=20_000)


def test_the_whole_path_by_clicking(server, page, tmp_path):
    page.goto(server)
    page.get_by_role("spinbutton", name="Epochs").fill("8")
    page.get_by_role("spinbutton", name="Epochs").press("Enter")
    expect(page.get_by_text("--epochs 8")).to_be_visible()
    page.get_by_role("button", name="Train", exact=True).click()

    expect(page.get_by_role("heading", level=1, name="Live")).to_be_visible(timeout=20_000)
    (run,) = runs.all_runs()
    expect(page.get_by_role("heading", name="Accuracy under attack, epoch by epoch")).to_be_visible(timeout=LONG)
    curve = page.get_by_test_id("stVegaLiteChart").first
    expect(curve.locator("canvas, svg").first).to_be_visible(timeout=20_000)
    before = curve.screenshot()
    expect(page.get_by_text(re.compile("finished$")).first).to_be_visible(timeout=LONG)
    assert curve.screenshot() != before
    assert launch.wait(run.folder, 60).state == "finished"
    assert "run=digits-smd-" in page.url

    choose_page(page, "Margins")
    expect(page.get_by_role("heading", name="Margins of the training images after epoch 8")).to_be_visible()
    share = reader.share_beyond(run.store, 8, [8 / 255])[8 / 255]
    expect(page.get_by_text(f"{100 * share:.1f} %").first).to_be_visible()

    choose_page(page, "Samples")
    expect(page.get_by_role("heading", name=re.compile(r"Image \d+ ·")).first).to_be_visible()
    page.get_by_role("spinbutton", name="Image id").fill("0")
    page.get_by_role("spinbutton", name="Image id").press("Enter")
    expect(page.get_by_text(re.compile(r"^adversarial: .*%$")).first).to_be_visible(timeout=20_000)
    picture = page.get_by_role("img", name=re.compile("^adversarial:"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 176
    assert picture.get_attribute("src").startswith("data:image/png")  # the very pixels, not a lossy copy

    tile = page.locator("[class*='st-key-open-train-']").nth(5).get_by_role("button")
    tile.click()
    expect(page).to_have_url(re.compile(r"sample=[1-9]"), timeout=20_000)
    chosen = re.search(r"sample=(\d+)", page.url).group(1)
    expect(page.get_by_role("heading", name=re.compile(f"Image {chosen} ·"))).to_be_visible(timeout=20_000)

    choose_page(page, "Attacks")
    page.get_by_role("spinbutton", name="Steps").fill("5")
    page.get_by_role("spinbutton", name="Steps").press("Enter")
    page.get_by_role("spinbutton", name="Test images").fill("50")
    page.get_by_role("spinbutton", name="Test images").press("Enter")
    expect(page.get_by_text("ce-pgd:steps=5")).to_be_visible()
    page.get_by_role("button", name="Attack", exact=True).click()
    expect(page.get_by_role("heading", name="CE-PGD, 5 steps, test images")).to_be_visible(timeout=LONG)
    with page.expect_download() as download:
        page.locator("[class*='st-key-download-accuracy-ce-pgd-5-'][class*='-csv']").get_by_role("button").click()
    check_csv(download.value.path().read_text(), run)


def check_csv(text, run):
    """The numbers of the downloaded file are those of the store."""
    (row,) = csv.DictReader(io.StringIO(text))
    table = reader.attack_table(run.store)
    own = table[(table["steps"] == 5) & (table["split"] == "test")]
    assert len(own) == 4
    assert row["n"] == "50"
    for eps, accuracy in zip(own["eps"], own["accuracy"], strict=True):
        assert float(row[show_level(eps)]) == round(100 * accuracy, 2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024])
def test_every_page_opens_without_errors_in_both_themes(server, browser, finished, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    errors = watch(page)
    for name in ("train", "live", "margins", "samples", "attacks", "compare"):
        page.goto(f"{server}/{'' if name == 'train' else name}?run={finished[0].id}")
        expect(page.get_by_role("heading", level=1, name=name.capitalize())).to_be_visible(timeout=30_000)
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=20_000)
        assert page.get_by_test_id("stException").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()
    assert errors == []


def test_a_link_reproduces_the_view_in_a_new_browser(server, page, finished):
    run, _ = finished
    page.goto(f"{server}/margins?run={run.id}&epoch=2")
    expect(page.get_by_role("heading", name="Margins of the training images after epoch 2")).to_be_visible(
        timeout=30_000
    )
    page.goto(f"{server}/samples?run={run.id}&sample=17")
    expect(page.get_by_role("heading", name=re.compile("Image 17 ·"))).to_be_visible(timeout=30_000)
