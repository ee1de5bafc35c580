"""What all tests of pages have: jobs may be queued, but no process is started for them."""

import pytest

from smd.jobs import launch


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    """Nothing works on what is queued."""
    monkeypatch.setattr(launch, "wake_all", lambda: None)
    monkeypatch.setattr(launch, "submit", lambda folder: None)
