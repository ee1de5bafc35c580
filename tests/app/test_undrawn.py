"""Pages of a run that draws classes equally often: images of no batch stand apart, by that name."""

from dataclasses import replace

import numpy as np
import pytest
from paging import open_page, words
from storing import epoch, started

from app.sections import class_margins, margin_pairs, margin_words, sample_state
from app.selection import image_query, sources
from app.selection.filters import Filters
from smd.config.schema import TrainConfig
from smd.runs import folders
from smd.store import reader
from smd.units import px

N = 8
LEVELS = px(2)


@pytest.fixture
def run():
    """Eight images, of which the second epoch drew six and the third four, one of them wrong."""
    run = folders.create(TrainConfig(balance="sampling", epochs=3, device="cpu"))
    recorder = started(run.store, n=N)
    recorder.epoch(epoch(1, np.full(N, 1 / 255)))
    for number, ids in ((2, [0, 1, 2, 3, 4, 5]), (3, [0, 1, 6, 7])):
        right = np.array(ids) != 1
        states = {"kappa": np.array(ids)}
        record = epoch(number, np.full(len(ids), number / 255), right, right, states=states)
        recorder.epoch(replace(record, idx=np.array(ids)))
    return run


def test_figures_are_of_the_drawn_images_and_say_so(run):
    source = sources.of(run)[0]
    cards = margin_words.cards(source, 3, LEVELS)
    assert [value for _, value, _ in cards] == ["75.0 %", "3.00/255", "75.0 %"]
    assert cards[0][2].startswith("3 of the 4 training images that the epoch drew are classified")
    assert cards[2][2].startswith("Of the 4 training images that the epoch drew: correctly")
    told = margin_words.kinds(source, 3)
    assert "**1 misclassified**" in told and "**4 not drawn**: in no batch" in told
    assert "not drawn" not in margin_words.kinds(source, 1)
    assert "all 8 training images" in margin_words.cards(source, 1, LEVELS)[2][2]
    assert sources.schedule(run) is None  # it is that of one search an epoch
    assert sample_state.whose(run, 4) == "The 4 of 8 training images that it drew,"


def test_images_are_found_by_what_they_are(run):
    rows = image_query.answer(run.store, Filters(epoch=3)).set_index("idx")
    kinds = ["reached", "misclassified", *["not drawn"] * 4, *["reached"] * 2]
    assert rows["kind"].tolist() == kinds
    assert rows["margin_255"].isna().tolist() == [kind != "reached" for kind in kinds]
    assert image_query.answer(run.store, Filters(epoch=3, find="closest"))["idx"].tolist() == [
        0,
        6,
        7,
    ]


def test_a_class_s_images_that_were_not_drawn_have_a_column(run):
    names = reader.class_names(run.store)
    counts, summary, images = (
        class_margins.named(rows, names)
        for rows in (
            reader.class_hist(run.store, 3),
            reader.class_summary(run.store, 3),
            reader.samples(run.store, "train"),
        )
    )
    margins = reader.margins(run.store, 3)
    table = class_margins.overview(counts, summary, margins, LEVELS)
    table = class_margins.with_undrawn(table, images).set_index("class")
    assert table.loc["dog", ["n", "misclassified", "not drawn"]].tolist() == [2, 1, 2]
    assert table["not drawn"].sum() + table["n"].sum() == N


def test_images_that_one_of_two_epochs_did_not_draw_are_left_out_and_counted(run):
    flow = margin_pairs.between_epochs(run, 2, 3)
    assert (flow.rows["idx"].tolist(), flow.wrong, flow.broken, flow.undrawn) == (
        [0],
        (0, 0, 1),
        0,
        6,
    )
    said = margin_pairs.left_out(flow)
    assert said.startswith("1 of 8 training images are compared")
    assert "6 are left out, as one of the two epochs did not draw them." in said
    twin = margin_pairs.between_runs(run, run)
    assert (twin.undrawn, twin.single, len(twin.rows)) == (4, 0, 3)


@pytest.mark.slow
def test_the_page_of_margins_shows_it(run):
    assert "4 not drawn" in words(open_page("margins", run=run.id)).replace("*", "")
    assert "6 are left out" in words(
        open_page("margins", run=run.id, view="over time", between=[2, 3])
    )
