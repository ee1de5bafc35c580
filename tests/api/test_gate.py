"""`import smd` is quick and light, and offers what it names."""

import json
import subprocess
import sys

import pytest

import smd
from smd import registry
from smd.paths import AROUND as REPOSITORY

HEAVY = ("torch", "pandas", "numpy", "duckdb", "streamlit", "altair", "torchvision")
PROBE = """
import json, sys, time
began = time.perf_counter()
import smd
seconds = time.perf_counter() - began
dir(smd)
print(json.dumps([seconds, sorted(name for name in sys.modules if "." not in name)]))
"""


def probed():
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_import_loads_nothing_heavy_and_takes_less_than_a_tenth_of_a_second():
    tries = [probed() for _ in range(3)]
    assert not {name for _, names in tries for name in names} & set(HEAVY)
    assert min(seconds for seconds, _ in tries) < 0.1


@pytest.mark.parametrize("name", smd.__all__)
def test_every_name_can_be_had_and_says_what_it_is(name):
    assert len(getattr(smd, name).__doc__) > 40
    assert name in dir(smd)


def test_every_defense_is_there():
    names = {entry.target.partition(":")[2] for entry in registry.DEFENSES.values()}
    assert names <= set(dir(smd))
    assert all(issubclass(getattr(smd, name), smd.OwnLoop) for name in names)


@pytest.mark.parametrize("name", ["Nothing", "nothing", "_Nothing", "smd"])
def test_what_is_not_there_is_an_attribute_error(name):
    assert not hasattr(smd, name)


def test_rooms_are_still_found_beside_the_functions():
    import smd.attacks
    import smd.training.loop

    assert smd.attacks.build and smd.training.loop.epochs
    assert callable(smd.attack) and callable(smd.train)
