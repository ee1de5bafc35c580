"""What the ranks that share a batch exchange after a step: all hold what one alone would."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from smd.defenses import StepResult
from smd.ranks import shard
from smd.ranks.group import ALONE, Group, current

FLAGS = ("clean_ok", "adv_ok", "crossed")


def together(
    model: nn.Module, state: Mapping[str, Tensor], own: Tensor, ids: Tensor, result: StepResult
) -> StepResult:
    """The result of the whole batch of `ids`, (B,), of which this rank has taken a step on the rows
    `own`; gradients and the state of all its samples become those of the whole batch.

    state: name -> (N,), as of smd.defenses.Defense. Alone it is the rank's own result.
    """
    group = current()
    if group is ALONE:
        return result
    sum_gradients(model, group)
    flags = {name: flag for name in FLAGS if (flag := getattr(result, name)) is not None}
    columns = {**{name: values[own] for name, values in state.items()}, **flags}
    whole = _gathered(columns, shard.counts(len(ids), group.size), group)
    for name, values in state.items():
        values[ids] = whole[name]
    told = {name: whole[name] for name in flags}
    return replace(result, **told, means=_summed(result.means, group))


def sum_gradients(model: nn.Module, group: Group) -> None:
    """Every parameter's gradient becomes the sum over the ranks, in one exchange for each type of
    numbers; one that has none on any rank stays without."""
    kinds: dict[torch.dtype, list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            kinds.setdefault(parameter.dtype, []).append(parameter)
    for parameters in kinds.values():
        _sum_gradients(parameters, group)


def _sum_gradients(parameters: Sequence[nn.Parameter], group: Group) -> None:
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    has = gradients[0].new_tensor([p.grad is not None for p in parameters])
    total = group.reduce(torch.cat([has, *(gradient.flatten() for gradient in gradients)]))
    summed = total[len(parameters) :].split([gradient.numel() for gradient in gradients])
    for place, (parameter, values) in enumerate(zip(parameters, summed, strict=True)):
        # a GPU is only waited for where this rank has none
        if parameter.grad is None and total[place] > 0:
            parameter.grad = torch.zeros_like(parameter)
        if parameter.grad is not None:
            parameter.grad.copy_(values.view_as(parameter))


def _gathered(
    columns: Mapping[str, Tensor], counts: Sequence[int], group: Group
) -> dict[str, Tensor]:
    """Columns of this rank's samples, each (b,), as those of all ranks', each (B,), exchanged as
    one table: float64 holds flags, counts and margins exactly."""
    table = torch.stack([column.double() for column in columns.values()], 1)
    whole = group.gather(table, counts).unbind(1)
    return {
        name: values.to(column.dtype)
        for (name, column), values in zip(columns.items(), whole, strict=True)
    }


def _summed(
    means: Mapping[str, tuple[Tensor, Tensor]], group: Group
) -> dict[str, tuple[Tensor, Tensor]]:
    """Sums and counts over all ranks."""
    if not means:
        return {}
    table = torch.stack([torch.stack([t.double() for t in pair]) for pair in means.values()])
    whole = group.reduce(table)
    return {
        name: (row[0].to(total.dtype), row[1].to(count.dtype))
        for (name, (total, count)), row in zip(means.items(), whole, strict=True)
    }
