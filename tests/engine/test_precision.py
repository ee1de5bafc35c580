"""Precision: what fewer digits do to flags, margins and gradients of one step."""

import pytest
import torch
from test_smd_step import one_step

from smd.core.precision import computing

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
