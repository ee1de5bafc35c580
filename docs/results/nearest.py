"""Minimum-norm searches compared on trained runs, each an argument, whose ids `smd runs` lists.

A row a run, norm and method: mean margin, passes an image (forward and backward each count), and
how many images are found more than 0.2 % nearer or farther than by FAB with 100 steps, 9 targets.
"""

import sys
import time

import torch
from torch import Tensor, nn

import smd
from smd import estimators

METHODS = (
    ("fab", {"steps": 100, "targets": 9}),
    ("fab", {"steps": 25, "targets": 9}),
    ("min-norm", {"steps": 100, "targets": 9}),
    ("min-norm", {"steps": 50, "targets": 9}),
)
IMAGES = 64


class Counted(nn.Module):
    """A network that counts the images that pass through it, forward and backward."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.passes = network, 0

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> logits (B, K)."""
        self.passes += len(x)
        logits = self.network(x)
        if logits.requires_grad:
            logits.register_hook(lambda _: self._backward(len(x)))
        return logits

    def _backward(self, n: int) -> None:
        self.passes += n


def rows(name: str, norm: str) -> None:
    """Print the rows of one run in one norm."""
    run = smd.load_run(name)
    model, (x, y) = run.model().eval(), run.images()
    with torch.no_grad():
        right = (model(x).argmax(1) == y).nonzero().squeeze(1)[:IMAGES]
    x, y, first = x[right], y[right], None
    for method, settings in METHODS:
        counted, began = Counted(model), time.perf_counter()
        search = estimators.build(method, settings)
        margin = search.estimate(counted, x, y, norm, torch.Generator().manual_seed(0)).margin
        seconds = time.perf_counter() - began
        first = margin if first is None else first
        share = margin / first - 1
        nearer, farther = int((share < -0.002).sum()), int((share > 0.002).sum())
        mean = f"{255 * margin.mean():.3f}/255" if norm == "Linf" else f"{margin.mean():.4f}"
        figures = (len(x), mean, round(counted.passes / len(x)), round(seconds, 1), nearer, farther)
        said = [run.config.defense, norm, method, settings["steps"], *figures]
        print(*said, sep=",", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print("defense,norm,method,steps,n,mean margin,passes an image,seconds,nearer,farther")
    for norm in ("Linf", "L2"):
        for name in sys.argv[1:]:
            rows(name, norm)
