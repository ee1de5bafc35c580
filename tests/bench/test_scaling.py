"""The parts that are measured when asked for, small, and the models in them."""

import numpy as np
import pytest

from smd.bench import communication, large, schedule
from smd.bench.__main__ import PARTS, WHEN_ASKED
from smd.bench.communication import Wire, sent


def test_they_are_parts_that_can_be_asked_for():
    assert set(WHEN_ASKED) < set(PARTS)


def test_a_sweep_without_losses_takes_what_its_nodes_leave():
    drawn = np.random.default_rng(0)
    start = schedule.START
    alone = schedule.simulated([1.0, 2.0, 3.0], 1, 0.0, drawn)
    assert alone.hours == pytest.approx(6 + 3 * start)
    assert alone.again == pytest.approx(3 * start)
    two = schedule.simulated([3.0, 2.0, 1.0], 2, 0.0, drawn)
    assert two.hours == pytest.approx(3 + 2 * start)
    # the longest last: it begins when the first is over
    assert schedule.simulated([1.0, 2.0, 3.0], 2, 0.0, drawn).hours == pytest.approx(4 + 2 * start)


def test_what_a_lost_node_computed_since_the_last_epoch_is_done_twice():
    class Once:
        def __init__(self):
            self.left = [1.5 + schedule.START]

        def exponential(self, mean):
            return self.left.pop() if self.left else 1e9

    epoch = 12.0 / schedule.EPOCHS
    found = schedule.simulated([12.0], 1, 24.0, Once())
    assert found.again == pytest.approx(2 * schedule.START + 1.5 % epoch, abs=1e-6)
    assert found.hours == pytest.approx(12 + schedule.GONE + found.again, abs=1e-6)


def test_the_simulation_is_a_table():
    part = schedule.measure(quick=True)
    assert len(part.rows) == 2 * len(schedule.NODES) * len(schedule.LOSSES)
    assert all(0 < row["efficiency in %"] <= 100 for row in part.rows)


def test_bytes_of_sums_and_gathers():
    assert sent(100, 2, True) == sent(100, 2, False) * 2 == 400
    assert sent(90, 3, True) == pytest.approx(480)
    wire = communication._fitted(100, 0.001 + 400 / 1e6, 10_100, 0.001 + 40_400 / 1e6)
    assert wire.rate == pytest.approx(1e6)
    assert wire.latency == pytest.approx(0.001)
    assert Wire(0.5, 10.0).seconds(20) == 2.5


def test_a_large_store_is_measured_at_each_look():
    rows = large.measure(quick=True).rows
    assert [row["epochs"] for row in rows] == [1, 2]
    assert all(value > 0 for row in rows for value in row.values())
