"""A run's name: kept beside it, shown in place of its id, told from the names of others."""

import json

import pytest

import smd
from smd.config.schema import TrainConfig
from smd.errors import UserError
from smd.export.card import named_card
from smd.files import durable
from smd.runs import folders, names, notes
from smd.runs.notes import Notes

CARD = "# SMD on digits\n\n|  | as trained |\n| --- | --- |\n| Data | digits |\n"


@pytest.fixture
def run():
    return folders.create(TrainConfig())


def test_the_shell_gives_and_takes_a_name(run, smd_here):
    said = smd_here("rename", "last", "  Baseline,\n8 by\u202e8 ").stdout
    assert said == f"{run.id} Baseline, 8 by 8\n"
    assert notes.read(run).name == smd.load_run(run.id).name == "Baseline, 8 by 8"
    assert "Baseline, 8 by 8" in smd_here("runs").stdout
    listed = json.loads(smd_here("runs", "--format", "json").stdout)
    assert (listed[0]["run"], listed[0]["name"]) == (run.id, "Baseline, 8 by 8")
    assert smd_here("rename", run.id, "").stdout == f"{run.id}\n"
    assert smd.load_run("last").name == run.id


def test_a_name_leaves_notes_alone_and_they_leave_it(run, smd_here):
    notes.write(run, Notes("Grows.", ("paper",), True))
    smd_here("rename", run.id, "Baseline")
    smd_here("note", run.id, "--untag", "paper")
    assert notes.read(run) == Notes("Grows.", (), True, name="Baseline")


def test_a_name_that_is_too_long_is_refused(run, smd_here):
    done = smd_here("rename", run.id, "x" * 61, check=False)
    assert done.returncode == 1
    assert "shorten it to 60" in done.stderr
    with pytest.raises(UserError):
        notes.change(run, lambda before: Notes(name="x" * 61))
    assert notes.read(run).name == ""


@pytest.mark.parametrize(
    ("stored", "read"),
    [("x" * 100, "x" * 60), (3, ""), (["a"], ""), ("a\x1b[31m\nb", "a [31m b"), ("\u202e", "")],
)
def test_a_stored_name_may_say_anything(run, stored, read):
    (run.folder / notes.FILE).write_text(json.dumps({"name": stored}))
    assert notes.read(run).name == read


def test_no_two_runs_are_called_alike():
    given = {
        "1-digits-aaaa": ("base", "1-digits-aaaa"),
        "2-digits-bbbb": ("base", "2-digits-bbbb"),
        "3-digits-bbbb": ("base", "3-digits-bbbb"),
        "4-digits-cccc": ("1-digits-dddd", "4-digits-cccc"),
        "1-digits-dddd": ("", "1-digits-dddd"),
        "5-digits-eeee": ("alone", "5-digits-eeee"),
        "6-digits-ffff": ("base (aaaa)", "6-digits-ffff"),
    }
    called = names.distinct(given)
    assert len(set(called.values())) == len(given)
    assert called["5-digits-eeee"] == "alone"
    assert called["1-digits-dddd"] == "1-digits-dddd"  # it has no name
    assert called["4-digits-cccc"] == "1-digits-dddd (cccc)"


def test_exports_show_names_and_keep_ids_of_the_unnamed(finished, smd_here):
    one, two = finished
    smd_here("rename", one.id, "Ours")
    table = smd_here("export", one.id, two.id, "--table", "epochs", "--format", "json").stdout
    assert {row["run"] for row in json.loads(table)} == {"Ours", two.id}
    wide = smd_here("export", one.id, two.id, "--format", "markdown").stdout
    assert "| Ours " in wide
    assert two.id in wide
    assert one.id not in wide


def test_the_card_says_the_name(run):
    durable.write(run.card, CARD)
    notes.write(run, Notes(name="a | b"))
    assert "| --- | --- |\n| Name | a \\| b |\n| Data |" in run.card.read_text()
    notes.write(run, Notes(name="c"))
    assert run.card.read_text() == named_card(CARD, "c")
    notes.write(run, Notes())
    assert run.card.read_text() == CARD


def test_a_card_without_facts_stays_as_it_is():
    assert named_card("# Mine\n", "a") == "# Mine\n"


def test_the_report_says_the_name_and_the_id(finished, smd_here, tmp_path):
    run, _ = finished
    smd_here("rename", run.id, "<b>Ours</b>")
    smd.load_run(run.id).report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Ours&lt;/b&gt;: SMD on" in page
    assert run.id in page
    assert "<b>Ours" not in page
