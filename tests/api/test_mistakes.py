"""Ordinary mistakes are told in one sentence, and answers with nan count as no class."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import smd
from smd.core.predicted import NONE, predicted
from smd.devices import resolve_device
from smd.errors import UserError

X, Y = torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(1)), torch.zeros(8).long()


def linear(k: int = 3, side: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(side * side, k))


class Standardised(nn.Module):
    """Divides by the image's own deviation: nan where it is flat."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = linear()

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        flat = (flat - flat.mean(1, keepdim=True)) / flat.std(1, keepdim=True)
        return self.inner[1](flat)  # type: ignore[index, no-any-return, operator]


def asked(model: Any = None, x: Any = X, y: Any = Y, **words: Any) -> Any:
    words = {"attack": "ce-pgd", "eps": 0.1, "steps": 2, **words}
    return smd.attack(linear() if model is None else model, x, y, **words)


def test_an_answer_that_is_not_finite_names_no_class() -> None:
    logits = torch.tensor([[1.0, 2], [torch.nan, 0], [0, torch.inf], [3, 1]])
    assert predicted(logits).tolist() == [1, NONE, NONE, 0]


def test_images_that_are_answered_with_nan_are_misclassified_and_flagged() -> None:
    x = X.clone()
    x[:4] = 0.5
    result = asked(Standardised(), x)
    assert not result.robust[:4].any() and (result.predicted[:, :4] == NONE).all()
    assert (result.to_frame()["broken_by"][:4] == "clean").all() and "nan" in result.flags
    table = smd.estimate_margins(Standardised(), x, Y)
    assert (table["kind"][:4] == "misclassified").all() and not table["margin"][:4].any()
    assert "nan" not in asked(Standardised()).flags


def test_images_and_networks_in_double_are_taken_and_half_images_too() -> None:
    right = asked().robust
    for x in (X.double(), X.numpy().astype(np.float64)):
        assert torch.equal(asked(x=x).robust, right)
        assert len(smd.estimate_margins(linear().double(), x, Y)) == 8
        asked(linear().double(), x)
    asked(x=X.bfloat16())
    asked(x=X.half())
    asked(linear().double())


LOADER = [(X[:2], Y[:2]), (torch.rand(2, 1, 5, 5), Y[:2])]


@pytest.mark.parametrize(
    "words",
    [
        {"x": torch.rand(8, 1, 5, 5)},
        {"x": [[0.1], [0.1, 0.2]]},
        {"x": "abc"},
        {"x": torch.rand(8, 1, 4, 0)},
        {"x": LOADER, "y": None},
        {"y": ["a"] * 8},
        {"model": linear().bfloat16()},
        {"model": linear().half()},
        {"model": "net"},
        {"model": lambda x: x},
        {"model": linear(1)},
        {"model": nn.Sequential(nn.Flatten(), nn.Flatten(0))},
        *({"device": device} for device in ("gpu", 0, "", "cuda:x", "cuda:999")),
        *({"eps": eps} for eps in ("8/255", torch.tensor(0.1), None, 10**400, float("nan"))),
        *({"seeds": seeds} for seeds in ("a", ("a",), 5, (1.5,), (), None)),
        *({"batch_size": size} for size in ("4", 1.5, True, -1, 10**30)),
        {"steps": "a"},
        {"steps": 10**400},
        {"norm": 2},
        {"attack": ["ce-pgd"]},
    ],
)
def test_an_attack_s_mistakes_are_told_in_a_sentence(words: dict[str, Any]) -> None:
    with pytest.raises(UserError) as told:
        asked(**words)
    assert str(told.value).rstrip().endswith((".", "logits"))


def test_more_classes_than_a_store_counts_are_refused() -> None:
    class Wide(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :1].expand(-1, 40_000)

    with pytest.raises(UserError, match="40,000 classes"):
        asked(Wide())


@pytest.mark.parametrize("words", [{"seed": "a"}, {"seed": None}, {"batch_size": 1.5}, {"norm": 2}])
def test_an_estimate_s_mistakes_are_told(words: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        smd.estimate_margins(linear(), X, Y, **words)
    with pytest.raises(UserError):
        smd.estimate_margins(linear(), X, Y, method="pgd", eps="8/255")


def loop() -> Any:
    defense = smd.SMD(8, 2, (1, 4, 4))
    defense.begin(0)
    return defense


@pytest.mark.parametrize(
    "wrong",
    [
        lambda d: d.begin(0.5),
        lambda d: d.begin(2),
        lambda d: d.begin("0"),
        lambda d: d.to("gpu"),
        lambda d: d.step(lambda x: x, torch.arange(8), X, Y),
        lambda d: d.step(linear(side=5), torch.arange(8), X, Y),
        lambda d: d.step(linear().double(), torch.arange(8), X, Y),
        lambda d: d.step(linear().half(), torch.arange(8), X, Y),
        lambda d: d.step(linear(1), torch.arange(8), X, Y),
        lambda d: d.load_state_dict({**d.state_dict(), "epoch": 99}),
        lambda d: d.load_state_dict({**d.state_dict(), "epoch": 0.5}),
        lambda d: d.load_state_dict({**d.state_dict(), "batch": -3}),
        lambda d: d.load_state_dict({**d.state_dict(), "told": ["x"]}),
        lambda d: smd.SMD(8, "a", (1, 4, 4)),
        lambda d: smd.SMD(8, 2, (1, 4, 4), seed=None),
    ],
)
def test_a_loop_s_mistakes_are_told(wrong: Callable[[Any], object]) -> None:
    with pytest.raises(UserError):
        wrong(loop())


def test_a_loop_takes_images_in_double_and_half_and_goes_on_from_what_it_saved() -> None:
    defense = loop()
    for x in (X.double(), X.half()):
        defense.step(linear(), torch.arange(8), x, Y)
    other = smd.SMD(8, 2, (1, 4, 4))
    other.load_state_dict(defense.state_dict())
    assert (other.epoch, other.batch) == (0, 2)


@pytest.mark.parametrize("which", [None, 5, "~nobody-has-it/x", "x" * 300 + "/y", "/\0"])
def test_what_names_no_run_is_told(which: Any) -> None:
    with pytest.raises(UserError):
        smd.load_run(which)


def test_a_training_s_mistakes_are_told() -> None:
    for wrong in ({"mean": 0.5, "std": 0.5}, {"epochs": 1.5}, {"epochs": "a"}, {"params": 5}):
        with pytest.raises(UserError, match="must be"):
            smd.train(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="must be"):
        smd.import_weights("x.pt", seed="a")
    with pytest.raises(UserError, match="no device"):
        resolve_device("tpu")
