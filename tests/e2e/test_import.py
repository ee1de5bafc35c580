"""In a real browser: a file of weights is imported, attacked, and one of its images looked at; own
images are uploaded."""

import io
import re
import shutil
import zipfile

import pytest
from e2e.looking import flaws, settled
from e2e.test_browser import attack, choose_page
from PIL import Image
from playwright.sync_api import expect

from smd.config.schema import ImportConfig
from smd.jobs import launch
from smd.runs import folders

pytestmark = pytest.mark.e2e
LONG = 120_000  # milliseconds that a job may take on a busy machine


def test_a_file_is_imported_attacked_and_looked_at(server, page, finished, tmp_path):
    file = tmp_path / "from-elsewhere.safetensors"
    shutil.copy(finished[0].weights, file)
    for run in finished:  # it is a stranger's network
        folders.delete(run)
    page.goto(f"{server}/import")
    page.get_by_role("textbox", name="File").fill(str(file))
    page.get_by_role("textbox", name="File").press("Enter")
    expect(page.get_by_text("smd import").first).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.get_by_role("heading", name="Imported networks")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("Clean accuracy")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("Was it trained with another normalisation?")).to_be_visible()
    settled(page)
    assert flaws(page) == []
    (run,) = folders.all_runs()
    assert isinstance(run.config, ImportConfig)
    assert launch.wait(run.folder, 60).state == "finished"

    page.get_by_role("link", name="Attack it").click()
    expect(page.get_by_role("heading", level=1, name="Attacks")).to_be_visible(timeout=20_000)
    attack(page, steps=5, images=50)
    (job,) = folders.jobs_of(run, "attack")
    assert launch.wait(job, 60).state == "finished"

    choose_page(page, "Samples")
    expect(page.get_by_role("heading", name=re.compile(r"Image \d+ ·")).first).to_be_visible(
        timeout=30_000
    )
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_an_archive_is_uploaded_and_looked_at(server, page, served, tmp_path):
    """By Streamlit's own front end, past its memory: to the disk, or to a sentence."""
    with zipfile.ZipFile(tmp_path / "moles.zip", "w") as packed:
        for k in range(40):
            picture = io.BytesIO()
            Image.effect_noise((12, 12), 60 + k).save(picture, "PNG")
            packed.writestr(f"{'ab'[k % 2]}/{k}.png", picture.getvalue())
    (tmp_path / "broken.zip").write_bytes((tmp_path / "moles.zip").read_bytes()[:-200])
    page.goto(server)
    page.get_by_role("combobox", name="Data set").click()
    page.get_by_role("option", name="My own images").click()
    for name, told in (("broken.zip", "broken.zip cannot be read"), ("moles.zip", "What will be")):
        page.get_by_role("button", name="Upload", exact=True).click()
        page.locator("input[type=file]").set_input_files(tmp_path / name)
        expect(page.get_by_text(told)).to_be_visible(timeout=LONG)
        settled(page)  # the dialog before is gone
    assert flaws(page) == []
    (file,) = (served.with_name("data") / "uploads").iterdir()
    assert file.read_bytes() == (tmp_path / "moles.zip").read_bytes()
    assert page.get_by_role("textbox", name="Folder, archive or array file").input_value() == str(
        file
    )
