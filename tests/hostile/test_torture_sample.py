"""A sample of `make torture`, and that what it looks for would be found."""

import os
import random
import subprocess
import sys

import duckdb
import pytest

from smd.paths import AROUND as REPOSITORY
from tests.storing import epoch, started
from tests.torture import __main__ as torture
from tests.torture import campaign, forked, report, work


@pytest.mark.slow
def test_a_killed_training_and_a_killed_import_lose_nothing(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.torture",
            "--only",
            "kills,import",
            "--tries",
            "1",
            "--seed",
            "1",
            "--markdown",
            str(tmp_path / "table.md"),
            "--rows",
            str(tmp_path / "rows.json"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stdout
    rows = report.kept(tmp_path / "rows.json")
    assert {name: (row.tries, row.faults) for name, row in rows.items()} == {
        "kills": (1, []),
        "import": (1, []),
    }
    assert "2 tries, 0 failures" in (tmp_path / "table.md").read_text()


@pytest.mark.slow
def test_one_value_that_differs_in_a_store_is_seen_and_a_time_is_not(tmp_path):
    path = tmp_path / "run.duckdb"
    started(path).epoch(epoch(1))
    before = work._tables(path)

    def changed(statement):
        with duckdb.connect(str(path)) as con:
            con.execute(statement)
        return {name for name, digest in work._tables(path).items() if digest != before[name]}

    assert changed("INSERT INTO gauge VALUES (1.0, 'x', 2.0)") == set()
    assert changed("INSERT INTO epoch_metric VALUES (1, 'train', 'seconds', 0, 9)") == set()
    assert changed("UPDATE margin SET margin = margin + 1e-7 WHERE idx = 0") == {"margin"}


def test_what_fails_is_counted_and_says_how_to_repeat_it(tmp_path):
    def fails(folder):
        raise campaign.Fault("it is gone")

    def cases(tries, chance):
        return [campaign.Case("nothing", lambda folder: None), campaign.Case("a kill", fails)]

    asked = torture._arguments(["--seed", "7"])
    row = torture._tried(campaign.Campaign("some", "it is killed", cases, 5), asked, tmp_path)
    assert (row.tries, len(row.faults)) == (2, 1)
    assert "it is gone" in row.faults[0]
    assert "--only some --tries 5 --seed 7 --at 1" in row.faults[0]


def test_a_campaign_that_is_not_possible_here_says_why(tmp_path):
    def cases(tries, chance):
        raise campaign.Missing("it needs root.")

    row = torture._tried(
        campaign.Campaign("some", "it is killed", cases, 5), torture._arguments([]), tmp_path
    )
    assert report.cells(row)[2:] == ("0", "-", "0", "not tried: it needs root.")


def test_tries_are_spread_from_first_to_last():
    assert list(campaign.spread(3, 0, random.Random(0))) == [1, 2, 3]
    chosen = list(campaign.spread(100, 10, random.Random(0)))
    assert [(number - 1) // 10 for number in chosen] == list(range(10))


def test_a_child_that_raises_or_hangs_is_a_fault(tmp_path):
    with pytest.raises(campaign.Fault, match="no luck"):
        forked.ask(lambda: {}["no luck"], tmp_path / "out")
    with pytest.raises(campaign.Fault, match="hung"):
        forked.Child(lambda: os.read(os.pipe()[0], 1), tmp_path / "out").wait(0.2)
