"""Named sets on the pages: tagged, kept, chosen in the sidebar, attacked, taken away."""

from paging import open_page, tiles, words

from app.sections import image_sets as section
from smd.config import schema
from smd.config.schema import AttackConfig, EstimateConfig
from smd.runs import folders, image_sets


def tags(app):
    return next(box for box in app.multiselect if box.label == "Sets")


def keep(app, text):
    """Type a name and press Add; AppTest forgets a new name with every run."""
    for last in (False, True):
        box = next(box for box in app.selectbox if box.label == "Name")
        box.options.append(text)
        box.set_value(text)
        (app.button(key="set-add").click() if last else box).run()


def test_a_selection_is_kept_under_a_name_and_chosen_in_the_sidebar(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, find="closest to the boundary", closest="10")
    meant = tiles(app, "samples")
    assert app.button(key="set-add").disabled
    keep(app, "  fragile   ones ")
    assert not app.exception
    assert image_sets.read(run) == {"fragile ones": {"train": tuple(sorted(meant))}}

    link = {"run": run.id, "set": "fragile ones"}
    app = open_page("samples", **link)
    assert sorted(tiles(app, "samples")) == sorted(meant)
    assert f"{len(meant)} of 300 training images" in words(app)
    assert app.query_params["set"] == "fragile ones"
    app.button(key="clear-selection").click().run()
    assert "set" not in app.query_params
    # a set of training images is none of test images
    assert "359 test images" in words(open_page("samples", **link, split="test"))


def test_a_set_narrows_what_is_asked_for(finished):
    run, _ = finished
    image_sets.add(run, "odd", "train", range(1, 300, 2))
    app = open_page("samples", run=run.id, set="odd", find="closest to the boundary", closest="10")
    shown = tiles(app, "samples")
    assert len(shown) == 10  # the nearest of the set, not those of the nearest that are in it
    assert all(idx % 2 for idx in shown)


def test_an_opened_image_is_tagged_and_the_tag_is_taken_away(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, sample="7")
    tags(app).options.append("odd hands")
    tags(app).set_value(["odd hands"]).run()
    assert not app.exception
    assert image_sets.read(run) == {"odd hands": {"train": (7,)}}
    assert tags(app).value == ["odd hands"]
    tags(app).set_value([]).run()
    assert image_sets.read(run) == {}


def test_a_name_that_cannot_be_is_refused_in_a_sentence(finished):
    run, _ = finished
    app = open_page("samples", run=run.id, sample="7")
    tags(app).options.append("1,2")
    tags(app).set_value(["1,2"]).run()
    assert "could be taken for ids" in words(app)
    assert image_sets.read(run) == {}


def test_all_sets_are_one_table_with_the_names_of_files(finished, monkeypatch):
    run, _ = finished
    assert section.listed(run).empty
    image_sets.add(run, "a", "train", [3, 1])
    image_sets.add(run, "a", "test", [0])
    table = section.listed(run)
    assert table[["set", "split", "id"]].to_numpy().tolist() == [
        ["a", "train", 1],
        ["a", "train", 3],
        ["a", "test", 0],
    ]
    assert "file" not in table  # the digits are no files


def test_the_attack_form_attacks_a_set_and_shows_the_command_with_its_name(finished):
    run, std = finished
    image_sets.add(run, "odd hands", "test", [5, 2])
    app = open_page("attacks", run=run.id)
    assert "attack-set" not in {box.key for box in app.selectbox}  # the other run has no such set
    image_sets.add(std, "odd hands", "test", [9])
    app.run()
    app.selectbox(key="attack-set").set_value("odd hands").run()
    assert any("--ids 'odd hands'" in code.value for code in app.code)
    app.button(key="start-attack").click().run()
    assert not app.exception
    for each, ids in ((run, (2, 5)), (std, (9,))):
        config = schema.read(AttackConfig, folders.jobs_of(each, "attack")[0] / "config.json")
        assert (config.ids, config.split) == (ids, "test")


def test_the_form_of_margins_measures_a_set(finished):
    _, std = finished
    image_sets.add(std, "odd hands", "test", [5, 2])
    app = open_page("margins", run=std.id)
    app.selectbox(key="margin-set").set_value("odd hands").run()
    assert any("--ids 'odd hands'" in code.value for code in app.code)
    app.button(key="start-margins").click().run()
    config = schema.read(EstimateConfig, folders.jobs_of(std, "margins")[0] / "config.json")
    assert (config.ids, config.n) == ((2, 5), 2)
