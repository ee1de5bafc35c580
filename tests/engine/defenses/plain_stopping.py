"""FAT, GAIRAT and ATES from their formulas, one sample at a time.

Shares nothing with the engine but the network.
"""

import math

import torch
import torch.nn.functional as F

TEN = 10


def uniform_start(x, eps, generator):
    noise = torch.rand(x.shape, generator=generator, dtype=x.dtype) * 2 - 1
    return (x + eps * noise).clamp(0, 1)


def gaussians(x, generator):
    return [torch.randn(x.shape, generator=generator, dtype=x.dtype) for _ in range(TEN)]


def logits_and_gradient(model, x, y):
    x = x.clone().requires_grad_()
    z = model(x[None])
    (g,) = torch.autograd.grad(F.cross_entropy(z, y[None]), x)
    return z.detach()[0], g


def into_the_ball(moved, x, eps):
    return torch.max(torch.min(moved, x + eps), x - eps).clamp(0, 1)


def fat_image(model, x, y, start, eps, step, tau, noise):
    """One sample: (emitted image, gradient steps)."""
    moved, patience = start.clone(), tau
    for k in range(TEN):
        z, g = logits_and_gradient(model, moved, y)
        if int(z.argmax()) != int(y):
            if patience == 0:
                return moved, k
            patience -= 1
        moved = into_the_ball(moved + step * g.sign() + 0.001 * noise[k], x, eps)
    return moved, TEN


def ates_image(model, x, y, start, eps, step, gap):
    """One sample: (attacked image, gradient steps)."""
    moved = start.clone()
    for k in range(TEN):
        z, g = logits_and_gradient(model, moved, y)
        p = z.softmax(0)
        others = torch.cat([p[: int(y)], p[int(y) + 1 :]])
        if others.max() - p[y] > gap:
            return moved, k
        moved = into_the_ball(moved + step * g.sign(), x, eps)
    return moved, TEN


def gairat_image(model, x, y, start, eps, step):
    """One sample: (last image, number of right iterates before it)."""
    moved, verdicts = start.clone(), []
    for _ in range(TEN):
        z, g = logits_and_gradient(model, moved, y)
        verdicts.append(int(z.argmax()) == int(y))
        moved = into_the_ball(moved + step * g.sign(), x, eps)
    return moved, sum(verdicts)


def gairat_weights(kappas, shift):
    raw = [(1 + math.tanh(shift + 5 * (1 - 2 * kappa / TEN))) / 2 for kappa in kappas]
    return [w * len(raw) / sum(raw) for w in raw]


def trained_on(model, images, y, weights=None):
    """(loss, which are right) of the training pass; gradients are left in the model."""
    model.zero_grad()
    total, ok = 0.0, []
    for i, (x, label) in enumerate(zip(images, y, strict=True)):
        z = model(x[None])
        loss = F.cross_entropy(z, label[None]) * (weights[i] if weights else 1) / len(images)
        loss.backward()
        total += float(loss.detach())
        ok.append(int(z.argmax()) == int(label))
    return total, ok
