"""Helpers of the tests on networks that are asked less often: counting, and networks that must be
asked each time."""

import torch
from torch import nn


class Counted(nn.Module):
    """A network that counts the images that it is asked about."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.asked = inner, 0

    def forward(self, x):
        self.asked += len(x)
        return self.inner(x)


class Noisy(Counted):
    """It draws."""

    def forward(self, x):
        return super().forward(x + 0.02 * torch.randn_like(x))


class Coupled(Counted):
    """It looks at the other images of its batch."""

    def forward(self, x):
        return super().forward(0.7 * x + 0.3 * x.mean(0, keepdim=True))


class Broken(Counted):
    """It answers with nan where an image is dark."""

    def forward(self, x):
        logits = super().forward(x)
        dark = x.flatten(1).mean(1) < 0.25
        return torch.where(dark[:, None], torch.nan, logits)
