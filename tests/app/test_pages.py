"""Every page on every kind of run: it renders, and says what there is to say."""

import kinds
import pytest
from paging import open_page, words

from smd.runs import folders

VIEWS = (
    "train",
    "import",
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


SAYS = {  # on these pages
    "empty": ("No runs yet", VIEWS[2:]),
    "failed": ("The images are broken: mend them.", ("live",)),
    "newer": ("newer version", ("live", "margins", "samples")),
    "newer-store": ("newer version", ("live", "margins", "samples")),
    "std": ("keeps no margin", ("margins",)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds.KINDS)
@pytest.mark.parametrize("view", VIEWS)
def test_every_page_renders_on_every_kind_of_run_and_says_what_to_do(view, kind, request):
    run = kinds.make(kind, request)
    app = open_page(view, **({"run": run.id} if run else {}))
    assert not app.exception
    assert app.title[0].value.lower() == view
    said, places = SAYS.get(kind, ("", ()))
    assert view not in places or said in words(app)


def test_smd_shows_no_knob():
    app = open_page("train")
    labels = {
        w.label
        for group in (app.selectbox, app.number_input, app.text_input, app.slider)
        for w in group
    }
    assert labels == {
        "Data set",
        "Network",
        "Defense",
        "Epochs",
        "Seed",
        "Batch size",
        "Training images",
        "Test images to estimate margins of",
        "Normalisation",
        "Start from weights",
        "Device",
        "Devices",
        "Seeds",
    }


def test_train_queues_the_run_that_the_form_describes():
    app = open_page("train")
    app.number_input(key="train-epochs-digits").set_value(7)
    app.number_input(key="train-seed").set_value(3)
    app.button(key="train").click().run()
    assert not app.exception
    (run,) = folders.all_runs()
    assert (run.config.epochs, run.config.seed, run.config.defense, run.status.state) == (
        7,
        3,
        "smd",
        "queued",
    )


def test_the_shown_command_describes_the_same_run():
    from smd import __main__ as cli
    from smd.cli import train

    app = open_page("train")
    app.number_input(key="train-epochs-digits").set_value(9).run()
    shown = next(c.value for c in app.code if "smd train" in c.value)
    args = cli.parser().parse_args(shown.split()[3:])
    config = train.config_from(args, args.defense)
    app.button(key="train").click().run()
    assert folders.all_runs()[0].config == config


@pytest.mark.slow
def test_a_link_opens_its_run_epoch_and_sample(finished):
    smd_run, std_run = finished
    app = open_page("margins", run=smd_run.id, epoch="2")
    assert app.selectbox(key="run").value == smd_run.id
    assert "after epoch 2" in words(app)
    app = open_page("samples", run=smd_run.id, sample="42")
    assert "Image 42" in words(app)
    assert open_page("live", run=std_run.id).selectbox(key="run").value == std_run.id


@pytest.mark.slow
def test_margins_shows_the_shares_of_the_store(finished):
    from smd.store import reader

    run, _ = finished
    app = open_page("margins", run=run.id)
    shown = {metric.label: metric.value for metric in app.metric}
    share = reader.share_beyond(run.store, 3, [8 / 255])[8 / 255]
    assert shown["correct, found or reached > 8/255"] == f"{100 * share:.1f} %"


def test_cancel_and_delete_ask_first(request):
    run = kinds.make("queued", request)
    app = open_page("live", run=run.id)
    assert {b.label for b in app.button} == {"Cancel the run", "Clone into the form", "Notify me"}
    app.button(key="confirm-cancel").click().run()
    assert kinds.state(run) == "cancelled"
    assert {b.label for b in app.button} == {"Resume", "Clone into the form", "Delete for good"}
    app.button(key="confirm-delete").click().run()
    assert folders.all_runs() == []
