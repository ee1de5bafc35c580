"""How many test images' margins fit into a fifth of the training, and with what settings."""

import pytest

from smd.evaluation import final_margins
from smd.evaluation.final_margins import FEWEST, LADDER, LARGEST, Pace, Plan, affordable

# a tiny network: the batch size does not matter
FLAT = (Pace(10, 0.01, 0.002), Pace(128, 0.01, 0.002))
LINEAR = (Pace(10, 0.01, 0.002), Pace(100, 0.1, 0.02))  # a large one: every image costs


def test_a_fifth_of_the_training_is_the_budget():
    assert final_margins.budget(100.0) == pytest.approx(20.0)


def test_a_long_training_pays_for_all_images_and_the_full_settings():
    plan = affordable(FLAT, 10.0, 200, 10)
    assert (plan.n, plan.settings, plan.batch) == (200, LADDER[0], 100)
    assert plan.predicted == pytest.approx(2 * 100 * (0.01 + 9 * 0.002))


def test_where_time_is_short_settings_give_way_before_images_do():
    plan = affordable(FLAT, 3.0, 200, 10)
    assert (plan.n, plan.settings) == (200, LADDER[1])
    assert plan.predicted <= 3.0


def test_where_images_must_be_left_out_as_many_as_fit_are_measured():
    plan = affordable(LINEAR, 2.0, 200, 10)
    assert plan.n == 100
    assert plan.settings == LADDER[-1]
    assert affordable(LINEAR, 2.1, 200, 10).n > plan.n


def test_fewer_images_than_are_worth_it_are_none():
    assert affordable(LINEAR, 0.19, 200, 10).n == 0
    assert affordable(LINEAR, 0.21, 200, 10).n >= FEWEST


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1.0, 3.0, 30.0])
@pytest.mark.parametrize("most", [5, 50, 200, 1000])
def test_a_plan_stays_within_its_seconds_its_images_and_its_batches(seconds, most):
    for paces in (FLAT, LINEAR, LINEAR[:1]):
        plan = affordable(paces, seconds, most, 10)
        assert plan.predicted <= seconds
        assert plan.n <= most
        assert plan.batch <= LARGEST


def test_targets_that_two_classes_do_not_have_are_not_paid_for():
    assert affordable(FLAT, 2.41, 200, 2).settings == LADDER[0]  # one target, not nine


def test_a_single_pace_grows_with_the_images():
    assert affordable(LINEAR[:1], 2.0, 200, 10).n == affordable(LINEAR, 2.0, 200, 10).n


def test_a_plan_is_read_as_it_was_written_and_a_broken_one_is_none(tmp_path):
    assert final_margins.read(tmp_path) is None
    plan = Plan(40, 40, {"steps": 20, "targets": 0}, 1.5)
    final_margins.write(tmp_path, plan)
    assert final_margins.read(tmp_path) == plan
    (tmp_path / final_margins.FILE).write_text("{")
    assert final_margins.read(tmp_path) is None


def test_the_sentence_of_a_training_too_short_names_the_way_to_the_margins():
    said = final_margins.too_short(0.42, "abc", 200)
    assert "0.4 s of training" in said
    assert "python -m smd estimate abc --split test --n 200" in said
