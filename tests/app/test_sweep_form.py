"""The Sweep section of the Train page queues what it says, once."""

from paging import open_page, words

from smd.runs import folders


def test_a_sweep_queues_each_defense_and_seed_once():
    app = open_page("train")
    app.number_input(key="train-epochs-digits").set_value(3).run()
    app.pills(key="sweep-defenses").set_value(["SMD", "AT8*", "TR-b6-8*"]).run()
    app.number_input(key="sweep-seeds").set_value(2).run()
    assert "--defenses smd,at,trades --seeds 0,1" in " ".join(c.value for c in app.code)
    app.button(key="start-sweep").click().run()
    assert not app.exception
    asked = [run.config for run in folders.all_runs()]
    assert sorted((c.defense, c.seed, c.epochs) for c in asked) == [
        ("at", 0, 3),
        ("at", 1, 3),
        ("smd", 0, 3),
        ("smd", 1, 3),
        ("trades", 0, 3),
        ("trades", 1, 3),
    ]
    app.button(key="start-sweep").click().run()
    assert len(folders.all_runs()) == 6
    assert "6 of them are there already" in words(app)


def test_with_the_official_recipe_each_defense_has_its_own_epochs():
    app = open_page("train")
    app.segmented_control(key="train-recipe").set_value("official").run()
    app.pills(key="sweep-defenses").set_value(["AT8*", "TR-b6-8*"]).run()
    app.button(key="start-sweep").click().run()
    assert {run.config.defense: run.config.epochs for run in folders.all_runs()} == {
        "at": 205,
        "trades": 76,
    }


def test_one_click_trains_on_each_fold(tmp_path):
    """The command is that of a sweep; of one fold it is that of a training."""
    app = open_page("train")
    app.selectbox(key="train-data").set_value("folder").run()
    app.text_input(key="train-path").set_value(str(tmp_path)).run()
    app.number_input(key="train-folds").set_value(3).run()
    assert (
        "sweep" in app.code[0].value and "--folds 3 --defenses smd --seeds 0" in app.code[0].value
    )
    app.button(key="train").click().run()
    assert not app.exception
    assert sorted((run.config.folds, run.config.fold) for run in folders.all_runs()) == [
        (3, 1),
        (3, 2),
        (3, 3),
    ]
    app.selectbox(key="train-fold").set_value(2).run()
    assert "train --data folder" in app.code[0].value and "--folds 3 --fold 2" in app.code[0].value
    app.button(key="train").click().run()
    assert (folders.all_runs()[0].config.fold, len(folders.all_runs())) == (2, 4)


def test_a_sweep_of_nothing_says_so():
    app = open_page("train")
    app.pills(key="sweep-defenses").set_value([]).run()
    assert "Choose one defense or more" in words(app)
