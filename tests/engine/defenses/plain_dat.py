"""DAT's attack, one image at a time: it stops when its first-order condition is small enough."""

import torch
from defenses import plain_at


def condition(x_adv, x, gradient, eps):
    """eps ||g||_1 - <x' - x, g>, pixel by pixel."""
    pairs = zip((x_adv - x).flatten().tolist(), gradient.flatten().tolist(), strict=True)
    return sum(eps * abs(g) - d * g for d, g in pairs)


def attacked(model, x, start, label, eps, limit, origin):
    """The image at which the attack ends, and how many steps it took; origin: where the condition
    is measured from."""
    x_adv = start
    for taken in range(10):
        here = x_adv.clone().requires_grad_()
        plain_at.xent(label)(model(here[None])[0]).backward()
        if taken > 0 and condition(x_adv, origin, here.grad, eps) <= limit:
            return x_adv, taken
        x_adv = plain_at.clipped(x_adv + eps / 4 * here.grad.sign(), x, eps)
    return x_adv, 10


def batch(model, x, y, eps, limit, generator, from_start=False):
    """The attacked batch, and how many steps each image took."""
    starts = x + eps * plain_at.noise(x, generator)
    origins = starts if from_start else x
    ends = [
        attacked(model, x[i], starts[i], int(y[i]), eps, limit, origins[i]) for i in range(len(x))
    ]
    model.zero_grad()
    return torch.stack([end for end, _ in ends]), [taken for _, taken in ends]
