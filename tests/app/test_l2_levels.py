"""An L2 level is a length.

Written as one on every page, in every table, name, title and command.
"""

import json

import numpy as np
import pandas as pd
import pytest
import storing
from paging import open_page, words

from smd import export
from smd.attacks import AttackPlan
from smd.config import commands
from smd.config.schema import AttackConfig, EstimateConfig
from smd.evaluation import examples
from smd.export.estimates import estimate_table
from smd.export.titles import estimate_title
from smd.jobs import launch
from smd.store import reader
from smd.store.writer import Recorder
from smd.tasks import attack_plan
from smd.tasks.estimate import estimates

EPS = 128 / 255  # as an L2 level it was shown as 128/255
TOLD, WRONG = "0.501961", "128/255"


@pytest.fixture
def attacked(finished, monkeypatch):
    """A run whose test images were attacked in L2, twice, with an estimate in L2 and a kept image
    of each kind."""
    monkeypatch.setattr(launch, "wake_all", lambda: None)
    run, _ = finished
    recorder = Recorder(run.store)
    ids = {}
    for name, ok in (("ce-pgd", (1, 1, 1, 0)), ("autoattack", (1, 0, 0, 0))):
        ids[name] = f"job-{name}:0.501961:0"
        storing.attack(recorder, name, eps=EPS, ok=ok, norm="L2", steps=0, id=ids[name])
    storing.estimate(
        recorder,
        [255 * margin for margin in (0.1, 0.4, 0.7, 1.0)],
        eps=EPS,
        split="test",
        norm="L2",
    )
    recorder.flush()
    n, p = 1, np.full((1, 10), 0.1, np.float32)
    zeros, eps = np.zeros((n, 1, 8, 8), np.float32), np.full(n, EPS, np.float32)
    new = examples.Examples(
        "test", "ce-pgd", np.array([3]), np.zeros(n, int), eps, zeros, p, p, norm="L2"
    )
    examples.write(run.adv / f"{examples.name_of(ids['ce-pgd'])}.npz", new)
    old = {
        "split": "test",
        "attack": "autoattack",
        "idx": np.array([3]),
        "label": np.zeros(n, int),
        "eps": eps,
        "noise": zeros.astype(np.float16),
        "p_clean": p,
        "p_adv": p,
    }
    np.savez_compressed(run.adv / f"{examples.name_of(ids['autoattack'])}.npz", **old)
    return run


def everything(app):
    """All that the page says: words, choices, tables, charts, commands, names of downloads."""
    parts = [words(app), *(c.value for c in app.code)]
    for group in (app.selectbox, app.multiselect):
        parts += [str(option) for field in group for option in field.options]
    for frame in app.dataframe:
        parts += [frame.value.to_csv(), " ".join(map(str, frame.value.columns))]
    for chart in app.get("vega_lite_chart"):
        parts.append(json.dumps(json.loads(chart.proto.spec)))
    parts += [str(badge.proto) for badge in app.get("badge")]
    return " ".join(parts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("view", "query"),
    [
        ("attacks", {}),
        ("agreement", {}),
        ("samples", {"sample": "3", "split": "test"}),
        ("compare", {}),
    ],
)
def test_pages_write_it_as_a_length(view, query, attacked):
    found = everything(open_page(view, run=attacked.id, **query))
    if view != "compare":  # it shows what was measured in Linf first
        assert TOLD in found
    assert WRONG not in found


@pytest.mark.slow
def test_the_twins_of_old_and_new_files_name_their_norm(attacked):
    app = open_page("samples", run=attacked.id, sample="3", split="test")
    assert app.selectbox(key="twin").options == [f"CE-PGD at {TOLD} L2", f"AutoAttack at {TOLD} L2"]
    for title, rounded in ((f"CE-PGD at {TOLD} L2", False), (f"AutoAttack at {TOLD} L2", True)):
        app.selectbox(key="twin").select(title).run()
        assert not app.exception
        assert ("noise rounded to 16 bits" in words(app)) is rounded


def test_names_of_verdicts_and_files_have_it_as_a_length():
    plan = AttackPlan((Stage(),))
    names = [item.name for item in attack_plan.work_items("job", plan, (EPS,), (0,), "L2")]
    assert names == ["job:0:0", f"job:{TOLD}:0"]
    assert examples.name_of(names[1]) == f"job_{TOLD}_0"
    (one,) = estimates("job", EstimateConfig("r", "pgd", levels=(EPS,), norm="L2"))
    assert one.id == f"job:{TOLD}"


class Stage:
    name, cost, deterministic = "one", 1.0, False


def test_an_attack_that_was_begun_under_the_old_name_is_not_judged_again():
    items = attack_plan.work_items("job", AttackPlan((Stage(),)), (0.25, EPS), (0,), "L2")
    stored = pd.DataFrame(
        {"id": ["job:0:0", f"job:{WRONG}:0"], "job": "job", "eps": [0.0, EPS], "seed": 0}
    )
    assert [item.name for item in attack_plan.undone(stored, "job", items)] == ["job:0.25:0"]
    assert attack_plan.undone(stored, "other", items) == items


def test_titles_commands_and_tables_have_it_as_a_length(attacked):
    assert estimate_title("pgd", EPS, "L2") == f"PGD {TOLD}, L2"
    asked = AttackConfig("r", norm="L2", levels=(EPS,))
    assert f"--eps {TOLD}" in commands.attack_command(asked)
    assert f"--eps {TOLD}" in commands.estimate_command(
        EstimateConfig("r", "pgd", levels=(EPS,), norm="L2")
    )
    cells = export.accuracy_cells({"a": (attacked.config, reader.attack_table(attacked.store))})
    assert TOLD in export.wide(cells).columns
    assert WRONG not in export.wide(cells).columns
    assert WRONG not in export.to_robustbench(attacked.config, {}, cells, {})
    l2 = cells[cells["norm"] == "L2"]
    assert export.wide(l2)["Avg."].isna().all()  # the run watched levels of Linf


def test_an_l2_margin_is_a_length_too(attacked):
    known = reader.estimates(attacked.store)
    known = known[known["norm"] == "L2"]
    results = {i: reader.estimate_results(attacked.store, i) for i in known["id"]}
    (row,) = estimate_table(known, results, (EPS,)).to_dict("records")
    assert row["method"] == f"PGD {TOLD}, L2"
    assert row["median (L2)"] == pytest.approx(0.55)
    assert not [name for name in row if "255" in name]


def test_the_log_of_an_estimation_says_a_length():
    from smd.tasks.estimate import _told

    class Found:
        margin, clean_ok, crossed = (
            np.array([0.25, 0.75]),
            np.array([True, True]),
            np.array([True, True]),
        )

    assert _told(Found, "L2", "gem") == "median margin 0.5, 0 of 2 correct ones met no boundary."
    assert (
        _told(Found, "Linf", "gem")
        == "median margin 127.50/255, 0 of 2 correct ones met no boundary."
    )
