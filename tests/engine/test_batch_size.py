"""Batch sizes that are found: by rates that a test makes up, and by a real network's."""

from dataclasses import dataclass

import pytest
import torch
from attacking import evaluated
from test_evaluate import as_set

from smd.attacks.stages import Ascent
from smd.core import losses
from smd.errors import UserError
from smd.evaluation import batch_size
from smd.evaluation import state as evaluation_state
from smd.evaluation.batch_size import grown, halved, quickest


class Rates:
    """Images a second by batch size, and which sizes were tried; a size without a rate does not
    fit."""

    def __init__(self, rates):
        self.rates, self.tried = rates, []

    def __call__(self, size):
        self.tried.append(size)
        if size not in self.rates:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.rates[size]


def test_on_a_cpu_it_is_the_smallest_that_is_nearly_as_quick_as_any():
    assert quickest(Rates({32: 1000, 64: 1900, 128: 2450, 256: 2500, 512: 2000}), 9000) == 128
    assert quickest(Rates({32: 1000, 64: 900, 128: 950, 256: 900, 512: 2000}), 9000) == 512


@pytest.mark.parametrize(
    ("n", "tried"), [(5, [32]), (32, [32]), (33, [32, 64]), (100, [32, 64, 128])]
)
def test_on_a_cpu_no_more_is_tried_than_there_is_to_evaluate(n, tried):
    rates = Rates({32: 1000.0, 64: 2000.0, 128: 4000.0})
    assert quickest(rates, n) == tried[-1]
    assert rates.tried == tried


def test_on_a_cpu_batches_stay_small_where_a_pass_takes_long():
    rates = Rates({32: 20.0, 64: 21.5})
    assert quickest(rates, 9000) == 32
    assert rates.tried == [32]


def test_on_a_gpu_it_doubles_as_long_as_that_pays():
    rates = Rates({128: 100, 256: 190, 512: 300, 1024: 310, 2048: 900})
    assert grown(rates, 10_000) == 512
    assert rates.tried == [128, 256, 512, 1024]


def test_on_a_gpu_it_does_not_grow_beyond_what_there_is_to_evaluate():
    rates = Rates({128: 100, 256: 190, 512: 300})
    assert grown(rates, 200) == 256
    assert rates.tried == [128, 256]


@pytest.mark.parametrize(
    ("fitting", "size"),
    [((128, 256, 512), 256), ((128,), 64), ((64, 32), 32), ((2,), 1), ((32, 8, 4, 2, 1), 16)],
)
def test_where_a_gpus_memory_is_short_it_is_half_of_what_fits(fitting, size):
    assert grown(Rates({each: float(each) for each in fitting}), 10_000) == size


def test_a_gpu_that_holds_not_even_one_image_is_refused_in_a_sentence():
    for rates in ({}, {1: 5.0}):
        with pytest.raises(UserError, match="--device cpu"):
            grown(Rates(rates), 10_000)
    with pytest.raises(UserError, match="does not hold a single image"):
        halved(1)
    assert halved(64) == 32


def test_a_real_network_gets_a_size_and_stays_as_it_was(trained):
    model, x, y = trained
    model.train()
    model.zero_grad(set_to_none=True)
    frozen = [p.requires_grad for p in model.parameters()]
    before = torch.get_rng_state()
    assert batch_size.find(model, as_set(x, y), torch.arange(70)) in (32, 64, 128)
    assert [p.requires_grad for p in model.parameters()] == frozen
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_rate_counts_the_images_that_there_are(trained, monkeypatch):
    model, x, y = trained
    clock = iter(range(0, 1000, 2))  # two seconds between any two looks
    monkeypatch.setattr(batch_size.time, "perf_counter", lambda: next(clock))
    assert batch_size.images_a_second(model, as_set(x, y), torch.arange(10)) == 10 / 2


@dataclass(frozen=True)
class Short:
    """A stage of random starts that notes its batches; memory is short in those of more than `most`
    images."""

    most: int
    numbers: list[int]
    name: str = "short"
    cost: float = 1.0
    after: int = 2  # from this batch on

    def perturb(self, model, x, y, context):
        if len(self.numbers) >= self.after and len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        self.numbers.append(context.batch)
        return Ascent("short", losses.ce, 3).perturb(model, x, y, context)


def test_after_memory_was_short_smaller_batches_go_on_where_it_was_and_draw_anew(trained):
    """The batches before stay as they are; no batch draws what another of the stage has drawn."""
    model, x, y = trained
    data, ids, state, numbers = (
        as_set(x, y),
        torch.arange(80),
        evaluation_state.EvaluationState.begin(80),
        [],
    )
    with pytest.raises(torch.OutOfMemoryError):
        evaluated(model, data, ids, Short(8, numbers), 0.1, size=16, state=state)
    assert (state.doing, state.done) == (1, 32)
    before = state.stage[:32].clone()
    verdict = evaluated(model, data, ids, Short(8, numbers), 0.1, size=8, state=state)
    assert numbers == [0, 1, 4, 5, 6, 7, 8, 9]
    assert (verdict.stage[:32] == before.numpy()).all()
    assert 0 < verdict.ok.sum() < 80
