"""Questions about a split and the images that answer them."""

import numpy as np
import pytest
from storing import N, attack, epoch, estimate, started

from app.selection import image_query, region
from app.selection.filters import FINDS, Filters
from smd.errors import UserError
from smd.store.records import EmbeddingRecord, Points
from smd.units import px


@pytest.fixture
def store(tmp_path):
    """Six training images of two classes with margins 6, 5, .. 1 after epoch 1 and 1, 2, .. 6 after
    epoch 2."""
    recorder = started(tmp_path / "run.duckdb")
    up = np.arange(1, N + 1) / 255
    recorder.epoch(epoch(1, up[::-1]))
    recorder.epoch(epoch(2, up, clean=[True] * 5 + [False]))
    return tmp_path / "run.duckdb"


def ids(store, **asked):
    return image_query.answer(store, Filters(**asked))["idx"].tolist()


def test_without_filters_all_images_are_meant(store):
    assert ids(store) == list(range(N))
    assert ids(store, split="test") == [0, 1, 2, 3]
    assert "margin_255" not in image_query.answer(store, Filters())


def test_classes_and_a_range_of_margins_narrow_each_other(store):
    assert ids(store, labels=(1,)) == [1, 3, 5]
    assert ids(store, epoch=2, span=(2.0, 4.0)) == [1, 2, 3]  # both ends count
    assert ids(store, epoch=1, span=(2.0, 4.0)) == [2, 3, 4]
    assert ids(store, epoch=2, span=(2.0, 4.0), labels=(1,)) == [1, 3]


def test_the_closest_to_the_boundary_come_first_and_misclassified_ones_not_at_all(store):
    assert ids(store, epoch=1, find="closest") == [5, 4, 3, 2, 1, 0]
    assert ids(store, epoch=2, find="closest") == [0, 1, 2, 3, 4]


def test_as_many_as_were_asked_for_are_closest_and_bounds_come_after_found_ones(store):
    from smd.store.writer import Recorder

    assert ids(store, epoch=1, find="closest", most=2) == [5, 4]
    crossed = [False, True, False, True, True, True]
    name = estimate(
        Recorder(store), [1, 9, 2, 7, 8, 3], clean=[True] * 5 + [False], crossed=crossed
    )
    assert ids(store, estimate=name, find="closest") == [3, 4, 1, 0, 2]
    assert ids(store, estimate=name, find="closest", most=4) == [3, 4, 1, 0]


def test_the_margins_that_changed_most_come_first(store):
    shrank = image_query.answer(store, Filters(epoch=2, find="shrank", between=(1, 2)))
    assert shrank["idx"].tolist() == [0, 1, 2]
    assert np.allclose(shrank["change_255"], [-5, -3, -1])
    # 5 is misclassified in one of them
    assert ids(store, epoch=2, find="grew", between=(1, 2)) == [4, 3]
    assert ids(store, epoch=2, find="grew", between=(2, 2)) == []


def test_a_change_of_test_images_is_not_known(store):
    with pytest.raises(UserError, match="Only training images"):
        ids(store, split="test", find="shrank", between=(1, 2))


def test_estimated_margins_stand_in_for_the_run_s_own(store):
    from smd.store.writer import Recorder

    name = estimate(Recorder(store), [9, 3], split="test")
    # the others are there, without a margin
    assert ids(store, split="test", estimate=name) == [0, 1, 2, 3]
    assert ids(store, split="test", estimate=name, span=(0.0, 5.0)) == [1]
    assert ids(store, split="test", estimate=name, find="closest") == [1, 0]


def test_what_autoattack_alone_breaks_needs_autoattack_and_another_attack(store):
    from smd.store.writer import Recorder

    recorder = Recorder(store)
    asked = Filters(split="test", find="autoattack", eps=8 / 255)
    with pytest.raises(
        UserError,
        match="This needs AutoAttack and a weaker attack on the same test images at 8/255",
    ):
        image_query.answer(store, asked)
    attack(recorder, "ce-pgd", ok=(1, 1, 0, 1))
    stages = ("apgd-ce", "apgd-t", "fab-t", "square")
    attack(recorder, "autoattack", ok=(1, 0, 0, 0), stage=(-1, 2, 1, 4), stages=stages)
    found = image_query.answer(store, asked)
    assert found["idx"].tolist() == [1, 3]  # 2 falls to CE-PGD, too
    assert found["broken_by"].tolist() == ["apgd-t", "square"]


def test_overestimated_margins_are_beyond_the_level_of_images_that_were_broken(store):
    from smd.store.writer import Recorder

    recorder = Recorder(store)
    name = estimate(recorder, [9, 20, 30, 1], split="test")
    asked = Filters(split="test", estimate=name, find="overestimated", eps=8 / 255)
    with pytest.raises(UserError, match="No test image was attacked"):
        image_query.answer(store, asked)
    attack(recorder, "ce-pgd", ok=(0, 1, 0, 0))
    # the farthest from the level first
    assert image_query.answer(store, asked)["idx"].tolist() == [2, 0]


def test_misclassified_images_say_what_they_are_taken_for(store):
    from smd.store.writer import Recorder

    recorder = Recorder(store)
    attack(recorder, eps=0.0, ok=(1, 0, 1, 1))  # labels are 0, 1, 0, 1; wrong ones are taken for 1
    attack(recorder, eps=8 / 255, ok=(0, 0, 1, 1))
    asked = {"split": "test", "find": "misclassified"}
    assert ids(store, **asked) == [1]
    rows = image_query.answer(store, Filters(**asked, eps=8 / 255))
    assert rows[["idx", "pred"]].to_numpy().tolist() == [[0, 1], [1, 1]]
    assert ids(store, **asked, eps=8 / 255, taken_for=(0,)) == []
    assert ids(store, **asked, eps=8 / 255, taken_for=(1,), labels=(0,)) == [0]
    assert ids(store, split="test", find="correct", eps=8 / 255) == [2, 3]


def test_a_prediction_is_that_of_the_first_seed_that_fooled_the_network(store):
    from smd.store import reader
    from smd.store.writer import Recorder

    recorder = Recorder(store)
    attack(recorder, seed=0, ok=(1, 1, 0, 1))
    attack(recorder, seed=1, ok=(0, 1, 1, 1))
    attack(recorder, seed=2, ok=(1, 0, 1, 1), note=reader.AVERAGED)  # another network
    rows = reader.predicted_classes(store, "test", 8 / 255)
    assert rows["pred"].tolist() == [1, 0, 1, 0]
    assert rows["ok"].tolist() == [False, True, False, True]
    assert reader.predicted_classes(store, "test", 8 / 255, weights="ema")["ok"].sum() == 3


def test_without_margins_questions_about_them_say_what_to_do(store):
    for find in ("closest", "overestimated"):
        with pytest.raises(UserError, match="estimate them on Margins"):
            ids(store, split="test", find=find, eps=px(8)[0])


def on_map(store):
    from smd.store.writer import Recorder

    x = np.arange(5, dtype=np.float32)
    points = Points(
        np.array([0, 1, 2, 3, 0]),
        np.array([0, 0, 0, 0, 1], bool),
        x,
        x,
        np.zeros(5, int),
        np.ones(5, bool),
    )
    Recorder(store).embedding(
        EmbeddingRecord("m", "train", 4, 1, 0.03, 0, "umap-learn", "0", 1.0, "j", 1.0), points
    )


def test_a_region_of_the_map_holds_the_images_inside_it_and_no_adversarial_examples(store):
    on_map(store)
    area = region.drawn("m", [(0.5, -9), (9, -9), (9, 9), (0.5, 9)])
    assert ids(store, region=area) == [1, 2, 3]
    triangle = region.drawn("m", [(-1, -1), (2.5, -1), (-1, 2.5)])
    assert ids(store, region=triangle) == [0]


def test_a_region_is_read_from_the_address_as_it_was_written():
    area = region.drawn("job-1", [(0, 0), (1.25, 0), (1, -1)])
    assert region.parse(area.text()) == area
    for broken in ("", "m", "m~1~2", "m~a~b~c~d~e~f", "m~1~2~3~4~nan~6", "m~1~2~3~4~5"):
        assert region.parse(broken) is None


def test_a_long_lasso_is_thinned_but_keeps_its_shape():
    angle = np.linspace(0, 2 * np.pi, 1000)
    circle = region.drawn("m", np.stack([np.cos(angle), np.sin(angle)], 1).tolist())
    assert len(circle.corners) <= region.MOST_CORNERS
    inside = circle.holds(np.array([0, 0.9, 1.1]), np.array([0, 0, 0]))
    assert inside.tolist() == [True, True, False]
    assert region.drawn("m", [(0, 0), (1, 1)]) is None


def test_every_question_that_can_be_clicked_has_an_answer():
    assert set(image_query.HOW) == set(FINDS)
