"""Timing: medians of interleaved rounds, without the first; and the yardstick of a device."""

import math

import pytest
import torch

from smd.bench import peak, timing


@pytest.fixture
def clock(monkeypatch):
    """Time that only moves when a test says so: [now]."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    return now


def lasting(clock, durations, name="", calls=None):
    """A function whose calls take these seconds, one after the other."""
    left = list(durations)

    def call():
        clock[0] += left.pop(0)
        if calls is not None:
            calls.append(name)

    return call


def test_interleaved_takes_medians_and_throws_the_first_round_away(clock):
    first = lasting(clock, [1000, 1, 5, 2])
    second = lasting(clock, [0, 30, 10, 20])
    assert timing.interleaved([first, second], 3) == [2, 20]


def test_rounds_call_every_function_in_turn(clock):
    calls = []
    functions = [lasting(clock, [1, 1, 1], name, calls) for name in "abc"]
    timing.interleaved(functions, 2)
    assert "".join(calls) == "abcabcabc"


def test_the_peak_is_that_of_the_fastest_product(monkeypatch):
    monkeypatch.setattr(peak, "_fastest", lambda side, device: {1024: 0.5, 2048: 8.0}[side])
    assert peak.flops_per_second(torch.device("cpu")) == 2 * 1024**3 / 0.5


def test_this_machine_has_a_peak():
    assert 1e8 < peak.flops_per_second(torch.device("cpu")) < math.inf
