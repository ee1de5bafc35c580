"""Previous and next: from the opened image through those that are selected, in their order."""

import pandas as pd
import pytest
from paging import open_page, tiles, words

from app.sections import one_by_one


def buttons(app):
    return app.button(key="step-previous"), app.button(key="step-next")


@pytest.mark.parametrize(
    ("idx", "found"), [(7, (None, 1, 3)), (3, (7, 2, 5)), (5, (3, 3, None)), (4, (None, 0, 7))]
)
def test_the_order_is_that_of_the_selection(idx, found):
    assert one_by_one.around(pd.Series([7, 3, 5]), idx) == found


def test_of_an_empty_selection_there_is_no_next_one():
    assert one_by_one.around(pd.Series([], dtype=int), 4) == (None, 0, None)


def test_next_opens_the_next_selected_image_and_the_address_says_so(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, find="closest to the boundary", closest="10")
    order = tiles(app, "samples")
    assert f"**1** of {len(order)}" in words(app)
    before, after = buttons(app)
    assert before.disabled
    after.click().run()
    assert not app.exception
    assert f"Image {order[1]} ·" in words(app)
    assert f"**2** of {len(order)}" in words(app)
    assert app.query_params["sample"] == str(order[1])
    buttons(app)[0].click().run()
    assert f"Image {order[0]} ·" in words(app)


def test_the_last_image_has_no_next_one_and_an_image_outside_says_so(finished):
    run, _ = finished
    asked = {"run": run.id, "find": "closest to the boundary", "closest": "10"}
    order = tiles(open_page("samples", **asked), "samples")
    assert buttons(open_page("samples", **asked, sample=str(order[-1])))[1].disabled
    other = next(k for k in range(300) if k not in order)
    app = open_page("samples", **asked, sample=str(other))
    assert f"not among the {len(order)}" in words(app)
    buttons(app)[1].click().run()
    assert f"Image {order[0]} ·" in words(app)
