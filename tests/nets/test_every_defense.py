"""Every defense takes steps on networks that are not ours: batch norm in layers or in functions,
dropout, and a last batch of one image."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from smd import defenses, registry
from smd.data.batches import Batch
from smd.defenses import RunInfo, StepContext
from smd.nets.fitting import fitted

SHAPE = (1, 8, 8)


class Net(nn.Module):
    """Small, with what networks of libraries have: normalised maps of one place, and dropout."""

    def __init__(self, kind):
        super().__init__()
        self.first, self.kind = nn.Conv2d(1, 8, 8), kind
        self.norm = nn.BatchNorm2d(8) if kind == "layers" else nn.Identity()
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        x = self.norm(self.first(x))
        if self.kind == "functions" and self.training and len(x) > 1:
            x = F.batch_norm(x, None, None, training=True)
        return self.last(F.dropout(x.relu().flatten(1), 0.1, self.training))


@pytest.mark.parametrize("kind", ["layers", "functions"])
@pytest.mark.parametrize("name", registry.DEFENSES)
def test_a_defense_takes_steps_on_a_network_of_others(name, kind):
    torch.manual_seed(0)
    model = fitted(Net(kind), SHAPE, 3).train()
    defense = defenses.build(name, {})
    info = RunInfo(7, 10, SHAPE, torch.device("cpu"))
    state = defense.begin(info)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = [p.detach().clone() for p in model.parameters()]
    x, y = torch.rand(7, *SHAPE), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    for k, rows in enumerate(torch.arange(7).split(6)):
        optimizer.zero_grad()
        context = StepContext(info, 0, torch.Generator().manual_seed(k))
        result = defense.step(model, Batch(x[rows], y[rows], rows), state, context)
        optimizer.step()
        assert result.adv_ok.shape == rows.shape
        assert all(torch.isfinite(total) for total, _ in result.means.values())
    assert all(p.isfinite().all() for p in model.parameters())
    assert any(not torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True))
    assert all(module.training for module in model.modules())
