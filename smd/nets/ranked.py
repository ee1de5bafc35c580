"""A network of whose batch several ranks have a part each: its logits are those of the whole batch.

Batch norm in train mode is over all ranks' rows (smd.ranks.batch_norm); other layers treat each
image on its own, or the network is refused. A rank without rows takes part all the same.
"""

import torch
from torch import Tensor, nn

from smd.errors import UserError
from smd.nets.batchnorm import TRIED, couples_samples, mixes
from smd.nets.trying import noise, trying
from smd.ranks import shard
from smd.ranks.batch_norm import Apart, Synchronised
from smd.ranks.group import current


class Ranked(nn.Module):
    """The network in the steps of a rank; shares its weights and its mode."""

    def __init__(self, network: nn.Module, coupled: bool) -> None:
        super().__init__()
        self.network, self.coupled = network, coupled
        self.training = network.training
        self.uncaptured = coupled  # the ranks exchange within, see smd.core.cuda_graph

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> logits (B, K), B >= 0; in train mode all ranks must come alike if batch
        norm couples their rows."""
        if not (self.coupled and self.training):
            return self._logits(x)
        group = current()
        with Synchronised(group), shard.passing(group, idle=not len(x)):
            return self._logits(x)

    def _logits(self, x: Tensor) -> Tensor:
        if len(x):
            answer: Tensor = self.network(x)
            return answer
        # not all layers take an empty batch; this row stands for none
        alone: Tensor = self.network(torch.cat((x, x.new_zeros(1, *x.shape[1:]))))
        return alone[:0]


def ranked(model: nn.Module, shape: tuple[int, ...], device: torch.device) -> nn.Module:
    """The network as the current group's ranks take steps with it; itself where one is alone.

    shape: of an image, (C, H, W) or (C, D, H, W). Raises UserError where a sample's logits depend
    on the others of its batch by something else than batch norm.
    """
    if current().size == 1:
        return model
    like = torch.zeros((1, *shape), device=device)
    coupled = couples_samples(model, like)
    if coupled and _mixes_beside_batch_norm(model, like):
        raise UserError(
            "This network's answer to an image in training depends on the rest of its batch by"
            " something else than batch norm, which several devices cannot share: train it on one."
        )
    return Ranked(model, coupled)


def _mixes_beside_batch_norm(model: nn.Module, like: Tensor) -> bool:
    try:
        with torch.no_grad(), Apart(), trying(model, like.device, train=True) as tried:
            return mixes(tried, noise((TRIED, *like.shape[1:]), like))
    except Exception:  # what cannot be tried is not known to be right
        return True
