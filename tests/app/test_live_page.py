"""Live draws what a run has measured, whatever its defense measures."""

import pytest
from paging import open_page, words

from smd.store.records import EpochRecord
from smd.store.writer import Recorder

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("names", "shown", "missing"),
    [
        (
            ("loss",),
            ("Loss",),
            ("Mean margin, correct images", "Where margins move", "How much steps are cut"),
        ),
        (("loss", "loss_noisy"), ("Loss",), ("Mean margin, correct images",)),
        (
            ("loss", "loss_clean", "margin_mean", "expanded", "shrunk"),
            ("Mean margin, correct images", "Where margins move"),
            ("steps are",),
        ),
    ],
)
def test_charts_are_those_of_what_was_measured(finished, names, shown, missing):
    _, run = finished
    metrics = [("train", name, 0.0, 1.0) for name in names] + [
        ("val", "accuracy", eps, 0.5) for eps in (0.0, 0.1)
    ]
    Recorder(run.store).epoch(EpochRecord(1, metrics))
    app = open_page("live", run=run.id)
    assert not app.exception
    text = words(app)
    assert all(title in text for title in shown)
    assert not any(title in text for title in missing)
