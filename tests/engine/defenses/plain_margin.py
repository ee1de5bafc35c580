"""MMA, IAAT and Customized-AT from their formulas, one sample at a time.

Shares nothing with the engine but the network. Noise is drawn for whole batches, in the order in
which it is used.
"""

import torch


def logits(model, x):
    return model(x[None])[0]


def log_sum_exp_margin(z, y):
    return torch.cat([z[:y], z[y + 1 :]]).logsumexp(0) - z[y]


def hard_cross_entropy(z, y):
    return z.logsumexp(0) - z[y]


def is_right(model, x, y):
    with torch.no_grad():
        return int(logits(model, x).argmax()) == int(y)


def noise(x, generator):
    return torch.rand(x.shape, generator=generator, dtype=x.dtype) * 2 - 1


def climbed(model, objective, x, start, eps, step):
    """Ten steps of Linf PGD from the start."""
    moved = start
    for _ in range(10):
        point = moved.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(objective(logits(model, point)), point)
        moved = torch.max(torch.min(moved + step * gradient.sign(), x + eps), x - eps).clamp(0, 1)
    return moved


# MMA


def mma_boundary(model, x, y, start, radius, cap):
    """PGD and its line search for one sample: (image, margin, PGD's image is still correct)."""

    def outside(z):
        return log_sum_exp_margin(z, y)

    far = climbed(model, outside, x, start, radius, 2.5 * radius / 10)
    unit = (far - x) / (radius + 1e-12)
    low, high, e = 0.0, cap, radius
    with torch.no_grad():
        m = first = float(outside(logits(model, far)))
        for _ in range(10):
            low, high = (max(low, e), high) if m < 0 else (low, min(high, e))
            e = (low + high) / 2
            m = float(outside(logits(model, (x + e * unit).clamp(0, 1))))
    return x + e * unit, e, first < 0


def mma(model, x, y, stored, dmax, generator):
    """One step: (loss, clean loss, new margins, adv_ok, images of the mixed pass, which of them
    count)."""
    with torch.no_grad():
        strict = [float(logits(model, x[i]).softmax(0)[y[i]]) > 0.5 for i in range(len(x))]
    rows = [i for i in range(len(x)) if strict[i]]
    drawn = dict(zip(rows, noise(x[rows], generator), strict=True))
    images, margins = x.clone(), torch.zeros(len(x), dtype=x.dtype)
    held = torch.zeros(len(x), dtype=torch.bool)
    counted = torch.ones(len(x), dtype=torch.bool)
    for i in rows:
        radius = min(max(float(stored[i]), 0.005), 1.05 * dmax)
        start = (x[i] + radius * drawn[i]).clamp(0, 1)
        images[i], margins[i], held[i] = mma_boundary(
            model, x[i], int(y[i]), start, radius, 1.05 * dmax
        )
        counted[i] = margins[i] < dmax
    clean = sum(hard_cross_entropy(logits(model, x[i]), y[i]) for i in range(len(x))) / len(x)
    taken = [i for i in range(len(x)) if counted[i]]
    at_boundary = sum(hard_cross_entropy(logits(model, images[i]), y[i]) for i in taken) / len(x)
    return 2 / 3 * at_boundary + clean / 3, clean, margins, held, images, counted


# IAAT


def iaat_attack(model, x, y, drawn, radius):
    start = (x + radius * drawn).clamp(0, 1)
    return climbed(
        model, lambda z: hard_cross_entropy(z, y), x, start, radius, max(radius / 5, 2 / 255)
    )


def iaat_radius(model, x, y, p, gamma, beta, wide, same):
    """The new radius of one sample after the warm-up."""
    if is_right(model, iaat_attack(model, x, y, wide, p + gamma), y):
        e = p + gamma
    elif is_right(model, iaat_attack(model, x, y, same, p), y):
        e = p
    else:
        e = p - gamma
    correct = 1 if is_right(model, x, y) else 0
    return beta * max(0.0, e * correct) + (1 - beta) * p


def iaat(model, x, y, stored, warm, gamma, beta, generator):
    """One step: (loss, new radii, training images)."""
    if warm:
        radii = [8 / 255 if is_right(model, x[i], y[i]) else 0.0 for i in range(len(x))]
    else:
        wide, same = noise(x, generator), noise(x, generator)
        radii = [
            iaat_radius(model, x[i], y[i], float(stored[i]), gamma, beta, wide[i], same[i])
            for i in range(len(x))
        ]
    drawn = noise(x, generator)
    images = [iaat_attack(model, x[i], y[i], drawn[i], radii[i]) for i in range(len(x))]
    loss = sum(hard_cross_entropy(logits(model, images[i]), y[i]) for i in range(len(x))) / len(x)
    return loss, torch.tensor(radii, dtype=x.dtype), torch.stack(images)


# Customized-AT


def soft_label(y, eps, drawn):
    share = min(10 * eps, 1.0)
    label = share * drawn / drawn.sum()
    label[y] += 1 - share
    return label


def customized_loss(z, y, label, mix):
    soft = -(label * z.log_softmax(0)).sum()
    if not mix:
        return soft
    others = torch.cat([z[:y], z[y + 1 :]])
    return soft + torch.clamp(others.max() - z[y], min=-10.0)


def customized_at(model, x, y, stored, cap, code, mix, generator):
    """One step: (loss, new radii, training images)."""
    drawn = torch.empty(len(x), 10).exponential_(generator=generator)
    images, radii = [], []
    for i in range(len(x)):
        tried = min(float(stored[i]) + 0.005, cap)
        label = soft_label(int(y[i]), float(stored[i]), drawn[i])

        def objective(z, i=i, label=label):
            return customized_loss(z, int(y[i]), label, mix)

        moved = climbed(model, objective, x[i], x[i], tried, 2 * tried / 10)
        held = is_right(model, moved, y[i])
        if code and not held:
            moved = x[i]
        images.append(moved)
        radii.append(
            float((moved - x[i]).abs().max()) if code else tried if held else float(stored[i])
        )
    again = torch.empty(len(x), 10).exponential_(generator=generator)
    loss = 0
    for i in range(len(x)):
        label = soft_label(int(y[i]), radii[i], again[i])
        loss = loss + customized_loss(logits(model, images[i]), int(y[i]), label, mix) / len(x)
    return loss, torch.tensor(radii, dtype=x.dtype), torch.stack(images)
