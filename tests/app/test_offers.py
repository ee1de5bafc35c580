"""Offers: how long a job may take, and that a button starts it once."""

from dataclasses import replace

import pytest
from storing import attack, estimate
from streamlit.testing.v1 import AppTest

from app.components import offers
from smd.config.schema import AttackConfig, EstimateConfig
from smd.runs import folders
from smd.store import reader
from smd.store.writer import Recorder

UNKNOWN = "How long it takes is not known beforehand; the job says it once it has begun."


def test_an_attack_takes_as_long_as_the_last_of_its_name_scaled(finished):
    run, _ = finished
    attack(Recorder(run.store), "autoattack", ok=[1] * 10, steps=0, seconds=20.0, created=9e9)
    asked = AttackConfig(run.id, "autoattack", n=50, levels=(8 / 255, 16 / 255), seeds=(0,))
    assert offers.time_needed(asked, (run,)) == "About 3 min 20 s, by the last one on 10 images."
    assert offers.time_needed(replace(asked, norm="L2"), (run,)) == UNKNOWN


def test_an_estimation_takes_as_long_as_the_last_by_its_method(finished):
    _, run = finished
    asked = EstimateConfig(run.id, "pgd", levels=(8 / 255, 16 / 255), n=400)
    assert offers.time_needed(asked, (run,)) == UNKNOWN
    estimate(Recorder(run.store), [1, 2, 3, 4])  # half a second
    assert offers.time_needed(asked, (run,)) == "About 1 min 40 s, by the last one on 4 images."


def test_a_training_takes_as_long_an_epoch_and_image_as_a_run_that_is_alike(finished):
    run, _ = finished
    metrics = reader.metrics(run.store)
    an_epoch = metrics[(metrics["split"] == "train") & (metrics["name"] == "seconds")][
        "value"
    ].mean()
    seconds, n = offers._of_trainings(replace(run.config, epochs=3000, n_train=600))
    assert n == 300
    assert seconds == pytest.approx(an_epoch * 3000 * 2)
    assert offers.time_needed(replace(run.config, defense="mma"), ()) == UNKNOWN


def test_what_is_under_way_is_not_started_again(finished):
    run, _ = finished

    def page(run_id):
        from app.components import offers
        from smd.config.schema import AttackConfig
        from smd.runs import folders

        run = next(run for run in folders.all_runs() if run.id == run_id)
        offers.offer("it", AttackConfig(run.id, n=10, levels=(8 / 255,)), run)

    app = AppTest.from_function(page, args=(run.id,), default_timeout=30).run()
    app.button(key="offer-it").click()
    two = AppTest.from_function(page, args=(run.id,), default_timeout=30).run()
    app.run()
    assert app.button(key="offer-it").disabled
    two.button(key="offer-it").click().run()  # pressed before it saw the job of the first
    assert len(folders.jobs_of(run, "attack")) == 1
