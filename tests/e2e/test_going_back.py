"""In a real browser.

Back and Forward, pages that follow what other tabs do, text that means something to Markdown.
"""

from dataclasses import replace

import pytest
from e2e.answers import Answers
from e2e.looking import settled
from playwright.sync_api import expect
from waiting import until

from smd.config.schema import TrainConfig
from smd.jobs import transitions
from smd.runs import folders, notes
from smd.runs.notes import Notes

pytestmark = pytest.mark.e2e
PAGES = (
    "Attacks",
    "Live",
    "Embedding",
    "Margins",
    "Samples",
    "Agreement",
    "Compare",
    "Query",
    "Train",
)


def choose_page(page, name):
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    settled(page)


def content(page):
    """What a page offers: its titles, and what is chosen on it."""
    settled(page)
    titles = page.locator("h1, h2, h3").all_inner_texts()
    chosen = (
        page.get_by_test_id("stMultiSelect").all_inner_texts()
        + page.get_by_test_id("stSelectbox").all_inner_texts()
    )
    return titles, chosen


def test_back_and_forward_show_each_page_as_it_was(server, page, finished):
    answers = Answers(page)
    answers.after(lambda: page.goto(f"{server}/attacks"))
    seen = {}
    for name in PAGES:
        choose_page(page, name)
        seen[name] = content(page)
    names = {name.split("-", 2)[-1] for name in (run.id for run in finished)}
    assert all(any(name in text for text in seen["Attacks"][1]) for name in names)
    for step in (page.go_back, page.go_forward):
        visited = [opened(page)]
        for _ in range(
            3 * len(PAGES)
        ):  # Streamlit puts in an entry where it corrects an address: more steps than pages
            answers.after(step)
            visited.append(opened(page))
            assert content(page) == seen[visited[-1]], visited
            if visited[-1] == (PAGES[0] if step == page.go_back else PAGES[-1]):
                break
        assert set(visited) == set(PAGES)


def opened(page):
    """The page that the address names, when it has come."""
    name = page.evaluate("location.pathname.slice(1)").capitalize() or "Train"
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    return name


def test_a_run_of_the_address_is_cloned(server, page, finished):
    _, std = finished
    page.goto(f"{server}/live?run={std.id.split('-', 2)[-1]}")
    page.get_by_role("button", name="Clone into the form").click()
    expect(page.get_by_role("heading", level=1, name="Train")).to_be_visible()
    expect(page.get_by_text("Settings of")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0


def test_a_page_follows_what_another_tab_does_with_its_run(server, page, own_runs):
    run = folders.create(TrainConfig())
    transitions.write(run.folder, replace(transitions.own(run.status), state="cancelled"))
    page.goto(f"{server}/margins?run={run.id}")
    side = page.get_by_test_id("stSidebar")
    expect(side.get_by_text("cancelled").first).to_be_visible()
    expect(
        page.get_by_text("The run was cancelled before its first epoch was done.")
    ).to_be_visible()
    transitions.write(run.folder, replace(run.status, state="running", stage="training", total=5))
    expect(side.get_by_text("running").first).to_be_visible()
    expect(page.get_by_text("The first epoch is under way.")).to_be_visible()
    transitions.write(run.folder, replace(run.status, state="failed", error="The disk is full."))
    expect(side.get_by_text("failed").first).to_be_visible()


DESKTOP = """
window.asked = 0; window.shown = [];
Object.defineProperty(document, "hidden", { get: () => true });
window.Notification = class {
  static permission = "default";
  static async requestPermission() { window.asked += 1; return this.permission = "granted"; }
  constructor(title, options) { window.shown.push(`${title}: ${options.body}`); }
};
"""


def test_the_desktop_is_told_of_a_job_s_end_once_the_browser_was_asked(server, page, own_runs):
    run = folders.create(TrainConfig())
    status = replace(transitions.own(run.status), state="running", stage="training", total=5)
    transitions.write(run.folder, status)
    page.add_init_script(DESKTOP)
    page.goto(f"{server}/live?run={run.id}")
    page.get_by_role("button", name="Notify me").click()
    until(lambda: page.evaluate("asked") == 1, "the question")
    transitions.write(run.folder, replace(status, state="failed", error="The disk is full."))
    until(lambda: page.evaluate("shown.length"), "a notification", pause=0.2)
    shown = page.evaluate("shown")
    assert len(shown) == 1
    assert shown[0].startswith("SMD Studio: ") and "failed: The disk is full." in shown[0]


def test_attacks_lists_a_run_that_has_finished_meanwhile(server, page, finished):
    run, std = finished
    away = std.weights.with_name("away")
    std.weights.rename(away)
    transitions.write(
        std.folder, replace(transitions.own(std.status), state="running", stage="training")
    )
    page.goto(f"{server}/attacks")
    chosen = page.get_by_test_id("stMultiSelect").filter(has_text="Runs")
    expect(chosen.get_by_text(run.id.split("-", 2)[-1])).to_be_visible()
    assert std.id.split("-", 2)[-1] not in chosen.inner_text()
    away.rename(std.weights)
    transitions.write(std.folder, replace(std.status, state="finished"))
    expect(chosen.get_by_text(std.id.split("-", 2)[-1])).to_be_visible()


def test_saving_a_note_leaves_its_panel_open_and_shows_it_as_it_is(server, page, finished):
    run, _ = finished
    page.goto(f"{server}/live?run={run.id}")
    settled(page)
    page.get_by_test_id("stExpander").get_by_text("Name, notes and tags").click()
    field = page.get_by_role("textbox", name="Notes")
    for text in ("# *bold* :material/check: a -> b", "second :red[note]"):
        field.fill(text)
        field.press("Control+Enter")
        expect(page.get_by_test_id("stText").get_by_text(text, exact=True)).to_be_visible()
        expect(field).to_be_visible()
    assert notes.read(run) == Notes(text="second :red[note]")


def test_tags_and_reasons_read_as_they_were_written(server, page, own_runs):
    run = folders.create(TrainConfig())
    nasty = "*b* :material/check: :red[x] :smile: a -> b http://a.b"
    notes.write(run, Notes(tags=(nasty[:40],)))
    transitions.write(run.folder, replace(transitions.own(run.status), state="failed", error=nasty))
    page.goto(f"{server}/live?run={run.id}")
    settled(page)
    alert, badge = (
        page.get_by_test_id("stAlert").first,
        page.locator(".stMarkdownBadge").all_inner_texts(),
    )
    assert nasty in alert.inner_text().replace("\u2060", "")
    assert nasty[:40] in " ".join(badge).replace("\u2060", "")
    assert alert.locator("a, em").count() == 0
