"""Margins shows what a defense keeps of every sample, also where that is no margin."""

import numpy as np
from paging import open_page, words

from smd.store.records import EpochRecord
from smd.store.writer import Recorder


def test_a_state_is_shown_with_its_epochs(finished):
    _, run = finished
    for epoch in (1, 2, 3):
        metrics = [("train", "loss", 0.0, 1.0)]
        Recorder(run.store).epoch(
            EpochRecord(epoch, metrics, states={"kappa": np.arange(300) % 11})
        )
    app = open_page("margins", run=run.id)
    assert not app.exception
    assert "Kappa" in words(app)
    assert "after epoch 3" in words(app)
    app.slider(key="state-epoch").set_value(2).run()
    assert "after epoch 2" in words(app)
