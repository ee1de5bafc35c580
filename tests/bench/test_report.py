"""Tables, JSON and the picture of a benchmark; which parts run and where their figures go."""

import json

import pytest

from smd.bench import __main__ as command
from smd.bench import chart, machine, report
from smd.bench.part import Part

ROWS = [
    {"what": "write", "value": 0.0625, "unit": "s"},
    {"what": "size", "value": 12.5, "unit": "MB"},
]
STORE = Part("store", "The store", ROWS, "A note.")


def test_the_figures_written_read_back(tmp_path):
    path = tmp_path / "new" / "bench.json"
    about = machine.machine()
    report.write(path, [report.Done(STORE, 1.5), report.Done(STORE, 2.0)], about, quick=True)
    values = json.loads(path.read_text())
    assert values["parts"][0] == {
        "name": "store",
        "title": "The store",
        "rows": ROWS,
        "note": "A note.",
        "seconds": 1.5,
    }
    assert values["machine"] == about
    assert values["seconds"] == 3.5
    assert values["quick"] is True


def test_a_figure_that_is_no_number_is_refused(tmp_path):
    broken = Part("store", "The store", [{"what": "write", "value": float("nan"), "unit": "s"}], "")
    with pytest.raises(ValueError, match="not JSON compliant"):
        report.write(tmp_path / "bench.json", [report.Done(broken, 1.0)], {}, quick=False)


def test_a_table_shows_title_figures_and_note():
    lines = report.text(report.Done(STORE, 2.0)).splitlines()
    assert lines[0] == "The store (store, 2 s)"
    assert lines[2].split() == ["write", "0.0625", "s"]
    assert lines[-1] == "A note."


def test_the_machine_is_named():
    about = machine.machine()
    assert about["cpu"]
    assert about["cores"] >= 1
    assert about["packages"]["torch"]
    assert about["date"].startswith("20")


def test_the_picture_has_a_bar_for_each_row_of_the_unit(tmp_path):
    bars = chart.bars(STORE, chart.VIEWS["store"]).to_dict()
    (rows,) = bars["datasets"].values()
    assert rows == [{"label": "write", "value": 0.0625}]
    other = Part("other", "Not drawn", ROWS, "")
    chart.write(tmp_path / "bench.svg", [STORE, other])
    picture = (tmp_path / "bench.svg").read_text()
    assert picture.startswith("<svg")
    assert "The store" in picture
    assert "Not drawn" not in picture


@pytest.fixture
def part(monkeypatch):
    """A benchmark of one part that is over at once; the list of what it was asked."""
    asked = []

    def measure(quick):
        asked.append(quick)
        return STORE

    monkeypatch.setattr(command, "PARTS", {"store": "the one"})
    monkeypatch.setattr(command.registry, "load", {"the one": measure}.get)
    return asked


def test_all_parts_at_full_size_go_to_the_documentation(part, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "OUT", tmp_path / "docs")
    assert command.main([]) == 0
    assert part == [False]
    assert {path.name for path in (tmp_path / "docs").iterdir()} == {"bench.json", "bench.svg"}


@pytest.mark.parametrize("words", [["store"], ["--quick"]])
def test_a_part_or_a_quick_look_leaves_the_documentation_alone(
    part, tmp_path, monkeypatch, capsys, words
):
    monkeypatch.setattr(command, "OUT", tmp_path / "docs")
    assert command.main(words) == 0
    assert "The store" in capsys.readouterr().out
    assert not (tmp_path / "docs").exists()


def test_an_unknown_part_is_refused_before_any_is_measured(part, capsys):
    assert command.main(["store", "speed"]) == 1
    assert "There is no part 'speed': choose one of store." in capsys.readouterr().err
    assert part == []
