"""Every part but the step's, measured quickly as `python -m smd.bench` does it.

Columns, and figures that can be.

In processes of their own, since pyautoattack ends what traces a process and Playwright runs once in
one.
"""

import json
import math
import os
import subprocess
import sys

import pytest

from smd.bench.browser import PLACES
from smd.paths import AROUND as REPOSITORY

VALUES = {"what", "value", "unit"}
COLUMNS = {
    "autoattack": {"way", "seconds", "ratio", "equal", "of", "withstood"},
    "store": VALUES,
    "startup": VALUES,
    "memory": VALUES,
    "scale": {
        "what",
        "processes",
        "seconds",
        "command",
        "images_per_s",
        "efficiency",
        "equal",
        "of",
        "farthest",
        "equal_last",
        "farthest_last",
    },
    "roofline": {
        "network",
        "batch",
        "work",
        "seconds",
        "percent",
        "gflop",
        "peak_percent",
        "floor",
    },
    "growth": {"what", "from", "to", "seconds_before", "seconds_after", "ratio", "proportional"},
    "sessions": {"sessions", "pages", "seconds", "open_mib", "left_mib"},
}
NOUGHT = {"withstood", "farthest", "farthest_last", "gflop", "peak_percent"}  # may be 0
# mostly one waits for its browser
TOGETHER = (
    ("startup", "scale"),
    ("autoattack", "store", "memory", "roofline", "growth", "sessions"),
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory, own_cache):
    """The parts by name, and the folders of the two processes that measured them side by side."""
    found, folders, started = {}, [], []
    for names in TOGETHER:
        out = tmp_path_factory.mktemp("bench")
        words = [sys.executable, "-m", "smd.bench", *names, "--quick", "--out", str(out)]
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        started.append(
            subprocess.Popen(words, cwd=REPOSITORY, env=env, stderr=subprocess.PIPE, text=True)
        )
        folders.append(out)
    said = [process.communicate(timeout=1200)[1] for process in started]
    for process, words, out in zip(started, said, folders, strict=True):
        assert process.returncode == 0, words
        values = json.loads((out / "bench.json").read_text())
        found |= {part["name"]: part for part in values["parts"]}
    return found, folders


@pytest.mark.slow(20)
@pytest.mark.parametrize("name", COLUMNS)
def test_a_part_has_its_columns_and_finite_positive_figures(measured, name):
    rows = measured[0][name]["rows"]
    assert rows
    for row in rows:
        assert row.keys() == COLUMNS[name]
        numbers = {column: value for column, value in row.items() if not isinstance(value, str)}
        assert all(math.isfinite(value) for value in numbers.values())
        assert all(value > 0 for column, value in numbers.items() if column not in NOUGHT)


def test_all_parts_are_there_in_the_order_asked_for_and_drawn(measured):
    parts, folders = measured
    assert list(parts) == [name for names in TOGETHER for name in names]
    assert all(part["note"].endswith(".") for part in parts.values())
    assert "Cost against size" in (folders[1] / "bench.svg").read_text()


def test_all_verdicts_are_those_of_pyautoattack(measured):
    direct, ours = measured[0]["autoattack"]["rows"]
    assert (direct["way"], ours["way"]) == ("pyautoattack", "smd")
    assert ours["equal"] == ours["of"]


def test_the_store_is_written_read_and_weighed(measured):
    found = measured[0]["store"]["rows"]
    assert [row["unit"] for row in found] == ["s"] * 6 + ["MB"]
    assert [row["what"].split()[0] for row in found] == ["write", *["read"] * 5, "size"]


def test_every_page_is_visited_twice_where_there_is_a_browser(measured):
    part = measured[0]["startup"]
    if "no page was measured" in part["note"]:
        assert os.environ.get("CI") != "true", part["note"]
        pytest.skip(part["note"])
    visits = [(row["what"], row["unit"]) for row in part["rows"][3:]]
    assert visits == [
        (f"{place.name}, {visit}", unit)
        for unit in ("s", "s of the processor")
        for visit in ("first", "again")
        for place in PLACES
    ]


def test_training_takes_more_memory_than_the_imports(measured):
    imports, *networks = (row["value"] for row in measured[0]["memory"]["rows"])
    assert networks
    assert 50 < imports < min(networks)


def test_the_time_of_a_step_is_shared_out(measured):
    rows = measured[0]["roofline"]["rows"]
    assert sum(row["percent"] for row in rows) == pytest.approx(100)
    counted = {row["work"] for row in rows if row["gflop"]}
    multiplied = {"convolutions, forward", "convolutions, backward", "matrix products"}
    assert counted == multiplied
    assert all(0 < row["floor"] <= 100 for row in rows)


def test_samples_epochs_and_classes_grow(measured):
    found = measured[0]["growth"]["rows"]
    for row in found:
        assert row["ratio"] == pytest.approx(row["seconds_after"] / row["seconds_before"])
        assert row["proportional"] == (10 if row["what"].endswith("classes") else 2)
    for work in ("write a store", "read", "train on digits", "one SMD step, classes", "CE-PGD"):
        assert any(row["what"].startswith(work) for row in found)


def test_sessions_open_every_page_without_an_error_and_leave(measured):
    """An error on a page would have ended the measurement."""
    from smd.bench.sessions import PAGES

    found = measured[0]["sessions"]["rows"]
    assert [row["sessions"] for row in found] == [2, 4]
    assert {row["pages"] for row in found} == {2 * len(PAGES)}
    assert all(50 < row["left_mib"] < 4096 for row in found)


def test_the_full_measurement_of_processes_and_nodes_asks_for_images_that_there_are():
    from smd.bench import cluster, scale
    from smd.data import load
    from smd.registry import NETWORKS

    digits = load("digits")
    sides = [NETWORKS[each.net].sizes for each in scale.FULL.trainings]
    assert all(least <= digits.pixels.shape[-1] <= most for least, most in sides)
    trained = int((digits.split == 0).sum())
    assert all(trained >= each.images for each in scale.FULL.trainings)
    assert trained >= scale.FULL.n
    assert trained >= cluster.TRAINED >= cluster.FULL.images
