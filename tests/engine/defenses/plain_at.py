"""PGD with one image at a time, and the losses of AT, TRADES and MART written out, from the papers'
formulas."""

import torch


def noise(x, generator):
    """Uniform in (-1, 1)."""
    return 2 * torch.rand(x.shape, generator=generator, dtype=x.dtype) - 1


def clipped(x_adv, x, eps):
    """Into the ball, then into the range of pixels."""
    inside = torch.max(torch.min(x_adv, x + eps), x - eps)
    return torch.max(torch.min(inside, torch.ones_like(x)), torch.zeros_like(x))


def climbed(model, x, start, eps, length, steps, objective):
    """All iterates of one image (C, H, W): [start, x1, ..., x_steps]; objective: logits (K,) ->
    number."""
    path = [start]
    for _ in range(steps):
        here = path[-1].clone().requires_grad_()
        objective(model(here[None])[0]).backward()
        path.append(clipped(path[-1] + length * here.grad.sign(), x, eps))
    model.zero_grad()
    return path


def paths(model, x, starts, eps, length, steps, objectives):
    """The iterates of a batch, [(B, C, H, W)] * (steps + 1), each image on its own."""
    alone = [
        climbed(model, image, start, eps, length, steps, objective)
        for image, start, objective in zip(x, starts, objectives, strict=True)
    ]
    return [torch.stack(images) for images in zip(*alone, strict=True)]


def xent(label):
    """-log softmax(z)_y."""
    return lambda z: torch.log(torch.exp(z - z.max()).sum()) + z.max() - z[label]


def kl(z, other):
    """Sum of p log(p / q) over the classes."""
    p, q = z.softmax(0), other.softmax(0)
    return sum(p[j] * (torch.log(p[j]) - torch.log(q[j])) for j in range(len(z)))


def at_loss(model, x_adv, y):
    return sum(
        xent(int(label))(model(image[None])[0]) for image, label in zip(x_adv, y, strict=True)
    ) / len(y)


def trades_loss(model, x, x_adv, y, beta):
    total = 0
    for image, noisy, label in zip(x, x_adv, y, strict=True):
        clean, attacked = model(image[None])[0], model(noisy[None])[0]
        total = total + xent(int(label))(clean) + beta * kl(clean, attacked)
    return total / len(y)


def mart_loss(model, x, x_adv, y, beta):
    """Boosted cross-entropy plus the weighted divergence."""
    total = 0
    for image, noisy, label in zip(x, x_adv, y, strict=True):
        p, q = model(image[None])[0].softmax(0), model(noisy[None])[0].softmax(0)
        own = int(label)
        rival = max((q[j] for j in range(len(q)) if j != own), key=torch.Tensor.item)
        boosted = -torch.log(q[own]) - torch.log(1.0001 - rival + 1e-12)
        divergence = sum(p[j] * (torch.log(p[j]) - torch.log(q[j] + 1e-12)) for j in range(len(q)))
        total = total + boosted + beta * divergence * (1.0000001 - p[own])
    return total / len(y)
