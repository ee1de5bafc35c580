"""What the tests of the store share."""

import pytest

from smd.store import connection


@pytest.fixture
def opened(monkeypatch):
    """The stores that are opened from now on."""
    places, connect = [], connection.duckdb.connect

    def counted(place, *args, **kwargs):
        places.append(place)
        return connect(place, *args, **kwargs)

    monkeypatch.setattr(connection.duckdb, "connect", counted)
    return places
