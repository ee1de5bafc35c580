"""What a run took of the machine: one chart a reading, lines broken where the job did not work."""

import gauge_section
import numpy as np
import pandas as pd
from paging import open_page, words

from smd.store.writer import Recorder


def test_minutes_count_from_the_first_reading_and_pauses_break_the_line():
    moments = np.array([100.0, 102, 104, 106, 4000, 4002])
    rows = pd.DataFrame({"moment": moments, "name": "memory", "value": 2.0**30 * np.arange(6)})
    found = gauge_section.timed(rows, 2.0**30)
    assert found["minutes"].tolist() == [0, 2 / 60, 4 / 60, 6 / 60, 65, 65 + 2 / 60]
    assert found["shown"].tolist() == [0, 1, 2, 3, 4, 5]
    assert found["stretch"].tolist() == [0, 0, 0, 0, 1, 1]


def test_live_shows_what_was_read(finished, monkeypatch):
    from smd.jobs import launch

    monkeypatch.setattr(launch, "wake_all", lambda: None)
    run, _ = finished
    moments = np.repeat([5e9, 5e9 + 2], 2)  # after whatever its own training has stored
    Recorder(run.store).gauges(moments, ["cpu", "memory"] * 2, np.array([50.0, 2.0**30, 70.0, 2.0**31]))
    text = words(open_page("live", run=run.id))
    assert "2.0 at most" in text
    assert "% of all cores on average" in text
