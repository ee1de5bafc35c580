"""Several ranks train what one does: flags are equal, margins and weights are to float noise.

Ranks are processes that exchange by torch.distributed, or threads that exchange by hand, which is
quicker. The batches of 7 do not divide evenly, and the last one has one image: ranks without rows.
"""

import io
from pathlib import Path

import pytest
import torch
from sharing import NOISE, assert_same, finished, in_processes, in_threads, result_of, training

from smd import registry
from smd.errors import UserError
from smd.ranks import shard
from smd.ranks.group import ALONE, Ended, Lost, current
from smd.training.joining import join
from smd.training.loop import checkpoint, epochs, restore

LAYERS, FUNCTIONS, MIXING = (f"ranked_nets.py:{n}" for n in ("layers", "functions", "mixing"))
QUICK = [
    {"defense": "smd", "net": LAYERS, "turns": 1},
    {"defense": "smd", "net": "small-cnn", "params": {"preset": "ame"}},
    {"defense": "mma", "net": LAYERS},
    {"defense": "trades", "net": FUNCTIONS, "average": "ema", "balance": "loss"},
    {"defense": "fat", "net": "small-cnn"},
]
FLOAT32 = 1e-5  # in which GAIRAT weights its samples
NETS = ("small-cnn", LAYERS, FUNCTIONS)
PRESETS = [{"preset": name} for name in ("paper", "literal", "first-crossing", "ame")]


@pytest.fixture(autouse=True)
def own_networks(monkeypatch):
    monkeypatch.setenv("SMD_NETS", str(Path(__file__).parent))


def check(**options):
    alone = finished(**options)
    noise = FLOAT32 if options.get("defense") == "gairat" else NOISE
    for other in in_threads(3, lambda: finished(**options)):
        assert_same(alone, other, noise)
    return alone


@pytest.mark.parametrize("options", QUICK, ids=lambda o: f"{o['defense']} {o['net']}")
def test_three_ranks_equal_one(options):
    flags, _ = check(**options, n_train=15)
    correct = [kept for name, values in flags.items() if name[:6] == "adv_ok" for kept in values]
    assert 0 < sum(correct) < len(correct)


@pytest.mark.slow(150)
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("defense", registry.DEFENSES)
def test_every_defense_on_three_ranks_equals_one(defense, net):
    check(defense=defense, net=net, epochs=3, turns=3)


@pytest.mark.slow(60)
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("params", PRESETS, ids=lambda p: p["preset"])
def test_every_preset_on_three_ranks_equals_one(params, net):
    check(defense="smd", net=net, params=params)


@pytest.mark.slow(10)
@pytest.mark.parametrize(
    "options", [{"microbatch": 2}, {"balance": "sampling"}, {"balance": "loss"}, {"norm": "L2"}]
)
def test_options_on_three_ranks_equal_one(options):
    check(**options)


def test_what_couples_samples_beside_batch_norm_is_refused():
    with pytest.raises(UserError, match="by something else than batch norm"):
        in_threads(2, lambda: training(net=MIXING))


def test_a_batch_is_divided_without_padding():
    assert shard.counts(7, 3) == [3, 2, 2]
    assert shard.counts(1, 3) == [1, 0, 0]
    places = in_threads(3, lambda: shard.of(7, current()))
    assert [(p.begin, p.end) for p in places] == [(0, 3), (3, 5), (5, 7)]
    assert [p.part(2, 4) for p in places] == [
        shard.Shard(2, 0, 1),
        shard.Shard(2, 1, 2),
        shard.Shard(2, 2, 2),
    ]


def test_alone_nothing_is_exchanged_or_copied():
    x = torch.rand(3)
    assert ALONE.reduce(x) is ALONE.gather(x) is ALONE.broadcast(x) is x
    assert shard.of(3, ALONE).own(x) is x
    assert training(n_train=15).parted is None


class Stop(Exception):
    """What a test breaks a training off with."""


def stopped(state, epoch, batch):
    """Train until that batch of that epoch is done; the checkpoint there, on the first rank."""
    kept = []

    def after_batch(now, batches):
        if (now.epoch, now.batch) == (epoch, batch):
            file = io.BytesIO()
            torch.save(checkpoint(now), file)
            kept.append(file.getvalue())
            raise Stop

    with pytest.raises(Stop if current().rank == 0 else Ended):
        list(epochs(state, after_batch))
    return kept


OPTIONS = {"net": "small-cnn", "n_train": 15, "average": "ema", "epochs": 3}


def first_part():
    state = training(**OPTIONS)
    join(state)
    return stopped(state, 0, 2)


def second_part(saved):
    """Only the first rank has the checkpoint."""
    state = training(**OPTIONS)
    if current().rank == 0:
        restore(state, torch.load(io.BytesIO(saved), weights_only=True))
    join(state)
    return stopped(state, 1, 1)


PLAIN = {"defense": "smd", "net": "small-cnn", "n_train": 15, "turns": 1}
NORMALISED = {"defense": "trades", "net": LAYERS, "n_train": 15, "turns": 1}


def in_two_processes():
    return finished(**PLAIN), first_part()


class InThreeProcesses:
    """What three processes do: a picklable function of a checkpoint."""

    def __init__(self, saved):
        self.saved = saved

    def __call__(self):
        together = finished(**NORMALISED)
        later = second_part(self.saved)
        if current().rank == 2:  # gone without a word
            return together, later, None
        try:
            current().reduce(torch.ones(()))
        except Lost as error:
            return together, later, str(error)


@pytest.mark.slow(20)
def test_processes_equal_one_and_a_run_goes_on_with_another_number_of_them(tmp_path):
    """2, then 3, then 1, broken off within epochs, equal one that was never broken off."""
    first, other = in_processes(2, in_two_processes, tmp_path / "two")
    for answer in (first, other):
        assert not isinstance(answer, BaseException), answer
        assert_same(finished(**PLAIN), answer[0])
    answers = in_processes(3, InThreeProcesses(first[1][0]), tmp_path / "three")
    for answer in answers:
        assert not isinstance(answer, BaseException), answer
        assert_same(finished(**NORMALISED), answer[0])
    assert all("has ended or does not answer" in answer[2] for answer in answers[:2])
    last = training(**OPTIONS)
    restore(last, torch.load(io.BytesIO(answers[0][1][0]), weights_only=True))
    rest = list(epochs(last, lambda *_: None))
    whole = training(**OPTIONS)
    assert_same(result_of(whole, list(epochs(whole, lambda *_: None))[1:]), result_of(last, rest))
