"""What a run took of the machine: one chart a reading, lines broken where the job did not work."""

import numpy as np
import pandas as pd
import pytest
from paging import words
from streamlit.testing.v1 import AppTest

from app.sections import system_metrics
from smd.runs import folders
from smd.store.writer import Recorder


def readings(moments, values, name="memory"):
    return pd.DataFrame(
        {"moment": np.asarray(moments, float), "name": name, "value": np.asarray(values, float)}
    )


def test_minutes_count_from_the_first_reading_and_pauses_break_the_line():
    found = system_metrics.timed(
        readings([100, 102, 104, 106, 4000, 4002], 2.0**30 * np.arange(6)), 2.0**30
    )
    assert found["minutes"].tolist() == [0, 2 / 60, 4 / 60, 6 / 60, 65, 65 + 2 / 60]
    assert found["shown"].tolist() == [0, 1, 2, 3, 4, 5]
    assert found["stretch"].tolist() == [0, 0, 0, 0, 1, 1]


def test_a_long_job_that_is_read_ever_more_rarely_is_one_line():
    pauses = np.repeat(2.0 ** np.arange(1, 8), 300)
    found = system_metrics.timed(readings(np.cumsum(pauses), np.ones(len(pauses))), 1)
    assert set(found["stretch"]) == {0}


def test_a_pause_between_single_readings_breaks_the_line_too():
    assert system_metrics.timed(readings([0, 2, 4, 5000, 9000, 9002], range(6)), 1)[
        "stretch"
    ].tolist() == [0, 0, 0, 1, 2, 2]


def test_the_average_is_over_time_and_leaves_pauses_out():
    rows = system_metrics.timed(
        readings([0, 2, 4, 6, 10, 14, 9000, 9004], [9, 9, 9, 9, 3, 3, 3, 3]), 1
    )
    mean = (4 * 2 * 9 + 4 * 4 * 3) / (4 * 2 + 4 * 4)
    assert system_metrics.finding(rows, "GPU", "%") == f"GPU: {mean:.1f} % on average, 9.0 at most"


def page():
    from app.sections import system_metrics
    from smd.runs import folders

    system_metrics.section(folders.all_runs()[0])


@pytest.fixture
def emptied(finished):
    """A finished run whose own readings are gone."""
    import duckdb

    for run in folders.all_runs():
        with duckdb.connect(str(run.store)) as con:
            con.execute("TRUNCATE gauge")
    return folders.all_runs()[0]


def test_what_was_read_is_drawn_with_its_finding(emptied):
    moments = np.repeat([100.0, 102.0], 2)
    Recorder(emptied.store).gauges(
        moments, ["cpu", "memory"] * 2, np.array([50.0, 2.0**30, 70.0, 2.0**31])
    )
    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception
    assert "Processor: 60.0 % of all cores on average, 70.0 at most" in words(app)
    assert "Memory: 1.5 GiB on average, 2.0 at most" in words(app)
    assert len(app.get("vega_lite_chart")) == 2


def test_without_readings_nothing_is_shown(emptied):
    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception
    assert not app.expander
