"""Bounds on what a network answers within a ball: linear ones, backwards (Zhang et al. 2018).

CROWN, arXiv:1811.00866: between two values that its input cannot leave, each step lies between two
lines. With these in the steps' places a value of the network is bounded by an affine function of
the pixels, whose least value in the ball is known. What the input of a step cannot leave is bounded
in the same way, or, where a layer is wide, by intervals forwards (Gowal et al. 2018).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from smd.core import lp
from smd.core.lp import Norm
from smd.estimators.layers import Affine, Bend, Scale, Step

WIDEST = 512  # values of a layer that are bounded backwards; wider ones are bounded by intervals
ROWS = 2**23  # values that are held at once, backwards
SLACK = 1e-9  # share by which every bound is moved outward, against rounding in float64


@dataclass(frozen=True)
class Ball:
    """Images within eps of x and in [0, 1]; the smallest box around them."""

    x: Tensor  # (B, C, H, W) float64 in [0, 1]
    eps: Tensor  # (B,) unit of x
    norm: Norm

    @property
    def box(self) -> tuple[Tensor, Tensor]:
        """Its middle and its half widths, (B, C, H, W) each."""
        eps = lp.per_sample(self.eps, self.x)
        low, high = (self.x - eps).clamp(0, 1), (self.x + eps).clamp(0, 1)
        return (low + high) / 2, (high - low) / 2

    def least(self, slope: Tensor) -> Tensor:
        """The least values of slope . image: (B, S, C, H, W) -> (B, S)."""
        flat = slope.flatten(2)
        middle, half = (of.flatten(1)[:, :, None] for of in self.box)
        least = (flat @ middle - flat.abs() @ half).squeeze(2)
        if self.norm == "Linf":
            return least
        straight = (flat @ self.x.flatten(1)[:, :, None]).squeeze(2)
        return torch.maximum(least, straight - self.eps[:, None] * flat.norm(dim=2))


@dataclass(frozen=True)
class Lines:
    """Two lines that a step lies between, and the interval that it cannot leave: (B, ...) each."""

    low_slope: Tensor
    low_bias: Tensor
    high_slope: Tensor
    high_bias: Tensor
    low: Tensor  # of its output
    high: Tensor


Passed = Affine | Lines


def certain(steps: list[Step], ball: Ball, y: Tensor) -> Tensor:
    """Lower bounds of the true class's logit minus each other one's, in the ball: (B, K)."""
    passed: list[Passed] = []
    shapes = [ball.x.shape[1:]]
    middle, half = ball.box
    for step in steps:
        if isinstance(step, Affine):
            passed.append(step)
            middle, half = step.apply(middle), step.spread(half)
        else:
            low, high = _interval(passed, shapes, ball, middle, half)
            lines = bent(step, low, high) if isinstance(step, Bend) else scaled(step, low, high)
            passed.append(lines)
            middle, half = (lines.low + lines.high) / 2, (lines.high - lines.low) / 2
        half = half * (1 + SLACK) + SLACK * middle.abs()
        shapes.append(middle.shape[1:])
    classes = torch.eye(middle.shape[1], dtype=ball.x.dtype, device=ball.x.device)
    return least(passed, shapes, ball, classes[y][:, None] - classes)


def _interval(
    passed: list[Passed], shapes: list[torch.Size], ball: Ball, middle: Tensor, half: Tensor
) -> tuple[Tensor, Tensor]:
    """What the input of the next step cannot leave: (B, ...) each; the closer of two bounds."""
    low, high = middle - half, middle + half
    width = middle[0].numel()
    if not passed or width > WIDEST or not isinstance(passed[-1], Affine):
        return low, high
    eye = torch.eye(width, dtype=ball.x.dtype, device=ball.x.device).view(1, width, *shapes[-1])
    one = _in_parts(passed, shapes, ball, eye).view_as(low)
    other = -_in_parts(passed, shapes, ball, -eye).view_as(low)
    return torch.maximum(low, one), torch.minimum(high, other)


def _in_parts(passed: list[Passed], shapes: list[torch.Size], ball: Ball, wanted: Tensor) -> Tensor:
    """`least`, a few rows at a time; wanted: (1, S, ...)."""
    widest = max(shape.numel() for shape in shapes)
    size = max(1, ROWS // (widest * len(ball.x)))
    parts = [part.expand(len(ball.x), *part.shape[1:]) for part in wanted.split(size, dim=1)]
    return torch.cat([least(passed, shapes, ball, part) for part in parts], dim=1)


@torch.no_grad()
def least(passed: list[Passed], shapes: list[torch.Size], ball: Ball, wanted: Tensor) -> Tensor:
    """Lower bounds of wanted . (what the steps passed make of the images): (B, S, ...) -> (B, S).

    shapes: of an image before the first step and after each.
    """
    slope, bias = wanted, torch.zeros(wanted.shape[:2], dtype=wanted.dtype, device=wanted.device)
    for number in range(len(passed) - 1, -1, -1):
        step = passed[number]
        if isinstance(step, Affine):
            slope, constant = _transposed(step, slope, shapes[number])
        else:
            up, down = slope.clamp(min=0), slope.clamp(max=0)
            constant = _dot(up, step.low_bias) + _dot(down, step.high_bias)
            slope = up * step.low_slope[:, None] + down * step.high_slope[:, None]
        bias = bias + constant
    answer = ball.least(slope) + bias
    return answer - SLACK * (answer.abs() + bias.abs())


def _dot(slope: Tensor, value: Tensor) -> Tensor:
    """(B, S, ...), (B, ...) -> (B, S)."""
    return (slope.flatten(2) @ value.flatten(1)[:, :, None]).squeeze(2)


def _transposed(step: Affine, slope: Tensor, shape: torch.Size) -> tuple[Tensor, Tensor]:
    """slope W, (B, S, *shape), and slope . b, (B, S); slope: (B, S, ...)."""
    rows = slope.flatten(0, 1)
    with torch.enable_grad():
        zero = torch.zeros(
            (len(rows), *shape), dtype=slope.dtype, device=slope.device, requires_grad=True
        )
        value = step.apply(zero)
        (back,) = torch.autograd.grad(value, zero, rows)
    constant = (rows * value.detach()).flatten(1).sum(1)
    return back.view(*slope.shape[:2], *shape), constant.view(slope.shape[:2])


def bent(step: Bend, low: Tensor, high: Tensor) -> Lines:
    """(Leaky) ReLU between low and high, (B, ...): the chord above; below, a line through 0."""
    slope = torch.full_like(low, step.slope)
    one, none = torch.ones_like(low), torch.zeros_like(low)
    kept, cut = low >= 0, high <= 0
    chord = (high - slope * low) / (high - low).clamp_min(torch.finfo(low.dtype).tiny)
    above = torch.where(kept, one, torch.where(cut, slope, chord))
    below = torch.where(kept | (~cut & (high > -low)), one, slope)
    bias = torch.where(kept | cut, none, high - chord * high)
    ends = [torch.where(end > 0, end, slope * end) for end in (low, high)]
    return Lines(below, none, above, bias + SLACK * bias.abs(), ends[0], ends[1])


def scaled(step: Scale, low: Tensor, high: Tensor) -> Lines:
    """Values between low and high, (B, ...), divided by their deviation: two chords.

    The deviation is a norm, so it moves by no more than the norm of how far the values move. With
    it between s and t, v / deviation lies between the lesser and the larger of v / s and v / t.
    """
    small, large = _deviation(step, low, high)
    more, less = (1 / of.clamp_min(torch.finfo(low.dtype).tiny) for of in (small, large))
    kept, cut = low >= 0, high <= 0
    width = (high - low).clamp_min(torch.finfo(low.dtype).tiny)
    rising = (more * high - less * low) / width
    flatter = (less * high - more * low) / width
    none = torch.zeros_like(low)
    above = torch.where(kept, more, torch.where(cut, less, rising))
    below = torch.where(kept, less, torch.where(cut, more, flatter))
    over = torch.where(kept | cut, none, (more - rising) * high)
    under = torch.where(kept | cut, none, (less - flatter) * high)
    least, most = torch.where(kept, less, more) * low, torch.where(cut, less, more) * high
    return Lines(below, under - SLACK * under.abs(), above, over + SLACK * over.abs(), least, most)


def _deviation(step: Scale, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the largest that values are divided by: (B, ...) each, a group's alike."""
    parts = [step.groups.of(of) for of in (low, high)]
    n = parts[0].shape[2]
    divisor, floor = n - step.lost, n**-0.5 if step.floored else 0.0
    middle, half = (parts[0] + parts[1]) / 2, (parts[1] - parts[0]) / 2
    centre, moved = (of.norm(dim=2, keepdim=True) for of in (middle, half))
    far = torch.maximum(parts[0].abs(), parts[1].abs()).norm(dim=2, keepdim=True)
    near = torch.minimum(parts[0].abs(), parts[1].abs())
    near = torch.where((parts[0] < 0) & (parts[1] > 0), 0.0, near).norm(dim=2, keepdim=True)
    ends = torch.maximum(centre - moved, near), torch.minimum(centre + moved, far)
    small, large = (
        (end.square() / divisor + step.eps).sqrt().clamp_min(floor).expand_as(middle)
        for end in ends
    )
    return (small * (1 - SLACK)).reshape(low.shape), (large * (1 + SLACK)).reshape(low.shape)
