"""Every part but the step's, measured quickly as `python -m smd.bench` does it: columns, and figures that can be.

A process of its own, since pyautoattack ends what traces a process and Playwright runs once in one.
"""

import json
import math
import os
import subprocess
import sys

import pytest

from smd.bench.browser import PLACES
from smd.paths import REPOSITORY

VALUES = {"what", "value", "unit"}
COLUMNS = {
    "autoattack": {"way", "seconds", "ratio", "equal", "of", "withstood"},
    "store": VALUES,
    "startup": VALUES,
    "memory": VALUES,
    "growth": {"what", "from", "to", "seconds_before", "seconds_after", "ratio", "proportional"},
}
NOUGHT = {"withstood"}  # may be 0


@pytest.fixture(scope="module")
def figures(tmp_path_factory, own_cache):
    """What bench.json holds, and the folder it is in."""
    out = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, "-m", "smd.bench", *COLUMNS, "--quick", "--out", str(out)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads((out / "bench.json").read_text()), out


def rows(figures, name):
    (part,) = [part for part in figures[0]["parts"] if part["name"] == name]
    return part["rows"]


@pytest.mark.parametrize("name", COLUMNS)
def test_a_part_has_its_columns_and_finite_positive_figures(figures, name):
    assert rows(figures, name)
    for row in rows(figures, name):
        assert row.keys() == COLUMNS[name]
        numbers = {column: value for column, value in row.items() if not isinstance(value, str)}
        assert all(math.isfinite(value) for value in numbers.values())
        assert all(value > 0 for column, value in numbers.items() if column not in NOUGHT)


def test_all_parts_are_there_in_the_order_asked_for_and_drawn(figures):
    values, out = figures
    assert [part["name"] for part in values["parts"]] == list(COLUMNS)
    assert all(part["note"].endswith(".") for part in values["parts"])
    assert "Cost against size" in (out / "bench.svg").read_text()


def test_all_verdicts_are_those_of_pyautoattack(figures):
    direct, ours = rows(figures, "autoattack")
    assert (direct["way"], ours["way"]) == ("pyautoattack", "smd")
    assert ours["equal"] == ours["of"]


def test_the_store_is_written_read_and_weighed(figures):
    found = rows(figures, "store")
    assert [row["unit"] for row in found] == ["s"] * 5 + ["MB"]
    assert [row["what"].split()[0] for row in found] == ["write", *["read"] * 4, "size"]


def test_every_page_is_visited_twice_where_there_is_a_browser(figures):
    (part,) = [part for part in figures[0]["parts"] if part["name"] == "startup"]
    if "no page was measured" in part["note"]:
        assert os.environ.get("CI") != "true", part["note"]
        pytest.skip(part["note"])
    visits = [row["what"] for row in part["rows"][3:]]
    assert visits == [f"{place.title}, {visit}" for visit in ("first", "again") for place in PLACES]


def test_training_takes_more_memory_than_the_imports(figures):
    imports, *networks = (row["value"] for row in rows(figures, "memory"))
    assert networks
    assert 50 < imports < min(networks)


def test_samples_epochs_and_classes_grow(figures):
    found = rows(figures, "growth")
    for row in found:
        assert row["ratio"] == pytest.approx(row["seconds_after"] / row["seconds_before"])
        assert row["proportional"] == (10 if row["what"].endswith("classes") else 2)
    for work in ("write a store", "read", "train on digits", "one SMD step, classes", "CE-PGD"):
        assert any(row["what"].startswith(work) for row in found)
