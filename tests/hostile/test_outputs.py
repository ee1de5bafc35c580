"""What goes to a terminal or a spreadsheet says what a stranger wrote, and does nothing that it
asks for."""

import io
import re
import tomllib

import pandas as pd
import pytest

from smd import export
from smd.cli.table import print_table
from smd.paths import AROUND as REPOSITORY
from smd.runs import folders, notes
from smd.terminal.progress import Progress
from smd.terminal.visible import visible
from tests.conftest import smd
from tests.hostile import making_stranger as making

EVIL = "\x1b[2J\x1b]0;title\x07 \x9b31m \u202eright to left\u202c \x7f\x08\r"


def harmless(text):
    return all(
        c in "\n\t" or (ord(c) >= 32 and not 0x7F <= ord(c) <= 0x9F and c not in "\u202e\u202c")
        for c in text
    )


def test_control_characters_are_shown():
    assert harmless(visible(EVIL))
    assert visible("\x1b[31mred\x7f\x9b") == "␛[31mred␡\\u009b"
    assert visible("naïve γ₂\n日本\tx") == "naïve γ₂\n日本\tx"


@pytest.mark.parametrize("form", ["text", "markdown", "latex"])
def test_tables_on_a_terminal_are_harmless(form, capsys):
    print_table(pd.DataFrame({"a" + EVIL: ["b" + EVIL]}), form)
    assert harmless(capsys.readouterr().out)


def test_what_a_program_reads_is_as_it_is(capsys):
    print_table(pd.DataFrame({"a": ["x\x1b"]}), "csv")
    assert "x\x1b" in capsys.readouterr().out


@pytest.mark.slow
def test_runs_notes_and_errors_are_harmless(own_runs):
    run = folders.Run("20240101-000000-digits-smd-0bad", making.run(own_runs))
    making.dump(run.folder / "status.json", {"state": "failed", "error": EVIL, "created": 1.0})
    making.dump(run.folder / "notes.json", {"text": EVIL, "tags": ["a" + EVIL]})
    listed, noted = smd("runs", root=own_runs), smd("note", run.id, root=own_runs)
    refused = smd("delete", "x" + EVIL, root=own_runs, check=False)
    assert harmless(listed.stdout)
    assert harmless(noted.stdout)
    assert harmless(refused.stderr)
    assert "␛" in noted.stdout
    assert notes.read(run).text == EVIL  # kept as it is


def test_progress_and_cards_are_harmless(tmp_path):
    out = io.StringIO()
    Progress("run", tmp_path / "log.txt", out).line("Loading " + EVIL)
    assert harmless(out.getvalue())
    assert harmless((tmp_path / "log.txt").read_text())
    assert harmless(export.to_markdown(pd.DataFrame({"Classes": [EVIL]})))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠x"],
)
def test_no_cell_of_our_csv_is_a_formula(text):
    read = pd.read_csv(io.StringIO(export.to_csv(pd.DataFrame({text: [text]}))), dtype=str)
    assert read.columns[0].startswith("'")
    assert read.iloc[0, 0].startswith("'")


@pytest.mark.parametrize("text", ["a;=1+1", "a; @SUM(1)", "a\t=1", "1;2;-3+4", "a,b;+1", '"a";=1'])
def test_nor_is_one_where_a_semicolon_or_a_tab_ends_a_cell(text):
    table = pd.DataFrame({"before": ["x"], "own": [text], "number": [-1.5]})
    written = export.to_csv(table)
    for cell in re.split("[;,\t\n]", written):
        assert not re.match(r"[\s\"]*[=+@]|[\s\"]*-(?!1\.5$)", cell), written
    assert pd.read_csv(io.StringIO(written)).loc[0, "number"] == -1.5


def test_a_text_with_semicolons_is_as_it_is():
    assert export.to_csv(pd.DataFrame({"own": ["a; b;c"]})) == "own\na; b;c\n"


def test_folders_whose_names_cannot_be_printed_are_counted(own_runs):
    making.run(own_runs)
    assert folders.nameless() == ""
    for name in ("20240101-000001-a\nb", "20240101-000002-\x1b[31m"):
        making.run(own_runs, name)
    said = smd("runs", root=own_runs).stderr
    assert "2 folders in" in said
    assert "rename them to see the runs" in said
    assert harmless(said)


def test_the_built_in_download_of_tables_is_off():
    settings = tomllib.loads((REPOSITORY / "app" / ".streamlit" / "config.toml").read_text())
    assert settings["client"]["disableDataExport"] is True
