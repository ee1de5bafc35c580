"""Defenses in a loop of one's own: the trainer's numbers, resumed bit for bit, clear refusals."""

import inspect
import io
import pickle

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import smd
from smd import data, registry
from smd.config.schema import TrainConfig
from smd.core import rng
from smd.data.batches import shuffled
from smd.training import loop

CPU = torch.device("cpu")
NAMES = {entry.target.partition(":")[2]: name for name, entry in registry.DEFENSES.items()}
N, EPOCHS, SIZE = 96, 2, 32


def prepared(defense, params=None):
    """Our own trainer's run, before its first epoch."""
    config = TrainConfig(
        defense=defense, params=params or {}, epochs=EPOCHS, batch=SIZE, n_train=N, device="cpu"
    )
    return loop.prepare(config, data.load("digits"), CPU)


def ours_look(result):
    """Whether the trainer says that the defense has looked at clean images."""
    return any(metric.name == "misclassified" for metric in result.metrics)


def own_epochs(defense, training, first=0, last=EPOCHS):
    """The same epochs as a caller of the API writes them."""
    model, optimizer, rows = training.model, training.optimizer, training.sets.train
    for epoch in range(first, last):
        order = rng.generator("cpu", 0, "order", epoch)
        parts = shuffled(len(rows), SIZE, order, CPU)
        for group in optimizer.param_groups:
            group["lr"] = training.config.full_recipe.rate(epoch, EPOCHS, epoch * len(parts))
        model.train()
        defense.begin(epoch)
        for ids in parts:
            batch = rows.take(ids)
            optimizer.zero_grad()
            defense.step(model, ids, batch.x, batch.y)
            optimizer.step()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_margins_and_weights_are_those_of_our_own_trainer(name):
    theirs, ours = prepared(NAMES[name]), prepared(NAMES[name])
    results = list(loop.epochs(ours, lambda training, batches: None))
    defense = getattr(smd, name)(n=len(theirs.sets.train), epochs=EPOCHS, shape=(1, 8, 8))
    own_epochs(defense, theirs)
    for mine, other in zip(ours.model.parameters(), theirs.model.parameters(), strict=True):
        assert torch.equal(mine, other)
    assert defense.state.keys() == ours.state.keys()
    assert all(torch.equal(ours.state[key], value) for key, value in defense.state.items())
    table = defense.to_frame()
    assert (table["adv_ok"].to_numpy() == results[-1].adv_ok).all()
    assert ("crossed" not in table) or (table["crossed"] == results[-1].crossed).all()
    assert ("clean_ok" in table) == ours_look(results[-1])


@pytest.mark.slow
def test_the_knobs_arrive():
    ours = prepared("smd", {"preset": "literal"})
    list(loop.epochs(ours, lambda training, batches: None))
    for preset, same in (("literal", True), ("paper", False)):
        theirs = prepared("smd")
        defense = smd.SMD(n=len(theirs.sets.train), epochs=EPOCHS, shape=(1, 8, 8), preset=preset)
        own_epochs(defense, theirs)
        assert torch.equal(defense.margins, ours.state["margin"]) == same


def test_balanced_batches_are_those_of_our_own_trainer_epoch_by_epoch():
    config = TrainConfig(batch=SIZE, balance="sampling")
    labels = torch.tensor([0] * 90 + [1] * 10)
    batches = smd.BalancedBatches(labels.tolist(), SIZE)
    assert len(batches) == 4
    for epoch in (0, 1):
        ours = [part.tolist() for part in loop.parts_of(config, labels, epoch)]
        assert list(batches) == ours
        again = smd.BalancedBatches(labels.to(torch.uint8), SIZE)
        again.set_epoch(epoch)
        data_set = smd.WithIds(TensorDataset(torch.rand(100, 1), labels))
        read = [ids.tolist() for ids, _, _ in DataLoader(data_set, batch_sampler=again)]
        assert read == ours


@pytest.mark.parametrize(
    "labels, size, sentence",
    [
        ([], 8, "one of every sample"),
        ([[0, 1]], 8, r"shape \(1, 2\)"),
        ([0.5, 1], 8, "whole numbers"),
        ([0, -1], 8, "from -1"),
        ([0, 1], 0, "batch_size is 0"),
    ],
)
def test_bad_labels_and_sizes_are_refused_in_a_sentence(labels, size, sentence):
    with pytest.raises(smd.UserError, match=sentence):
        smd.BalancedBatches(labels, size)


def test_what_was_not_drawn_yet_is_that_and_not_misclassified(digits):
    defense = stepped(digits)
    table = defense.to_frame()
    assert table["drawn"].tolist() == [0] * 4 + [-1] * 4
    assert (table["kind"][4:] == "not drawn").all() and "not drawn" not in set(table["kind"][:4])
    saved = defense.state_dict()
    del saved["drawn"]  # as earlier versions wrote it: they told nothing of that
    again = smd.SMD(n=8, epochs=2, shape=(1, 8, 8))
    again.load_state_dict(saved)
    assert (again.to_frame()["drawn"] == 0).all()


def test_margins_start_at_delta_and_are_a_copy():
    defense = smd.SMD(n=5, epochs=30, shape=(1, 28, 28))
    assert defense.margins == pytest.approx(torch.full((5,), 9 / 255))  # Eq. 12
    defense.margins.zero_()
    assert (defense.margins > 0).all()


def saved_and_read(values):
    file = io.BytesIO()
    torch.save(values, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SMD", "MMA", "GAIRAT", "AT"])
def test_a_training_saved_inside_an_epoch_goes_on_bit_for_bit(name, digits):
    x, y = digits[0][:N], digits[1][:N]

    def steps(model, optimizer, defense, which):
        for epoch, part in which:
            if part == 0:
                defense.begin(epoch)
            ids = torch.arange(part * SIZE, (part + 1) * SIZE)
            optimizer.zero_grad()
            defense.step(model, ids, x[ids], y[ids])
            optimizer.step()

    def started():
        training = prepared(NAMES[name])
        return training.model.train(), training.optimizer, getattr(smd, name)(N, 2, (1, 8, 8))

    all_steps = [(epoch, part) for epoch in range(2) for part in range(N // SIZE)]
    whole = started()
    steps(*whole, all_steps)
    first = started()
    steps(*first, all_steps[:4])
    kept = saved_and_read([each.state_dict() for each in first])
    steps(*first, all_steps[4:])  # what was saved is not touched by going on
    second = started()
    for each, values in zip(second, kept, strict=True):
        each.load_state_dict(values)
    steps(*second, all_steps[4:])
    for mine, other in zip(whole[0].parameters(), second[0].parameters(), strict=True):
        assert torch.equal(mine, other)
    assert whole[2].to_frame().equals(second[2].to_frame())


@pytest.mark.parametrize(
    "other, word",
    [
        (lambda: smd.SMD(9, 2, (1, 8, 8)), "n=8"),
        (lambda: smd.SMD(8, 3, (1, 8, 8)), "epochs=2"),
        (lambda: smd.SMD(8, 2, (1, 9, 9)), "shape="),
        (lambda: smd.SMD(8, 2, (1, 8, 8), seed=1), "seed=0"),
        (lambda: smd.SMD(8, 2, (1, 8, 8), preset="ame"), "knobs="),
        (lambda: smd.MMA(8, 2, (1, 8, 8)), "defense=smd"),
    ],
)
def test_a_state_of_another_training_is_refused(other, word):
    with pytest.raises(smd.UserError, match=word):
        other().load_state_dict(smd.SMD(8, 2, (1, 8, 8)).state_dict())


@pytest.mark.parametrize("broken", [{}, {"schema": 1}, {"schema": 1, "about": 3}, []])
def test_what_is_no_state_is_refused(broken):
    with pytest.raises(smd.UserError, match="no state_dict"):
        smd.SMD(8, 2, (1, 8, 8)).load_state_dict(broken)


def test_a_state_with_other_contents_is_refused_and_changes_nothing():
    defense = smd.SMD(8, 2, (1, 8, 8))
    saved = smd.SMD(8, 2, (1, 8, 8)).state_dict()
    saved["state"]["margin"] = torch.zeros(7)
    with pytest.raises(smd.UserError, match="margin"):
        defense.load_state_dict(saved)
    assert len(defense.margins) == 8


def stepped(digits, **changes):
    """One step on four digits, of which some arguments are others."""
    given = {"ids": torch.arange(4), "x": digits[0][:4], "y": digits[1][:4]} | changes
    model = given.pop("model", None) or prepared("smd").model.train()
    defense = smd.SMD(n=8, epochs=2, shape=(1, 8, 8))
    defense.begin(0)
    before = defense.margins
    try:
        defense.step(model, **given)
    finally:
        assert not changes or torch.equal(defense.margins, before)
    return defense


BAD = {
    "uint8": ({"x": torch.zeros(4, 1, 8, 8, dtype=torch.uint8)}, "floats in"),
    "0 to 255": ({"x": torch.full((4, 1, 8, 8), 255.0)}, r"reaches from 255 to 255.*\[0, 1\]"),
    "negative": ({"x": torch.full((4, 1, 8, 8), -0.5)}, "reaches from -0.5"),
    "nan": ({"x": torch.full((4, 1, 8, 8), float("nan"))}, "nan or inf"),
    "shape": ({"x": torch.zeros(4, 1, 9, 9)}, r"\(1, 9, 9\), but \(1, 8, 8\)"),
    "empty": ({"x": torch.zeros(0, 1, 8, 8)}, "B >= 1"),
    "id twice": ({"ids": torch.tensor([0, 1, 2, 1])}, "twice"),
    "id too large": ({"ids": torch.tensor([0, 1, 2, 8])}, "ids go from 0 to 7"),
    "id below 0": ({"ids": torch.tensor([0, 1, 2, -1])}, "ids reach from -1"),
    "float ids": ({"ids": torch.rand(4)}, "ids are float32"),
    "few ids": ({"ids": torch.arange(3)}, r"ids have shape \(3,\)"),
    "label too large": ({"y": torch.tensor([0, 1, 2, 10])}, "label 10.*10 classes"),
    "label below 0": ({"y": torch.tensor([0, 1, 2, -1])}, "label -1"),
    "one-hot": ({"y": torch.eye(4, dtype=torch.long)}, r"y have shape \(4, 4\)"),
    "no logits": ({"model": nn.Identity()}, r"must give logits \(4, K\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_batch_is_refused_in_a_sentence_and_changes_nothing(name, digits):
    changes, sentence = BAD[name]
    with pytest.raises(smd.UserError, match=sentence):
        stepped(digits, **changes)


def test_labels_are_still_checked_once_the_classes_are_known(digits):
    defense = stepped(digits)
    with pytest.raises(smd.UserError, match="label 10"):
        defense.step(
            prepared("smd").model, torch.arange(4), digits[0][:4], torch.tensor([0, 1, 2, 10])
        )


def test_ids_and_labels_may_be_lists_and_other_whole_numbers(digits):
    defense = stepped(digits)
    other = smd.SMD(n=8, epochs=2, shape=[1, 8, 8])
    other.begin(0)
    model = prepared("smd").model.train()
    other.step(model, [0, 1, 2, 3], digits[0][:4], digits[1][:4].to(torch.int32))
    assert torch.equal(other.margins, defense.margins)


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: smd.SMD(0, 2, (1, 8, 8)), "n is 0"),
        (lambda: smd.SMD(8, 0, (1, 8, 8)), "epochs is 0"),
        (lambda: smd.SMD(8, 2, (1, 0, 8)), "shape is"),
        (lambda: smd.SMD(8, 2, 64), "shape is 64"),
        (lambda: smd.SMD(8, 2, (1, 8, 8), seed=-1), "Seed"),
        (lambda: smd.SMD(8, 2, (1, 8, 8), preset="best"), "choose one of paper"),
        (lambda: smd.SMD(8, 2, (1, 8, 8), eps=8 / 255), "no parameter 'eps'"),
        (lambda: smd.AT(8, 2, (1, 8, 8), eps=8), "at most 1"),
        (lambda: smd.OwnLoop(8, 2, (1, 8, 8)), "smd.SMD"),
        (lambda: smd.SMD(8, 2, (1, 8, 8)).begin(2), "Epoch 2"),
        (lambda: smd.AT(8, 2, (1, 8, 8)).margins, "keeps no margins; these do: smd.SMD"),
        (lambda: smd.SMD(8, 2, (1, 8, 8)).step(None, [0], torch.rand(1, 1, 8, 8), [0]), "begin"),
    ],
)
def test_bad_arguments_are_refused_in_a_sentence(make, sentence):
    with pytest.raises(smd.UserError, match=sentence):
        make()


def test_a_loader_of_any_data_set_yields_ids(digits):
    x, y = digits[0][:20], digits[1][:20]
    loader = DataLoader(smd.WithIds(TensorDataset(x, y)), batch_size=8, shuffle=True)
    seen = []
    for ids, images, labels in loader:
        assert torch.equal(x[ids], images)
        assert torch.equal(y[ids], labels)
        seen += ids.tolist()
    assert sorted(seen) == list(range(20))


def test_vectors_and_any_module_will_do():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    x, y = torch.rand(12, 6), torch.arange(12) % 3
    defense = smd.SMD(n=12, epochs=2, shape=(6,))
    for epoch in range(2):
        defense.begin(epoch)
        defense.step(model, torch.arange(12), x, y)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert set(defense.to_frame()["kind"]) <= {"found", "reached", "misclassified"}
    assert (defense.to_frame()["drawn"] == 1).all()


def test_help_names_the_knobs_and_a_defense_can_be_pickled():
    assert "beta" in inspect.signature(smd.TRADES).parameters
    assert inspect.signature(smd.TRADES).parameters["beta"].default == 6.0
    assert "weight of robustness" in smd.TRADES.__doc__
    again = pickle.loads(pickle.dumps(smd.SMD(4, 2, (1, 8, 8))))
    assert type(again) is smd.SMD
    assert repr(again) == "smd.SMD(n=4, epochs=2, shape=(1, 8, 8), seed=0)"


def test_a_defense_of_the_registry_is_offered_by_its_class(monkeypatch):
    entry = registry.Defense("toy", "Toy", "smd.defenses.std:Toy", "none")
    monkeypatch.setitem(registry.DEFENSES, "toy", entry)
    monkeypatch.setattr(
        "smd.defenses.std.Toy", registry.load("smd.defenses.std:STD"), raising=False
    )
    assert smd.Toy(8, 2, (1, 8, 8)).name == "toy"
    assert "Toy" in dir(smd)
