"""Precision: what fewer digits do to flags, margins and gradients of one step, and that whatever
judges has all of them."""

import threading

import pytest
import torch
from test_smd_step import one_step
from torch import nn

import smd
from smd import attacks, estimators, registry
from smd.core.precision import computing
from smd.data.batches import OnDevice
from smd.estimators.measure import measure
from smd.evaluation.evaluate import Target, Task, evaluate_level
from smd.evaluation.scores import worst_scores
from smd.nets.modes import frozen

CPU = torch.device("cpu")


@pytest.fixture
def steps(trained):
    """The same step of 96 samples at each precision: (result, margins, gradient of the last
    layer)."""
    model, x, y = trained
    margins = torch.linspace(0.005, 0.2, len(x))

    def at(precision):
        with computing(precision, CPU):
            result, new = one_step(model, x, y, margins)
        return result, new, model.head.weight.grad.clone()

    return at


def test_float32_is_what_it_is_without_a_word_and_tf32_is_the_same_on_a_cpu(steps, trained):
    model, x, y = trained
    result, new = one_step(model, x, y, torch.linspace(0.005, 0.2, len(x)))
    for precision in ("float32", "tf32"):
        other, margins, _ = steps(precision)
        assert torch.equal(result.adv_ok, other.adv_ok)
        assert torch.equal(new, margins)


def test_bfloat16_moves_few_flags_and_margins_by_less_than_a_grey_level(steps):
    (one, exact, gradient), (other, rounded, near) = steps("float32"), steps("bfloat16")
    assert 10 < int(one.adv_ok.sum()) < 86
    assert int((one.adv_ok != other.adv_ok).sum()) <= 2
    difference = 255 * (exact - rounded).abs()
    assert 0 < float(difference.median()) < 0.1
    assert float(difference.max()) < 2
    assert near.dtype == torch.float32
    assert 0 < float((near - gradient).norm() / gradient.norm()) < 0.1


def test_switches_are_put_back_also_after_an_error():
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    with pytest.raises(KeyError), computing("tf32", CPU):
        assert torch.backends.cudnn.allow_tf32
        raise KeyError
    assert before == (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)


class Within:
    """A thread that computes with that precision until it is told to leave."""

    def __init__(self, precision):
        self.go, came = threading.Event(), threading.Event()

        def be():
            with computing(precision, CPU):
                came.set()
                self.go.wait()

        self.thread = threading.Thread(target=be)
        self.thread.start()
        came.wait()

    def leave(self):
        self.go.set()
        self.thread.join()


def test_threads_that_come_and_go_in_any_order_leave_the_switches_as_they_were(loose):
    before = switches()[0]
    first, second = Within("float32"), Within("float32")
    first.leave()
    assert not {"tf32", "bf16"} & set(switches()[0])  # the second is still within
    second.leave()
    assert switches()[0] == before


def test_a_training_beside_it_does_not_make_a_judgement_coarser():
    judge, training = Within("float32"), Within("tf32")
    assert not torch.backends.cudnn.allow_tf32
    judge.leave()
    assert torch.backends.cudnn.allow_tf32
    training.leave()


def switches():
    """What PyTorch may do to float32: in matrix products, in convolutions, at all."""
    backends = torch.backends
    kinds = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn, backends.mkldnn.matmul)
    return [kind.fp32_precision for kind in kinds], torch.is_autocast_enabled("cpu")


def exact():
    kinds, rounded = switches()
    return not rounded and not {"tf32", "bf16"} & set(kinds)


@pytest.fixture(params=["older", "newer"])
def loose(request):
    """All the roundings that a caller can allow, by PyTorch's older names or its newer ones."""
    backends, strict = torch.backends, torch.get_float32_matmul_precision()
    kinds = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn, backends.mkldnn.matmul)
    stood = [kind.fp32_precision for kind in kinds]
    if request.param == "older":
        torch.set_float32_matmul_precision("medium")
        backends.cudnn.allow_tf32 = True
    else:
        for kind in kinds:
            kind.fp32_precision = "tf32"
    with torch.autocast("cpu", torch.bfloat16):
        before = switches()
        assert not exact()
        yield
        assert switches() == before
    for kind, value in zip(kinds, stood, strict=True):
        kind.fp32_precision = value
    if request.param == "older":
        torch.set_float32_matmul_precision(strict)


class Noting(nn.Module):
    """A linear network that notes whether it is asked in float32 proper."""

    def __init__(self):
        super().__init__()
        self.last, self.asked = nn.Linear(16, 3), []

    def forward(self, x):
        self.asked.append(exact())
        return self.last(x.flatten(1))


QUICK = {"pgd": {}, "gem": {"rounds": 2}, "min-norm": {"steps": 4}, "fab": {"steps": 2}}
SEARCHES = [n for n, e in registry.ESTIMATORS.items() if not (e.certifying or e.smooths)]


def attacked(model, pixels, labels):
    rows, ids = OnDevice(pixels, labels), torch.arange(len(labels))
    plan = attacks.build("ce-pgd", {"steps": 1}).plan(3)
    evaluate_level(Target(model, rows), Task(ids, plan, 0.1, 0, 4))


def scored(model, pixels, labels):
    rows, ids = OnDevice(pixels, labels), torch.arange(len(labels))
    worst_scores(model, rows, ids, 0.1, "Linf", 1, 0, 4)


def measured(method):
    def look(model, pixels, labels):
        rows, ids = OnDevice(pixels, labels), torch.arange(len(labels))
        measure(model, rows, ids, estimators.build(method, QUICK[method]), "Linf", 0, 4)

    return look


def attacked_by_the_library(model, pixels, labels):
    smd.attack(model, pixels / 255, labels, "ce-pgd", eps=0.1, steps=1)


def measured_by_the_library(model, pixels, labels):
    smd.estimate_margins(model, pixels / 255, labels, "pgd")


@pytest.mark.parametrize(
    "look",
    [
        attacked,
        scored,
        *(pytest.param(measured(name), id=name) for name in SEARCHES),
        attacked_by_the_library,
        measured_by_the_library,
    ],
)
def test_whatever_judges_computes_in_float32_proper(look, loose):
    model = Noting()
    pixels = torch.randint(0, 256, (2, 1, 4, 4), dtype=torch.uint8)
    with torch.autocast("cpu", enabled=False), torch.no_grad():
        labels = model(pixels / 255).argmax(1)
    model.asked.clear()
    look(model, pixels, labels)
    assert model.asked
    assert all(model.asked)


def test_training_keeps_the_precision_that_it_was_given(loose):
    with computing("tf32", CPU):
        assert torch.backends.cudnn.conv.fp32_precision == "tf32"
        assert torch.backends.cuda.matmul.fp32_precision == "tf32"
        with frozen(Noting()):
            assert exact()
        assert torch.backends.cudnn.conv.fp32_precision == "tf32"
