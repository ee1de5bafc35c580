"""In a real browser.

Train on digits by clicking, watch it, look at margins and samples, attack, export.
"""

import csv
import io
import re

import pandas as pd
import pytest
from playwright.sync_api import Error, expect
from storing import estimate

from smd.evaluation import examples
from smd.jobs import launch
from smd.runs import folders
from smd.store import reader
from smd.store.writer import Recorder
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
    expect(page.get_by_text("--epochs 8").first).to_be_visible()
    page.get_by_role("button", name="Train", exact=True).click()

    expect(page.get_by_role("heading", level=1, name="Live")).to_be_visible(timeout=20_000)
    (run,) = folders.all_runs()
    expect(page.get_by_role("heading", name="Accuracy under attack, epoch by epoch")).to_be_visible(
        timeout=LONG
    )
    curve = page.get_by_test_id("stVegaLiteChart").first
    expect(curve.locator("canvas, svg").first).to_be_visible(timeout=20_000)
    before = screenshot_of(curve)
    expect(page.get_by_text(re.compile("finished$")).first).to_be_visible(timeout=LONG)
    assert screenshot_of(curve) != before
    assert launch.wait(run.folder, 60).state == "finished"
    assert "run=digits-smd-" in page.url

    choose_page(page, "Margins")
    expect(
        page.get_by_role("heading", name="Margins of the training images after epoch 8")
    ).to_be_visible()
    share = reader.share_beyond(run.store, 8, [8 / 255])[8 / 255]
    expect(page.get_by_text(f"{100 * share:.1f} %").first).to_be_visible()

    choose_page(page, "Samples")
    expect(page.get_by_role("heading", name=re.compile(r"Image \d+ ·")).first).to_be_visible()
    twin = int(examples.read(run.adv / "final-train_8-255_0.npz").idx[0])
    page.get_by_role("spinbutton", name="Image id").fill(str(twin))
    page.get_by_role("spinbutton", name="Image id").press("Enter")
    expect(page.get_by_text(re.compile(r"^adversarial: .*%$")).first).to_be_visible(timeout=20_000)
    picture = page.get_by_role("img", name=re.compile("^adversarial:"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 176
    # the very pixels, not a lossy copy
    assert picture.get_attribute("src").startswith("data:image/png")

    # the picture itself is what is clicked: its tile's button lies over it
    tile = page.locator("[class*='st-key-tile-samples-']").nth(5)
    chosen = re.search(r"st-key-tile-samples-(\d+)", tile.get_attribute("class")).group(1)
    tile.get_by_role("img").click(force=True)
    expect(page).to_have_url(re.compile(f"sample={chosen}\\b"), timeout=20_000)
    opened = page.get_by_role("heading", name=re.compile(f"Image {chosen} ·"))
    expect(opened).to_be_in_viewport(timeout=20_000)
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(re.compile(f"sample={chosen}\\b"), timeout=20_000)
    page.keyboard.press("ArrowLeft")
    expect(opened).to_be_visible(timeout=20_000)

    choose_page(page, "Attacks")
    attack(page, steps=5, images=50)
    with page.expect_download() as download:
        export(page, "accuracy-ce-pgd-5-", "csv")
    check_csv(download.value.path().read_text(), run)


def export(page, name, suffix):
    """Take a table away: open its Export menu if it is not open, click on a form."""
    form = page.locator(f"[class*='st-key-download-{name}'][class*='-{suffix}']").get_by_role(
        "button"
    )
    if not form.is_visible():
        page.locator(f"[class*='st-key-export-{name}']").get_by_role("button").click()
    form.click()


def screenshot_of(chart, tries=10):
    """A screenshot of a chart that a rerun may replace at any moment."""
    for _ in range(tries - 1):
        try:
            return chart.screenshot(timeout=10_000)
        except Error:
            expect(chart).to_be_visible()
    return chart.screenshot()


def attack(page, steps, images):
    """Fill in the form of the Attacks page for a CE-PGD, start it and wait for its table."""
    page.get_by_role("spinbutton", name="Images").fill(str(images))
    page.get_by_role("spinbutton", name="Images").press("Enter")
    expect(page.get_by_text(f"--n {images}")).to_be_visible()
    page.get_by_role("button", name="More").click()
    page.get_by_role("spinbutton", name="Steps").fill(str(steps))
    page.get_by_role("spinbutton", name="Steps").press("Enter")
    expect(page.get_by_text(f"ce-pgd:steps={steps}")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Attack", exact=True).click()
    expect(page.get_by_role("heading", name=f"CE-PGD, {steps} steps, test images")).to_be_visible(
        timeout=LONG
    )
    # all of its levels are there
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0, timeout=LONG)


def test_two_runs_are_attacked_compared_and_taken_away(server, page, finished, tmp_path):
    """Table, where margin and attack disagree, one sample's verdicts, LaTeX and Parquet."""
    _, std_run = finished
    # so generous that attacks must disagree
    estimate(Recorder(std_run.store), [200] * 359, "gem", split="test")
    page.goto(f"{server}/attacks")
    expect(page.get_by_role("heading", level=1, name="Attacks")).to_be_visible(timeout=30_000)
    attack(page, steps=7, images=60)
    for run in finished:
        (job,) = folders.jobs_of(run, "attack")
        assert launch.wait(job, 120).state == "finished"
    page.reload()
    expect(page.get_by_role("heading", name="CE-PGD, 7 steps, test images")).to_be_visible(
        timeout=30_000
    )

    for suffix in ("tex", "parquet"):
        with page.expect_download() as download:
            export(page, "accuracy-ce-pgd-7-", suffix)
        download.value.save_as(tmp_path / f"table.{suffix}")
    table = pd.read_parquet(tmp_path / "table.parquet")
    text = (tmp_path / "table.tex").read_text()
    assert sorted(table["defense"]) == ["SMD", "STD"]
    assert r"\toprule" in text
    for value in table["8/255"]:
        assert f"{value:.2f}" in text

    page.goto(f"{server}/agreement?run={std_run.id}")
    expect(page.get_by_role("heading", name="Does the margin predict CE-PGD")).to_be_visible(
        timeout=30_000
    )
    expect(page.get_by_role("heading", name="Where margin and attack disagree")).to_be_visible()
    tile = page.locator("[class*='st-key-open-']").first.get_by_role("button")
    tile.click()
    expect(page.get_by_role("heading", level=1, name="Samples")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("heading", name="What became of it under attack")).to_be_visible(
        timeout=20_000
    )


def test_a_sweep_by_clicking_trains_every_chosen_defense_once(server, page):
    """Two defenses on the digits; the same sweep once more has nothing left to do; Compare shows
    both."""
    page.goto(server)
    page.get_by_role("spinbutton", name="Epochs").fill("2")
    page.get_by_role("spinbutton", name="Epochs").press("Enter")
    page.get_by_text("Sweep: several defenses and seeds").click()
    sweep = page.get_by_test_id("stExpander").filter(has_text="Sweep")
    sweep.get_by_role("button", name="SMD", exact=True).click()
    sweep.get_by_role("button", name="FAT8*", exact=True).click()
    expect(sweep.get_by_text("std,fat")).to_be_visible()
    sweep.get_by_role("button", name="Start 2 runs").click()
    expect(page.get_by_text("2 of 2 runs are queued or there already.")).to_be_visible()
    assert sorted(run.config.defense for run in folders.all_runs()) == ["fat", "std"]
    for run in folders.all_runs():
        assert launch.wait(run.folder, 120).state == "finished"
    sweep.get_by_role("button", name="Start 2 runs").click()
    expect(sweep.get_by_text("2 of them are there already.")).to_be_visible()
    assert len(folders.all_runs()) == 2

    choose_page(page, "Compare")
    expect(
        page.get_by_role("heading", name="Clean against robust accuracy on digits")
    ).to_be_visible()
    chosen = next(run for run in folders.all_runs() if run.config.defense == "fat")
    page.goto(f"{server}/margins?run={chosen.id}")
    expect(
        page.get_by_role("heading", name="PGD steps before the image was emitted")
    ).to_be_visible(timeout=30_000)


def check_csv(text, run):
    """The numbers of the downloaded file are those of the store."""
    (row,) = csv.DictReader(io.StringIO(text))
    table = reader.attack_table(run.store)
    own = table[(table["steps"] == 5) & (table["split"] == "test")]
    assert len(own) == 4
    assert row["n"] == "50"
    for eps, accuracy in zip(own["eps"], own["accuracy"], strict=True):
        assert float(row[show_level(eps)]) == round(100 * accuracy, 2)


def test_a_link_reproduces_the_view_in_a_new_browser(server, page, finished):
    run, _ = finished
    page.goto(f"{server}/margins?run={run.id}&epoch=2")
    expect(
        page.get_by_role("heading", name="Margins of the training images after epoch 2")
    ).to_be_visible(timeout=30_000)
    page.goto(f"{server}/samples?run={run.id}&sample=17")
    expect(page.get_by_role("heading", name=re.compile("Image 17 ·"))).to_be_visible(timeout=30_000)
