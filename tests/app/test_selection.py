"""One selection on every page: filters in the sidebar, all of them in the address."""

import numpy as np
import pytest
from paging import open_page, switch, tiles, words
from storing import attack, estimate

from smd.core.kinds import MISCLASSIFIED
from smd.store import reader
from smd.store.writer import Recorder


def margins(run, epoch=3):
    """Of every training image; a misclassified one has no margin."""
    rows = reader.margins(run.store, epoch)
    return rows.assign(shown=(255 * rows["margin"]).where(rows["kind"] != MISCLASSIFIED))


def lower_half(run):
    """A range of margins as an address has it, and the images in it."""
    rows = margins(run)
    end = round(float(rows["shown"].quantile(0.6)), 1)
    return ["0", str(end)], rows[rows["shown"] <= end + 1e-3]["idx"].tolist()


def test_a_range_of_margins_in_the_link_selects_its_images(finished):
    run, _ = finished
    span, expected = lower_half(run)
    app = open_page("samples", run=run.id, range=span)
    assert 1 < len(expected) < len(margins(run)["shown"].dropna())
    assert f"{len(expected)} of 300 training images" in words(app)
    assert tiles(app, "samples") == expected[:24]


@pytest.mark.slow
def test_the_same_images_are_meant_on_every_page(finished):
    run, _ = finished
    label = reader.class_names(run.store)[3]
    n = int((reader.samples(run.store, "train")["label"] == 3).sum())
    app = open_page("samples", run=run.id, **{"class": label})
    for view in ("margins", "attacks", "samples"):
        switch(app, view)
        assert not app.exception
        assert app.multiselect(key="class").value == [label]
        assert f"{n} of 300 training images" in words(app)


def test_one_click_finds_what_is_closest_to_the_boundary(finished):
    run, _ = finished
    app = open_page("samples", run=run.id)
    assert "300 training images" in words(app)
    pills = next(group for group in app.get("button_group") if group.key == "find")
    pills.set_value("closest to the boundary").run()
    assert not app.exception
    rows = margins(run)
    nearest = rows[rows["clean_ok"]].sort_values(["kind", "margin", "idx"])["idx"].tolist()
    assert tiles(app, "samples") == nearest[:24]


def test_the_closest_are_as_many_as_asked_for_also_among_test_images(finished):
    run, _ = finished
    estimate(Recorder(run.store), np.arange(100)[::-1], "min-norm", eps=0.0, split="test")
    app = open_page(
        "samples", run=run.id, split="test", find="closest to the boundary", closest="10"
    )
    assert "10 of 359 test images" in words(app)
    assert tiles(app, "samples") == list(range(99, 89, -1))


@pytest.mark.slow
def test_a_range_of_training_images_hides_no_test_image(finished):
    """Neither a part of the axis nor the whole of a shorter one."""
    run, std = finished
    estimate(Recorder(run.store), [200] * 358 + [1], "min-norm", eps=0.0, split="test")
    app = open_page("samples", run=run.id, range=["0", "20"])
    assert "of 300 training images" in words(app)
    app.segmented_control(key="split").set_value("test").run()
    assert "359 test images" in words(app)
    assert "of 359 test images" not in words(app)
    app.selectbox(key="run").set_value(std.id).run()
    assert "of 359 test images" not in words(app)


def test_a_range_without_a_slider_of_its_own_does_not_act(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, range=["0", "20"])
    app.segmented_control(key="split").set_value("test").run()
    assert "range" not in {slider.key for slider in app.slider}
    assert "of 359 test images" not in words(app)
    app.segmented_control(key="split").set_value("train").run()
    assert "of 300 training images" not in words(app)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("view", "enabled"),
    [("all images", {"class", "epoch", "range"}), ("by class", {"epoch"}), ("over time", set())],
)
def test_filters_that_a_view_ignores_are_disabled_with_the_reason(view, enabled, finished):
    run, _ = finished
    app = open_page("margins", run=run.id, view=view)
    widgets = {
        w.key: w
        for group in (app.multiselect, app.slider)
        for w in group
        if w.key in ("class", "epoch", "range")
    }
    assert {key for key, widget in widgets.items() if not widget.disabled} == enabled
    for key in set(widgets) - enabled:
        assert view in widgets[key].help


def test_without_an_embedding_its_filters_are_disabled(finished):
    run, _ = finished
    app = open_page("embedding", run=run.id)
    assert app.multiselect(key="class").disabled
    assert "no embedding of these images" in app.multiselect(key="class").help
    assert not open_page("samples", run=run.id).multiselect(key="class").disabled


def test_an_image_that_the_split_does_not_have_is_the_nearest_one_with_a_word(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, split="test", sample="350")
    assert "Image 350 ·" in words(app)
    app.segmented_control(key="split").set_value("train").run()
    assert "There is no image 350 among the training images" in words(app)
    assert "Image 299 ·" in words(app)


def test_what_shrank_most_is_asked_between_two_epochs(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, find="margin shrank most", between=["2", "3"])
    assert not app.exception
    flow = reader.flow(run.store, 2, 3)
    change = 255 * (flow["after"] - flow["before"])
    order = change[change < -1e-3].sort_values(kind="stable").index
    assert f"{len(order)} of 300 training images" in words(app)
    assert tiles(app, "samples") == flow.loc[order, "idx"].tolist()[:24]


def test_a_question_without_an_answer_says_what_to_do(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, split="test", find="fooled by AutoAttack only")
    assert "This needs AutoAttack and a weaker attack on the same test images" in words(app)
    assert tiles(app, "samples") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "find", ["robust by margin, yet fooled", "margin says safe, attack says broken"]
)
def test_a_margin_that_says_robust_of_an_image_that_was_fooled_is_found(find, finished):
    """By its title of now, and by the one that older addresses have."""
    run, _ = finished
    recorder = Recorder(run.store)
    estimate(recorder, [200, 200, 1], "gem", split="test")
    attack(recorder, "autoattack", eps=32 / 255, ok=(0, 1, 0), created=9e9)
    app = open_page(
        "samples",
        run=run.id,
        split="test",
        find=find,
        level="32/255",
    )
    assert tiles(app, "samples") == [0]


def test_clear_brings_all_images_back(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, range=["0", "20"], find="closest to the boundary")
    assert "of 300 training images" in words(app)
    app.button(key="clear-selection").click().run()
    assert not app.exception
    assert "of 300 training images" not in words(app)
    assert "clear-selection" not in {button.key for button in app.button}


@pytest.mark.slow
def test_filters_of_one_run_do_not_stop_the_pages_of_another(finished):
    run, std = finished
    app = open_page("samples", run=run.id, range=["5", "20"], epoch="2", find="margin grew most")
    app.selectbox(key="run").set_value(std.id).run()
    assert not app.exception
    assert "300 training images" in words(app)  # the other run keeps no margins, so all are meant
    app.selectbox(key="run").set_value(run.id).run()
    assert not app.exception


def test_a_tile_opens_its_image_and_keeps_the_selection(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, range=lower_half(run)[0])
    second = tiles(app, "samples")[1]
    app.button(key=f"open-samples-{second}").click().run()
    assert not app.exception
    assert f"Image {second} ·" in words(app)
    assert tiles(app, "samples")[1] == second


def test_the_table_draws_each_image_s_margins(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, **{"as-samples": "table"})
    table = next(frame.value for frame in app.dataframe if "curve" in frame.value)
    rows = margins(run).set_index("idx")["shown"].fillna(0)
    assert len(table) == 24
    for row in table.itertuples():
        assert len(row.curve) == 3
        assert row.curve[-1] == pytest.approx(rows[row.id], abs=1e-3)
        assert row.image.startswith("data:image/png")


@pytest.mark.slow
def test_attacks_hold_the_selected_images_against_all(finished):
    run, _ = finished
    attack(Recorder(run.store), "ce-cw-pgd", eps=9 / 255, ok=(1, 0, 0, 0), created=9e9)
    labels = reader.samples(run.store, "test")["label"]
    name = reader.class_names(run.store)[labels[0]]
    app = open_page("attacks", run=run.id, split="test", **{"class": name})
    table = next(frame.value for frame in app.dataframe if "robust (%)" in frame.value)
    (row,) = table[table["noise level"] == "9/255"].to_dict("records")
    seen = [k for k in range(4) if labels[k] == labels[0]]
    assert row["seen"] == len(seen)
    assert row["robust (%)"] == pytest.approx(100 / len(seen), abs=0.01)
    assert row["all images (%)"] == 25.0


@pytest.mark.slow
def test_selected_images_can_be_attacked_and_their_verdicts_count(finished):
    from smd.config import schema
    from smd.config.schema import AttackConfig
    from smd.runs import folders

    run, _ = finished
    span, expected = lower_half(run)
    app = open_page("attacks", run=run.id, range=span)
    app.button(key="attack-selected").click().run()
    assert not app.exception
    (job,) = folders.jobs_of(run, "attack")
    asked = schema.read(AttackConfig, job / "config.json")
    assert list(asked.ids) == expected
    assert asked.split == "train"
