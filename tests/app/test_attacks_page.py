"""The Attacks page: it queues what the form says, and its tables hold what the store and the paper
say."""

import pytest
from paging import open_page, words
from storing import attack

from app.components import run_names
from smd.config.schema import AttackConfig, read
from smd.runs import folders
from smd.store.writer import Recorder

pytestmark = pytest.mark.slow


def queued(run):
    return [read(AttackConfig, folder / "config.json") for folder in folders.jobs_of(run, "attack")]


def tables(app):
    return [frame.value for frame in app.dataframe]


def test_attack_queues_one_job_a_run(finished):
    app = open_page("attacks")
    app.number_input(key="ce-pgd-steps").set_value(5)
    app.button(key="start-attack").click().run()
    assert not app.exception
    for run in finished:
        (asked,) = queued(run)
        assert (asked.attack, asked.params, asked.seeds) == (
            "ce-pgd",
            {"steps": 5},
            (0, 1, 2, 3, 4),
        )
        assert asked.n == 359  # the page offers no more than the split has


def test_the_shown_command_asks_for_the_same(finished):
    from smd import __main__ as cli
    from smd.cli import attack as command

    app = open_page("attacks")
    app.selectbox(key="attack").select("autoattack").run()
    shown = next(c.value for c in app.code if "smd attack" in c.value)
    app.button(key="start-attack").click().run()
    args = cli.parser().parse_args(shown.split()[3:])
    assert len(args.runs) == 2
    for run in map(folders.find, args.runs):
        assert [command.config_from(args, run)] == queued(run)


def test_preview_is_a_short_ce_pgd_whatever_is_chosen(finished):
    app = open_page("attacks")
    app.selectbox(key="attack").select("autoattack").run()
    app.button(key="preview-attack").click().run()
    (asked,) = queued(finished[0])
    assert (asked.attack, asked.params["steps"], asked.seeds, asked.n) == ("ce-pgd", 20, (0,), 359)


def test_l2_asks_for_lengths(finished):
    app = open_page("attacks")
    app.segmented_control(key="norm").set_value("L2").run()
    assert app.text_input(key="eps-L2").value == "0.25,0.5,1"  # the data set's lengths
    app.text_input(key="eps-L2").set_value("0.5,1.5").run()
    assert "--norm L2" in next(c.value for c in app.code if "smd attack" in c.value)
    app.button(key="start-attack").click().run()
    assert queued(finished[0])[0].levels == (0.5, 1.5)


def test_a_bad_noise_level_is_explained_and_nothing_is_queued(finished):
    app = open_page("attacks")
    app.text_input(key="eps-digits").set_value("8/0").run()
    assert "Noise levels: '8/0' is no noise level" in words(app)
    assert app.button(key="start-attack").disabled
    assert app.button(key="preview-attack").disabled
    assert not any("smd attack" in c.value for c in app.code)
    assert {"ce-pgd-steps", "seeds-ce-pgd", "n-digits"} <= {field.key for field in app.number_input}
    app.number_input(key="ce-pgd-steps").set_value(7).run()
    app.text_input(key="eps-digits").set_value("8/255").run()
    assert "ce-pgd:steps=7 --eps 8/255" in next(
        c.value for c in app.code if "smd attack" in c.value
    )
    assert not app.button(key="start-attack").disabled
    assert not any(folders.jobs_of(run, "attack") for run in finished)


def test_a_stranger_to_the_page_attacks_two_runs_at_most(finished):
    """One click must not queue a long attack on every run there is."""
    import shutil

    smd_run, std_run = finished
    for k in range(3):
        copy = std_run.folder.with_name(f"2026010{k}-000000-digits-std-00{k}0")
        shutil.copytree(std_run.folder, copy)
    app = open_page("attacks", run=smd_run.id)
    assert app.multiselect(key="runs").value == [smd_run.id, std_run.id]
    app.selectbox(key="attack").select("autoattack").run()
    assert "on 2 runs, one after the other" in words(app)
    app.button(key="start-attack").click().run()
    asked = [len(folders.jobs_of(run, "attack")) for run in folders.all_runs()]
    assert sorted(asked) == [0, 0, 0, 1, 1]


def test_runs_are_ranked_by_their_worst_attack_on_the_same_images(finished):
    smd_run, std_run = finished
    for run, right in ((smd_run, 30), (std_run, 10)):
        many = (1,) * right + (0,) * (40 - right)
        attack(Recorder(run.store), "ce-cw-pgd", ok=many, steps=100, eps=3 / 255)
    attack(Recorder(std_run.store), "autoattack", ok=(0,) * 40, steps=0, eps=3 / 255)
    over = {"eps": 3 / 255, "note": "sound=yes", "created": 2.0}
    attack(Recorder(std_run.store), "autoattack", ok=(0,) * 50, steps=0, **over)
    app = open_page("attacks", run=smd_run.id)
    assert "Attacks that took over what was known (sound=yes) do not count here" in words(app)
    app.segmented_control(key="ranking-level").set_value("3/255").run()
    ranked = next(t for t in tables(app) if "worst case (%)" in t)
    assert ranked["defense"].tolist() == ["SMD", "STD"]
    # AutoAttack has seen one of them alone: it does not count
    assert [cell.split(" ")[0] for cell in ranked["worst case (%)"]] == ["75.00", "25.00"]
    assert ranked["n"].tolist() == [40, 40]
    assert "The SMD run withstands more than the STD run, by 50.0 points (p < 0.001)" in words(
        app
    ).replace("\\", "")
    # one click puts the other under it, on as many images
    app.button(key="same-images").click().run()
    (asked,) = queued(smd_run)
    assert (asked.attack, asked.n, asked.seeds, asked.levels) == (
        "autoattack",
        40,
        (0,),
        (3 / 255,),
    )
    assert not queued(std_run)


def test_an_attack_with_no_seed_in_common_is_offered_again(finished):
    from app.sections import ranking

    smd_run, std_run = finished
    for run, seed in ((smd_run, 0), (std_run, 1)):
        attack(Recorder(run.store), "autoattack", ok=(1,) * 40, steps=0, seed=seed, eps=3 / 255)
    (config, lacking), *_ = ranking.unmatched(finished)
    assert (config.attack, config.seeds) == ("autoattack", (1,))
    assert [run.id for run in lacking] == [smd_run.id]


def test_latex_names_data_set_images_and_levels_and_no_runs(finished):
    app = open_page("attacks")
    (text,) = [code.value for code in app.code if r"\begin{table}" in code.value]
    assert r"\label{tab:digits-ce-pgd-20-steps-linf}" in text
    assert "100 test images (Digits, 8x8 gray)" in text
    assert "at $\\varepsilon$ = 8/255, 16/255, 32/255" in text
    assert not any(run.id.split("-", 2)[-1] in text for run in finished)


def test_intervals_and_spread_stand_in_the_cells(finished):
    run, _ = finished
    for seed, ok in ((0, (1, 1, 1, 0)), (1, (1, 1, 0, 0))):
        attack(Recorder(run.store), "autoattack", ok=ok, seed=seed, steps=0)
    app = open_page("attacks")
    for mode, cell in (
        ("accuracy", 62.5),
        ("with intervals", "62.50 (21.94–90.81)"),
        ("with spread over attack seeds", "62.50 ± 17.68"),
    ):
        app.segmented_control(key="shown").set_value(mode).run()
        assert not app.exception
        assert cell in [t["8/255"].iloc[0] for t in tables(app) if "8/255" in t]


def test_balanced_accuracy_is_called_so_and_no_test_is_claimed(finished):
    app = open_page("attacks")
    said = " ".join(c.value for c in app.caption)
    assert "Bold: better" in said and "too narrow" in said
    app.segmented_control(key="shown").set_value("balanced accuracy").run()
    assert not app.exception
    said = " ".join(c.value for c in app.caption)
    assert "no test compares it" in said and "Bold" not in said
    latex = [code.value for code in app.code if "tabular" in code.value]
    assert latex and all("Balanced accuracy in" in text for text in latex)
    assert not any("for n images" in text for text in latex)


def test_flags_are_badges_with_their_meaning(finished):
    run, _ = finished
    attack(Recorder(run.store), "autoattack", flags={"zero-gradient": "", "square": ""}, steps=0)
    app = open_page("attacks")
    shown = " ".join(m.value for m in app.markdown)
    assert "zero gradients at 8/255" in shown
    assert "Square beats white-box at 8/255" in shown


def test_a_gap_of_more_than_two_points_is_explained(finished):
    run, _ = finished
    recorder = Recorder(run.store)
    attack(recorder, "ce-pgd", ok=(1,) * 90 + (0,) * 10, steps=100)
    attack(recorder, "ce-cw-pgd", ok=(1,) * 89 + (0,) * 11, steps=100)
    attack(recorder, "autoattack", ok=(1,) * 70 + (0,) * 30, steps=0)
    warned = [w.value for w in open_page("attacks").warning]
    (text,) = [w for w in warned if "70.00" in w]
    assert (
        "CE-CW-PGD, 100 steps, 89.00 %; AutoAttack, 70.00 %, on the same 100 test images (p ="
        " 4e-06)" in text
    )


def test_a_gap_of_two_points_in_fifty_images_is_one_image_and_no_warning(finished):
    run, _ = finished
    recorder = Recorder(run.store)
    attack(recorder, "ce-pgd", ok=(1,) * 40 + (0,) * 10, steps=100)
    attack(recorder, "autoattack", ok=(1,) * 37 + (0,) * 13, steps=0)
    assert not open_page("attacks").warning


def test_attacks_with_other_settings_have_tables_of_their_own(finished):
    run, _ = finished
    recorder = Recorder(run.store)
    attack(recorder, "ce-cw-pgd", ok=(1, 1, 1, 0), steps=100)
    attack(recorder, "ce-cw-pgd", ok=(1, 1, 1, 1), steps=100, note="runs=1", created=2.0)
    app = open_page("attacks")
    titles = [heading.value for heading in app.header]
    assert "CE-CW-PGD, 100 steps, test images" in titles
    assert "CE-CW-PGD, 100 steps, runs=1, test images" in titles


def bold(app, column):
    """The rows of the first table with that column whose cell is bold there."""
    frame = next(f for f in app.dataframe if column in f.value)
    styles = frame.proto.arrow_data.styler.styles
    place = list(frame.value.columns).index(column)
    return [
        row
        for row in range(len(frame.value))
        if f"row{row}_col{place} " in styles or f"row{row}_col{place}," in styles
    ]


def test_bold_on_the_page_is_what_a_paired_test_finds(finished):
    smd, std = finished
    for run, right in ((smd, 30), (std, 10)):
        attack(
            Recorder(run.store),
            "autoattack",
            ok=(1,) * right + (0,) * (40 - right),
            steps=0,
            eps=3 / 255,
        )
        attack(
            Recorder(run.store),
            "autoattack",
            ok=(1,) * (right // 10) + (0,) * 37,
            steps=0,
            eps=5 / 255,
        )
    app = open_page("attacks")
    assert "by a paired test at 5 %" in words(app)
    frame = next(f.value for f in app.dataframe if "3/255" in f.value)
    winner = list(frame["defense"]).index("SMD")
    assert bold(app, "3/255") == [winner]
    assert bold(app, "5/255") == []


def test_the_papers_rows_are_marked_and_can_be_hidden(finished, monkeypatch):
    from dataclasses import replace

    run, _ = finished
    attack(Recorder(run.store), "autoattack", steps=0)
    fashion = replace(run.config, data="fashion-mnist")
    monkeypatch.setattr(folders.Run, "config", property(lambda self: fashion))
    app = open_page("attacks", run=run.id)
    assert not any("source" in t for t in tables(app))
    app.toggle(key="paper").set_value(True).run()
    (table,) = [t for t in tables(app) if "source" in t]
    assert list(table["source"]).count("paper") == 12
    assert table[table["defense"] == "MMA20*"]["8/255"].tolist() == ["81.07"]


def test_a_run_whose_store_is_broken_is_left_out_with_a_word(finished):
    run, std = finished
    std.store.write_bytes(b"no store")
    app = open_page("attacks", run=run.id)
    assert f"**{run_names.shown(std.id)}** cannot be read and is left out." in words(app)
    assert [box.value for box in app.multiselect if box.key == "runs"] == [[run.id, std.id]]
