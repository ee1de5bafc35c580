"""Algorithms 1 and 2 as the paper prints them, one sample at a time, slow and plain.

Shares nothing with the engine but the network. The two readings that the pseudo-code leaves open
are the documented ones: the search is a two-ended bisection (or, with `literal`, the printed
lines), and a sample misclassified when clean keeps its margin.
"""

import math

import torch
import torch.nn.functional as F


def predicted(model, x):
    with torch.no_grad():
        return int(model(x[None]).argmax(1))


def loss_gradient(model, x, y):
    x = x.clone().requires_grad_()
    F.cross_entropy(model(x[None]), torch.tensor([y])).backward()
    return x.grad


def length(v, norm):
    """The norm of one vector of any shape."""
    return v.abs().max() if norm == "Linf" else v.square().sum().sqrt()


def pixel(x, norm):
    """h(x/255): the norm of a step of 1/255 in every pixel."""
    return float(length(torch.full_like(x, 1 / 255, dtype=torch.float64), norm))


def stepped(tilde, x, gradient, alpha, margin, norm):
    """Eq. 2: a step of length alpha, then back into the ball and to [0, 1]."""
    if norm == "Linf":
        tilde = tilde + alpha * gradient.sign()
        return torch.max(torch.min(tilde, x + margin), x - margin).clamp(0, 1)
    noise = tilde + alpha * gradient / length(gradient, norm) - x
    return (x + noise * min(1.0, float(margin / length(noise, norm)))).clamp(0, 1)


def epgd(model, x, y, margin, literal=False, norm="Linf"):
    """Alg. 2 for one sample: (x_out, flag2)."""
    k_max = 20
    alpha = 4 * margin / k_max
    counter = 0
    tilde = x.clone()
    for _ in range(k_max):  # l. 2-7
        tilde = stepped(tilde, x, loss_gradient(model, tilde, y), alpha, margin, norm)
        if predicted(model, tilde) != y:
            counter = 1
    if literal:
        x_out, middle = x, (tilde + x) / 2
        for _ in range(10):
            if predicted(model, middle) == y:
                x_out = middle
            middle = (middle + x_out) / 2
        return x_out, counter == 0
    if counter == 0:
        return tilde, True
    low, high = x, tilde
    for _ in range(10):
        middle = (low + high) / 2
        if predicted(model, middle) == y:
            low = middle
        else:
            high = middle
    return low, False


def gammas(model, x_tilde, y, margin, norm="Linf"):
    """Eq. 13 and 14 for one sample."""
    g1 = 0.9 ** math.floor(float(margin) / pixel(x_tilde, norm) + 1e-4)
    g2 = 1 / (1 + float(length(loss_gradient(model, x_tilde, y), norm)))
    return g1, g2


def one_batch(model, x, y, margins, epochs, literal=False, norm="Linf"):
    """Alg. 1, l. 2-12 for one batch: (loss, flag1, flag2, new margins). Gradients are left in the
    model."""
    delta = math.ceil(255 / epochs) * pixel(x[0], norm)  # Eq. 12
    model.zero_grad()
    z = model(x)
    loss0 = F.cross_entropy(z, y)
    flag1 = z.argmax(1) == y
    new = margins.clone()
    flag2 = torch.zeros_like(flag1)
    noisy, labels = [], []
    for i in range(len(x)):
        if not flag1[i]:
            continue
        tilde, flag2_i = epgd(model, x[i], int(y[i]), margins[i], literal, norm)
        flag2[i] = flag2_i
        g1, g2 = gammas(model, tilde, int(y[i]), margins[i], norm)
        new[i] = margins[i] + delta * g1 * g2 if flag2_i else length(x[i] - tilde, norm)
        noisy.append(tilde)
        labels.append(int(y[i]))
    model.zero_grad()
    loss1 = F.cross_entropy(model(torch.stack(noisy)), torch.tensor(labels))
    loss = (F.cross_entropy(model(x), y) + loss1) / 2
    loss.backward()
    return float(loss.detach()), float(loss0.detach()), flag1, flag2, new
