"""CAT's mixed batch, one image at a time."""

import torch
from defenses import plain_at


def mixed(model, x, y, k, eps, generator):
    """Part j of k + 1 is attacked with j steps; the noise is drawn part by part, start first, then
    length."""
    each = len(x) // (k + 1)
    out = []
    for j in range(k + 1):
        end = len(x) if j == k else (j + 1) * each
        images, labels = x[j * each : end], y[j * each : end]
        if j == 0:
            out.append(images)
            continue
        starts = (images + eps * plain_at.noise(images, generator)).clamp(0, 1)
        u = float(torch.rand((), generator=generator, dtype=x.dtype))
        length = (2 * eps / j) * (1 * (1 - u) + (10 / j) * u)
        objectives = [plain_at.xent(int(label)) for label in labels]
        out.append(plain_at.paths(model, images, starts, eps, length, j, objectives)[-1])
    return torch.cat(out)
