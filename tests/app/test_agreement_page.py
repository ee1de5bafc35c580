"""The Agreement page: its numbers are those of the store, and what is missing is asked for."""

import numpy as np
import paging
import pandas as pd
import pytest
from paging import words
from storing import attack, epoch, estimate

from smd.analysis import agreement
from smd.core import kinds
from smd.store import reader
from smd.store.writer import Recorder

pytestmark = pytest.mark.slow

EPS = 8 / 255
AA = ("apgd-ce", "apgd-t", "fab-t", "square")


def open_page(run, **query):
    return paging.open_page("agreement", run=run.id, **query)


def cards(app):
    return {metric.label: metric.value for metric in app.metric}


def tiles(app, gallery):
    """The images in a gallery: (id, label) in their order."""
    keys = [(button.key, button.label) for button in app.button if button.key]
    return [
        (int(key.rsplit("-", 1)[1]), label)
        for key, label in keys
        if key.startswith(f"open-{gallery}-")
    ]


def stored(run, broken_by, name="ce-pgd", stages=(), **fields):
    """Record an attack on the first images: the stage that broke each, "" where it failed."""
    numbers = {"": -1, "clean": 0} | {
        stage: k for k, stage in enumerate(stages or (name,), start=1)
    }
    attack(
        Recorder(run.store),
        name,
        ok=[stage == "" for stage in broken_by],
        stage=[numbers[s] for s in broken_by],
        stages=stages,
        **fields,
    )


@pytest.fixture
def judged(finished):
    """An SMD run with an estimate on six test images and three attacks on them, at a level of their
    own."""
    run, _ = finished
    estimate(
        Recorder(run.store),
        [12, 9, 20, 3, 5, 0],
        split="test",
        eps=32 / 255,
        clean=[1, 1, 1, 1, 1, 0],
    )
    stored(run, ["", "", "ce-pgd", "", "", "clean"], steps=100, eps=7 / 255, created=9.0)
    stored(
        run, ["", "", "ce", "cw", "", "clean"], "ce-cw-pgd", ("ce", "cw"), eps=7 / 255, created=10.0
    )
    stored(
        run,
        ["", "apgd-t", "apgd-ce", "apgd-t", "", "clean"],
        "autoattack",
        AA,
        eps=7 / 255,
        created=11.0,
    )
    return run


def at(run, level="7/255"):
    return open_page(run, level=level)


def test_the_strongest_attack_judges_the_margins_whose_images_were_attacked(judged):
    app = at(judged)
    assert app.selectbox(key="judged-by").value == "AutoAttack, 20 steps, 6 images"
    assert "PGD 32/255, test, 6 images" in app.selectbox(key="margins-of").options
    assert cards(app) == {
        "agreement": "40.0 %",
        "margin > ε, fooled": "40.0 %",
        "margin ≤ ε, robust": "20.0 %",
        "decided": "5",
        "undecided": "0",
        "misclassified": "1",
    }
    assert "33.3 % (1 of 3) with a margin > 7/255, 50.0 % (1 of 2) of the others" in words(app)
    assert "95 % interval 11.8 to 76.9 %, n = 5" in words(app)


@pytest.mark.slow
def test_another_attack_and_level_change_the_verdict(judged):
    stored(judged, ["ce-pgd"] * 5 + ["clean"], eps=4 / 255, steps=100, created=12.0)
    app = at(judged)
    app.selectbox(key="judged-by").select("CE-PGD, 100 steps, 6 images").run()
    assert cards(app)["margin > ε, fooled"] == "20.0 %"
    app.selectbox(key="level").select("4/255").run()
    assert not app.exception
    assert cards(app)["margin > ε, fooled"] == "80.0 %"


@pytest.mark.slow
def test_images_where_margin_and_attack_disagree_are_shown_the_worst_first(judged):
    app = at(judged)
    shown = tiles(app, "overestimated")
    assert [(idx, label.split(" · ")[1]) for idx, label in shown] == [(2, "20.0"), (1, "9.0")]
    app.segmented_control(key="kind").select("underestimated").run()
    assert [(idx, label.split(" · ")[1]) for idx, label in tiles(app, "underestimated")] == [
        (4, "5.0")
    ]


@pytest.mark.slow
def test_a_click_on_an_image_opens_it_on_samples(judged):
    app = at(judged)
    app.button(key="open-overestimated-2").click().run()
    assert not app.exception
    assert app.title[0].value == "Samples"
    assert "Image 2 ·" in words(app)
    assert app.segmented_control(key="split").value == "test"


@pytest.mark.slow
def test_patterns_count_each_image_once_and_list_it(judged):
    app = at(judged)
    assert app.selectbox(key="pattern").options == [
        "misclassified without noise",
        "falls to CE-PGD",
        "falls to CW but not to CE-PGD",
        "falls to targeted attacks only (apgd-t)",
        "robust to all",
    ]
    assert app.selectbox(key="pattern").value == "falls to targeted attacks only (apgd-t)"
    assert [idx for idx, _ in tiles(app, "pattern")] == [1]
    app.selectbox(key="pattern").select("robust to all").run()
    assert [idx for idx, _ in tiles(app, "pattern")] == [0, 4]
    assert (
        "6 test images seen by AutoAttack, 20 steps, CE-CW-PGD, 20 steps, CE-PGD, 100 steps"
        in words(app)
    )


def test_many_images_come_in_pages_and_without_their_cache_as_a_table(finished, monkeypatch):
    run, _ = finished
    stored(run, ["ce-pgd"] * 40, "ce-cw-pgd", ("ce-pgd",), eps=7 / 255)
    stored(run, ["apgd-ce"] * 40, "autoattack", AA, eps=7 / 255)
    assert len(tiles(at(run), "pattern")) == 24
    from app import data

    monkeypatch.setattr(data, "images", lambda key: None)
    app = at(run)
    assert not tiles(app, "pattern")
    assert any(len(table.value) == 24 and "class" in table.value for table in app.dataframe)
    assert "listed without pictures" in words(app)


def gap_table(app):
    return next(t.value for t in app.dataframe if "gap (points)" in t.value.columns)


def test_large_gaps_are_explained_where_a_test_tells_them_from_chance(finished):
    run, _ = finished
    stored(run, [""] * 40, steps=100, eps=7 / 255, created=9.0)
    stored(run, ["cw"] * 10 + [""] * 30, "ce-cw-pgd", ("ce", "cw"), eps=7 / 255, created=10.0)
    stored(run, ["apgd-t"] * 14 + [""] * 26, "autoattack", AA, eps=7 / 255, created=11.0)
    app = at(run)
    shown = gap_table(app)
    assert shown["gap (points)"].tolist() == pytest.approx([25, 10])
    assert shown["images"].tolist() == [40, 40]
    assert "**CE-PGD, 100 steps to CE-CW-PGD, 20 steps at 7/255:**" in words(app)
    assert "to AutoAttack, 20 steps at 7/255:**" not in words(app)  # four images: p = 0.12


def test_a_gap_of_one_image_of_six_is_shown_and_not_explained(judged):
    app = at(judged)
    assert gap_table(app)["gap (points)"].tolist() == pytest.approx([100 / 6, 100 / 6])
    assert "at 7/255:**" not in words(app)


def test_a_runs_own_margins_are_judged_on_its_training_images(finished):
    run, _ = finished
    own = reader.margins(run.store, 3)[:40]
    fell = ["ce-pgd" if k % 3 == 0 else "" for k in range(40)]
    stored(run, fell, split="train")
    app = at(run, "8/255")
    counted = own["clean_ok"].to_numpy()
    safe = kinds.beyond(own, EPS).to_numpy()
    assert not kinds.undecided(own, EPS).any()
    ok = np.array([stage == "" for stage in fell])
    assert cards(app)["decided"] == str(counted.sum())
    assert cards(app)["misclassified"] == str((~counted).sum())
    assert cards(app)["agreement"] == f"{100 * (safe == ok)[counted].mean():.1f} %"


def test_the_attack_that_ended_the_training_judges_the_margins_and_says_how_images_were_chosen(
    finished,
):
    run, _ = finished
    app = open_page(run)
    assert not app.exception
    assert app.selectbox(key="margins-of").value == "own"
    assert "half of them have the smallest margins, the others are spread over the split" in words(
        app
    )
    assert "say nothing about the split as a whole" in words(app)
    (table,) = [t for n, t in reader.attack_runs(run.store).groupby("split") if n == "train"]
    assert table["picked"].all()


def test_margins_whose_images_no_attack_saw_offer_one_and_show_the_rest(finished):
    run, _ = finished
    estimate(Recorder(run.store), [4, 4, 9], split="val", eps=4 / 255)
    app = open_page(run, **{"margins-of": "PGD 4/255, val, 3 images"})
    assert "no val image was attacked" in words(app)
    assert any("--split val" in code.value for code in app.code)
    assert app.button(key="offer-attack")
    assert "Where attacks disagree" in words(app)


def test_a_search_that_ended_below_the_level_decides_nothing_about_a_run_s_own_margins(finished):
    """Found at 3/255 and broken, reached 20/255 and withstood, reached 3/255 and withstood: two
    decided, one not."""
    run, _ = finished
    recorder, n = Recorder(run.store), 300
    margins, clean = np.full(n, 3 / 255), np.zeros(n, bool)
    margins[1], clean[:3] = 20 / 255, True
    recorder.epoch(epoch(4, margins, clean=clean, adv=np.arange(n) != 0))
    stored(run, ["ce-pgd", "", ""], split="train", eps=9 / 255)
    app = at(run, "9/255")
    assert cards(app)["agreement"] == "100.0 %"
    assert (cards(app)["decided"], cards(app)["undecided"]) == ("2", "1")
    assert "1 image whose boundary was found" in words(app)


def test_one_attack_alone_asks_for_the_strongest_other(finished):
    run, _ = finished
    app = open_page(run)
    assert "This needs two attacks" in words(app)
    assert any("--attack autoattack" in code.value for code in app.code)
    assert "A gap needs two of" in words(app)


def test_a_run_without_margins_shows_the_command_that_estimates_them(finished):
    _, std = finished
    app = open_page(std)
    assert "keeps no margin" in words(app)
    assert any(f"smd estimate {std.id} --method min-norm" in code.value for code in app.code)
    assert "Where attacks disagree" in words(app)


def test_searches_that_ended_below_the_level_are_said_to_be_left_out(finished):
    run, _ = finished
    estimate(Recorder(run.store), [4, 4, 9], split="test", eps=4 / 255, crossed=[0, 0, 1])
    stored(run, ["", "", ""], "autoattack", AA)
    app = at(run, "8/255")
    assert cards(app)["decided"] == "1"
    assert cards(app)["undecided"] == "2"
    assert "Decided: 1 by a boundary that was found, 0 as none was met up to 8/255." in words(app)
    assert "2 of them are robust, 0 were fooled" in words(app)


def test_a_link_opens_its_margins_level_and_kind(judged):
    estimate(
        Recorder(judged.store), [1, 1, 1, 1], method="min-norm", split="test", eps=0.0, created=5.0
    )
    kind = "margin says unsafe, attack failed"
    app = open_page(
        judged, **{"margins-of": "PGD 32/255, test, 6 images", "level": "7/255", "kind": kind}
    )
    assert cards(app)["margin > ε, fooled"] == "40.0 %"
    assert app.segmented_control(key="kind").value == "underestimated"


@pytest.mark.slow
def test_choosing_another_run_forgets_margins_that_it_has_not(judged, finished):
    _, std = finished
    app = at(judged)
    app.selectbox(key="run").select(std.id).run()
    assert not app.exception
    assert "keeps no margin" in words(app)


def test_charts_draw_in_pixel_steps_with_the_ideal_step_at_the_level():
    from app.charts import agreement as agreement_charts

    rows = pd.DataFrame(
        {"idx": range(3), "margin": np.float32([2, 9, 10]) / 255, "ok": [False, True, True]}
    )
    spec = agreement_charts.calibration(agreement.calibration(rows), EPS).to_dict()
    sets = [pd.DataFrame(found) for found in spec["datasets"].values()]
    ideal = next(s for s in sets if "order" in s)
    assert ideal["middle"].tolist() == [0, 8, 8, 11]
    assert ideal["percent"].tolist() == [0, 0, 100, 100]
    assert next(s for s in sets if "hi" in s)["middle"].tolist() == [2.5, 9.5, 10.5]


def test_a_pattern_has_one_colour_and_the_crosstab_one_a_meaning():
    from app.charts import agreement as agreement_charts

    def colours(names):
        spec = agreement_charts.patterns(
            pd.DataFrame({"pattern": names, "n": 1, "percent": 1.0})
        ).to_dict()
        scale = spec["layer"][0]["encoding"]["color"]["scale"]
        return dict(zip(scale["domain"], scale["range"], strict=True))

    two, three = (
        colours(["falls to CE-PGD", "robust to all"]),
        colours(["falls to CE-PGD", "falls to mim", "robust to all"]),
    )
    assert two["falls to CE-PGD"] == three["falls to CE-PGD"]
    assert len(set(three.values())) == 3
    table = agreement.crosstab(
        pd.DataFrame({"margin": [1.0], "ok": [True], "kind": "found"}), EPS
    ).table
    spec = agreement_charts.crosstab(table, EPS).to_dict()
    assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"] == list(
        agreement.NAMED.values()
    )
