"""Attack a network that somebody else trained: its robust accuracy, what broke it, its margins."""

import torch
import torch.nn.functional as F
from torch import nn

import smd
from smd import data

torch.manual_seed(0)
digits = data.load("digits")
x, y = torch.from_numpy(digits.pixels / 255).float(), torch.from_numpy(digits.labels).long()

model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(100):  # any training of yours, here a plain one
    optimizer.zero_grad()
    F.cross_entropy(model(x[:1500]), y[:1500]).backward()
    optimizer.step()

x, y = x[1500:1530], y[1500:1530]  # few, to be quick
for eps in (8 / 255, 16 / 255):
    result = smd.attack(model, x, y, "autoattack", eps=eps, seeds=(0,))
    low, high = (100 * end for end in result.interval)
    print(
        f"AutoAttack at {eps * 255:.0f}/255: {100 * result.accuracy:.0f} % of {result.n} robust"
        f" (95 %: {low:.0f} to {high:.0f}), clean {100 * result.clean_accuracy:.0f} %"
    )
    for name, why in result.flags.items():
        print(f"  flag {name}: {why}")
for stage in sorted(set(result.stage)):
    print(f"  {result.stage.count(stage)} images: {stage or 'robust'}")

margins = smd.estimate_margins(model, x, y, "min-norm", steps=20)
found = margins[margins["kind"] == "found"]
print(f"median margin {255 * found['margin'].median():.1f}/255, an upper bound of the true one")
