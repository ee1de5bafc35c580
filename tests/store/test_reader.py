"""Questions of the pages and the tables to a small store whose answers are known."""

import math
import threading

import numpy as np
import pytest
from storing import N, attack, epoch, started

from smd.errors import UserError
from smd.stats import wilson
from smd.store import connection, reader, schema


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.duckdb"


def test_a_missing_store_is_an_empty_one(path):
    assert reader.meta(path) == {"schema": schema.VERSION}
    assert reader.class_names(path) == ()
    assert reader.last_epoch(path) == 0
    assert reader.stamp(path) == (0, 0)
    assert math.isnan(reader.share_beyond(path, 1, [0.1])[0.1])
    assert not path.exists()


def test_the_stamp_moves_with_every_record(path):
    recorder = started(path)
    stamps = [reader.stamp(path)]
    for number in (1, 2, 3):
        recorder.epoch(epoch(number))
        stamps.append(reader.stamp(path))
    assert len(set(stamps)) == 4
    reader.metrics(path)
    assert reader.stamp(path) == stamps[-1]


def test_a_samples_history_says_what_each_epoch_did(path):
    recorder = started(path)
    course = (
        (3, True, True),
        (5, True, True),
        (4, True, False),
        (4, True, True),
        (4, False, False),
        (2, False, True),
    )
    for number, (margin, clean, adv) in enumerate(course, start=1):
        margins = np.full(N, margin / 255)
        recorder.epoch(epoch(number, margins, clean=np.full(N, clean), adv=np.full(N, adv)))
    rows = reader.sample_history(path, 2)
    changes = ["expanded", "expanded", "shrunk", "kept", "misclassified", "misclassified"]
    assert list(rows["change"]) == changes
    assert rows["margin"].to_numpy() * 255 == pytest.approx([3, 5, 4, 4, 4, 2], rel=1e-6)
    assert reader.sample_history(path, N).empty


def test_the_share_beyond_a_level_is_exact(path):
    margins = np.float32([0, 8 / 255, 8 / 255, 8.01 / 255, 7.99 / 255, 0.5])
    started(path).epoch(epoch(1, margins))
    share = reader.share_beyond(path, 1, (0, 8 / 255, 1.0))
    assert share == {0: 5 / 6, 8 / 255: 2 / 6, 1.0: 0.0}


def test_a_misclassified_sample_is_beyond_no_level(path):
    started(path).epoch(epoch(1, np.full(N, 85 / 255), clean=np.arange(N) < 2))
    assert reader.share_beyond(path, 1, (8 / 255,)) == {8 / 255: 2 / 6}
    assert 255 * reader.margin_summary(path)["max"][0] == pytest.approx(85)


def test_a_margin_of_just_the_level_is_not_beyond_it(path):
    levels = [k / 255 for k in range(41)]
    started(path, n=41).epoch(epoch(1, np.float32(levels)))
    share = reader.share_beyond(path, 1, levels)
    assert [round(41 * share[level], 9) for level in levels] == [*reversed(range(41))]


def test_the_attack_table_is_the_mean_over_seeds_with_its_interval(path):
    recorder = started(path)
    attack(recorder, eps=0.0, ok=(1, 1, 1, 0))
    attack(recorder, seed=0, ok=(1, 1, 0, 0))
    attack(recorder, seed=1, ok=(1, 0, 0, 0))
    attack(recorder, seed=0, ok=(0, 0, 0), created=2.0)
    rows = reader.attack_table(path)
    assert rows[["n", "accuracy", "seeds"]].to_numpy().tolist() == [
        [3, 0, 1],
        [4, 0.75, 1],
        [4, 0.375, 2],
    ]
    assert list(rows["eps"]) == [8 / 255, 0.0, 8 / 255]
    low, high = wilson(np.array([0.375]), np.array([4]))
    assert (rows["lo"][2], rows["hi"][2]) == (low[0], high[0])


def test_seeds_that_take_over_those_before_have_no_spread(path):
    recorder = started(path)
    for note in ("", "sound=yes"):
        attack(recorder, seed=0, ok=(1, 1, 0, 0), note=note, created=len(note))
        attack(recorder, seed=1, ok=(1, 0, 0, 0), note=note, created=len(note))
    spreads = reader.attack_table(path).set_index("note")["spread"]
    assert spreads[""] == pytest.approx(0.125 * 2**0.5)
    assert np.isnan(spreads["sound=yes"])


def test_a_repeated_attack_counts_once_and_picked_images_do_not_count(path):
    recorder = started(path)
    attack(recorder, created=1.0, ok=(1, 1, 1, 1))
    attack(recorder, created=2.0, ok=(1, 0, 0, 0))
    attack(recorder, created=3.0, ok=(0, 0, 0, 0), picked=True)
    rows = reader.attack_table(path)
    assert rows[["accuracy", "seeds"]].to_numpy().tolist() == [[0.25, 1]]
    assert len(reader.attack_runs(path)) == 3


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_against_newcombe_1998(right, n, low, high):
    found = wilson(np.array([right / n]), np.array([n]))
    assert [end[0] for end in found] == pytest.approx([low, high], abs=5e-5)


def test_the_interval_stays_inside_0_and_1():
    low, high = wilson(np.array([0.0, 1.0, 0.0, 1.0]), np.array([1, 1, 10000, 10000]))
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert (low[0], high[1]) == (0, 1)


def test_every_attacks_verdict_on_one_sample(path):
    recorder = started(path)
    attack(recorder, id="b", eps=8 / 255, ok=(1, 1, 0, 0))
    attack(recorder, id="a", eps=4 / 255, ok=(1, 1, 1, 0))
    attack(recorder, id="c", eps=4 / 255, ok=(1, 1, 1, 1), split="train")
    rows = reader.sample_verdicts(path, "test", 2)
    assert rows[["id", "ok", "pred"]].to_numpy().tolist() == [["a", True, 0], ["b", False, 1]]
    assert rows["distance"].to_numpy() == pytest.approx([4 / 255, 8 / 255])
    assert list(reader.attack_results(path, "b")["idx"]) == [0, 1, 2, 3]


def test_names_are_values_and_never_sql(path):
    recorder = started(path, classes=("x'); DROP TABLE margin; --", "y"))
    evil = "'; DELETE FROM sample; --"
    attack(recorder, id=evil)
    assert reader.attack_results(path, evil)["idx"].tolist() == [0, 1, 2, 3]
    assert reader.samples(path, evil).empty
    assert len(reader.samples(path, "train")) == N


def test_a_broken_description_says_so(path):
    import duckdb

    started(path)
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE meta SET value = '[1' WHERE key = 'classes'")
    with pytest.raises(UserError, match="broken"):
        reader.class_names(path)


def test_states_come_back_by_name_and_epoch(path):
    recorder = started(path)
    for number in (1, 2):
        recorder.epoch(epoch(number, states={"kappa": np.array([0, 1, 1, 3, 10, 2.0]) * number}))
    assert reader.state_names(path) == ("kappa",)
    assert reader.state_hist(path, "kappa", 1).to_dict("list") == {
        "bin": [0, 1, 2, 3, 10],
        "n": [1, 2, 1, 1, 1],
    }
    assert list(reader.state_summary(path, "kappa")["q50"]) == [1.5, 3.0]
    assert reader.state_values(path, "kappa", 2)["value"].tolist() == [0, 2, 2, 6, 20, 4]
    recorder.epoch(epoch(2))  # an epoch that is done again replaces what was kept of it
    assert reader.state_values(path, "kappa", 2).empty


def test_two_attacks_on_picked_images_do_not_hide_each_other(path):
    recorder = started(path)
    attack(recorder, ok=(1, 0), picked=True, job="one", created=1.0)
    attack(recorder, ok=(1, 0, 0), picked=True, job="two", created=2.0, n=2)
    rows = reader.outcomes(path, "test", 8 / 255, picked=True)
    assert rows["idx"].tolist() == [0, 1, 2]
    assert rows["ok"].tolist() == [True, False, False]


def test_what_a_list_of_runs_says_is_read_with_the_store_opened_once(path, opened):
    recorder = started(path)
    recorder.epoch(epoch(1))
    opened.clear()
    known = reader.brief(path)
    assert len(opened) == 1
    assert known.meta == reader.meta(path)
    assert known.validation.equals(reader.validation(path))
    assert known.sizes.equals(reader.split_sizes(path))
    assert known.accuracies.equals(reader.attack_table(path))


def test_kept_stores_are_opened_when_they_are_needed_and_let_go_in_the_end(path, opened):
    recorder, other = started(path), path.with_name("other.duckdb")
    attack(recorder, ok=(1, 0))
    started(other).flush()
    recorder.flush()
    opened.clear()
    with reader.kept(path), reader.kept(other), reader.kept(path):
        assert opened == []
        for _ in range(2):
            assert len(reader.attack_table(path)) == 1
            with reader.together(path):
                assert reader.meta(path)
            assert reader.meta(other)
        assert opened == [str(path), str(other)]
    attack(recorder, ok=(1, 0, 1), created=2.0)  # nobody holds the file any more
    recorder.flush()
    assert len(reader.attack_table(path)) == 2


def test_who_keeps_a_store_may_write_to_it_and_reads_what_was_written(path):
    recorder = started(path)
    attack(recorder, ok=(1, 0))
    recorder.flush()
    with reader.kept(path):
        assert len(reader.attack_table(path)) == 1
        attack(recorder, ok=(1, 0, 1), created=2.0)
        recorder.flush()
        assert len(reader.attack_table(path)) == 2


def test_a_kept_store_lets_others_write_though_nothing_is_read_any_more(path, monkeypatch):
    """The reader is at other work; a writer of another thread comes in within its patience."""
    monkeypatch.setattr(connection, "KEPT", 0.1)
    recorder = started(path)
    recorder.flush()
    with reader.kept(path):
        assert reader.attack_table(path).empty
        writer = threading.Thread(target=lambda: attack(recorder, ok=(1, 0)))
        writer.start()
        writer.join()
        recorder.flush()
        assert len(reader.attack_table(path)) == 1


def test_a_kept_store_that_is_let_go_at_once_is_not_cut_off_while_it_is_read(
    path, opened, monkeypatch
):
    monkeypatch.setattr(connection, "KEPT", 0.0)
    started(path).flush()
    opened.clear()
    with reader.kept(path):
        reader.meta(path)
        with reader.together(path):  # whoever is at it is not cut off
            reader.meta(path)
            reader.meta(path)
        reader.meta(path)
    assert opened == [str(path)] * 3


def test_a_kept_store_that_was_replaced_is_opened_anew(path, opened):
    started(path).flush()
    other = path.with_name("other.duckdb")
    recorder = started(other)
    attack(recorder, ok=(1, 0))
    recorder.flush()
    opened.clear()
    with reader.kept(path):
        assert reader.attack_table(path).empty
        other.replace(path)
        assert len(reader.attack_table(path)) == 1
    assert opened == [str(path)] * 2


def test_a_query_that_breaks_over_a_kept_store_is_told_and_the_next_has_its_own_clock(path, opened):
    started(path).flush()
    opened.clear()
    with reader.kept(path):
        with pytest.raises(UserError, match="took longer"), connection.reading(path):
            raise connection.duckdb.InterruptException("the time is over")
        assert reader.meta(path)
    assert opened == [str(path)] * 2


def test_together_all_queries_share_one_opening_and_later_ones_have_their_own(path, opened):
    recorder = started(path)
    attack(recorder, ok=(1, 0))
    other = path.with_name("other.duckdb")
    opened.clear()
    alone = reader.attack_table(path), reader.meta(path)
    assert opened == [str(path)] * 2
    opened.clear()
    with reader.together(path):
        assert reader.attack_table(path).equals(alone[0])
        assert reader.meta(path) == alone[1]
        reader.meta(other)  # another store is opened for itself
    assert opened == [str(path), ":memory:"]
    attack(recorder, ok=(1, 0, 1), created=2.0)  # nobody holds the file any more
    assert len(reader.attack_table(path)) == 2


def test_together_a_broken_query_is_told_like_any_other(path):
    started(path)
    with pytest.raises(UserError, match="took longer"), reader.together(path):
        raise connection.duckdb.InterruptException("the time is over")
    assert reader.meta(path)
