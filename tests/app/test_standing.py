"""A run that has nothing to show says how it stands.

Every state has its own true sentence on every page.
"""

import kinds
import pytest
from paging import open_page, words

pytestmark = pytest.mark.slow

SAID = {
    "queued": "The run is queued: it waits for its turn on the device.",
    "running": "The first epoch is under way.",
    "cancelled": "The run was cancelled before its first epoch was done.",
    "failed": "The run failed before its first epoch was done: The images are broken: mend them.",
    "lost": "The run's process vanished before its first epoch was done.",
}
VIEWS = ("live", "embedding", "margins", "samples", "attacks", "agreement", "query")


@pytest.mark.parametrize("state", SAID)
@pytest.mark.parametrize("view", VIEWS)
def test_each_state_is_said_as_it_is(view, state, request):
    run = kinds.make(state, request)
    text = words(open_page(view, run=run.id))
    assert SAID[state] in text
    assert ("is under way" in text) == (state == "running")
    assert ("resume it on Live" in text) == (state in ("cancelled", "lost"))
