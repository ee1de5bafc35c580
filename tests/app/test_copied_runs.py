"""A copied run folder has jobs of the same ids, and may have the same short name.

No page mixes them up.
"""

import shutil

import pytest
from paging import open_page, words

from app.components import job_rows, run_names
from app.pages import BY_NAME
from smd import jobs
from smd.config.schema import AttackConfig, EmbeddingConfig, EstimateConfig
from smd.jobs import transitions
from smd.runs import folders

pytestmark = pytest.mark.slow

VIEWS = (
    "live",
    "embedding",
    "margins",
    "samples",
    "attacks",
    "agreement",
    "compare",
    "figures",
    "query",
)


def set_state(folder, state):
    from dataclasses import replace

    transitions.write(
        folder, replace(transitions.own(jobs.read(folder)), state=state, error="Stopped.")
    )


@pytest.fixture(params=["other-time", "other-name"])
def copied(request, finished):
    """(run, its copy), each with two jobs of every kind, waiting and cancelled."""
    run, _ = finished
    for state in ("queued", "cancelled"):
        for make, asked in (
            (folders.create_job, AttackConfig(run.id, levels=(8 / 255,), n=20, seeds=(0,))),
            (folders.create_job, EstimateConfig(run.id, n=20)),
            (folders.create_job, EmbeddingConfig(run.id, n=20)),
        ):
            folder = make(run, asked)
            if state != "queued":
                set_state(folder, state)
    short = run.id.split("-", 2)[2]
    name = f"20200101-000000-{short}" if request.param == "other-time" else f"{run.id}-copy"
    shutil.copytree(run.folder, run.folder.with_name(name))
    return run, folders.find(name)


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_opens_beside_a_copy(view, copied):
    for one in copied if BY_NAME[view].of_a_run else copied[:1]:
        # which fails on an exception, such as a key that is there twice
        open_page(view, run=one.id)
    if view == "attacks":
        open_page(view, runs=[run_names.link(run.id) for run in copied])


def test_train_lists_the_jobs_of_both(copied):
    from streamlit.testing.v1 import AppTest

    from smd.paths import AROUND as REPOSITORY

    app = AppTest.from_file(str(REPOSITORY / "app" / "dashboard.py"), default_timeout=60).run()
    assert not app.exception
    run, copy = copied
    waiting = [folder for folder in folders.jobs_of(run) if jobs.read(folder).state == "queued"]
    assert len(waiting) == 3
    assert (
        sorted(jobs.read(folder).state for folder in folders.jobs_of(copy))
        == ["cancelled"] * 3 + ["lost"] * 3
    )
    assert {job_rows.key("cancel", folder) for folder in waiting} <= {
        button.key for button in app.button
    }


def test_two_runs_never_have_one_name(copied):
    run, copy = copied
    assert run_names.link(run.id) != run_names.link(copy.id)
    other = next(each for each in folders.all_runs() if each.config.defense == "std")
    assert run_names.link(other.id) == other.id.split("-", 2)[2]


def test_resume_and_put_away_are_the_chosen_runs_own(copied):
    run, copy = copied
    (stopped,) = [f for f in folders.jobs_of(copy, "attack") if jobs.read(f).state == "cancelled"]
    app = open_page("attacks", runs=[run_names.link(run.id), run_names.link(copy.id)])
    app.button(key=job_rows.key("dismiss", stopped)).click().run()
    assert not app.exception
    assert not stopped.exists()
    assert (run.folder / "attacks" / stopped.name).exists()


def test_waiting_jobs_of_one_run_are_told_apart(finished):
    run, _ = finished
    for n in (20, 30):
        folders.create_job(run, AttackConfig(run.id, levels=(8 / 255,), n=n, seeds=(0,)))
        folders.create_job(run, EstimateConfig(run.id, n=n))
        folders.create_job(run, EmbeddingConfig(run.id, n=n))
    shown = {
        "attacks": "CE-PGD on {} test images at 8/255, seed 0",
        "margins": "Minimum norm on {} test images",
        "embedding": "embedding of {} test images",
    }
    for view, title in shown.items():
        app = open_page(view, run=run.id)
        texts = " ".join(bar.proto.text for bar in app.get("progress"))
        assert title.format(20) in texts
        assert title.format(30) in texts
    from streamlit.testing.v1 import AppTest

    from smd.paths import AROUND as REPOSITORY

    train = words(
        AppTest.from_file(str(REPOSITORY / "app" / "dashboard.py"), default_timeout=60).run()
    )
    assert all(title.format(n) in train for title in shown.values() for n in (20, 30))
