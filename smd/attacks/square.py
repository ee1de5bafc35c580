"""Square (Andriushchenko et al. 2020, arXiv:1912.00049) in Linf, which asks nothing twice.

A query colours a square of the image that was best so far, and is kept if the true class leads by
less then. All images of a batch face the same queries. One that was declined is declined again as
long as the image has not changed, and one that changes no pixel is no question: neither goes
through the network. Queries, their order and what they lead to are the package's.
"""

import math
from dataclasses import dataclass

import torch
from pyautoattack.square import SquareAttack
from torch import Tensor

from smd.attacks.apart import apart, filled
from smd.core import losses, lp

WINDOW = 128  # queries that are looked through at once for those that are worth asking
AHEAD = 4  # questions about an image at once, where others need none: few change it


@dataclass(frozen=True)
class Queries:
    """A batch's queries in their order, the same for every image."""

    side: Tensor  # (Q,) int64, of the square
    row: Tensor  # (Q,) int64, its upper left corner
    column: Tensor  # (Q,) int64
    sign: Tensor  # (Q, C), -1 or 1: to which end of the ball the colours go
    before: Tensor  # (Q,) int64, the last query that asked the same; -1: none did

    def noise(self, chosen: Tensor, like: Tensor, eps: float) -> Tensor:
        """What queries add to images: (b,) numbers of queries -> (b, C, H, W), shaped like those
        of `like`."""
        at = [self._within(self.row, chosen, like.shape[-2])[:, None, :, None]]
        at += [self._within(self.column, chosen, like.shape[-1])[:, None, None, :]]
        return (at[0] & at[1]) * (2.0 * eps * self.sign[chosen])[:, :, None, None]

    def _within(self, corner: Tensor, chosen: Tensor, length: int) -> Tensor:
        """Rows or columns of the squares: (b, length) bool."""
        along = torch.arange(length, device=corner.device) - corner[chosen][:, None]
        return (along >= 0) & (along < self.side[chosen][:, None])


def before(asked: Tensor) -> Tensor:
    """For each row of (Q, k) the number of the last one before it that is equal; -1: none."""
    _, kind = asked.unique(dim=0, return_inverse=True)
    order = kind.argsort(stable=True)
    same = kind[order][1:] == kind[order][:-1]
    last = torch.full_like(kind, -1)
    last[order[1:][same]] = order[:-1][same]
    return last


@dataclass
class Search:
    """Images that withstand so far, each at a query of its own."""

    row: Tensor  # (b,) int64, in the batch
    query: Tensor  # (b,) int64, the next one
    changed: Tensor  # (b,) int64, the query that the image is from; -1: the start

    def only(self, kept: Tensor) -> "Search":
        """Some of them; kept: (b,) bool."""
        return Search(self.row[kept], self.query[kept], self.changed[kept])


@dataclass(frozen=True)
class Asked:
    """Questions to the network: squares that change a pixel, and are not known to be declined."""

    place: Tensor  # (q,) int64, of the image in the search
    query: Tensor  # (q,) int64
    image: Tensor  # (q, C, H, W)


class Square(SquareAttack):  # type: ignore[misc]  # the package has no types
    """The package's attack, its search in Linf done anew."""

    def attack_single_run(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """A number of each image, which nobody reads, and the best images, shaped like x.

        A network that draws, that looks at other images of its batch, or that answers with nan or
        inf is left to the package.
        """
        if self.norm == "Linf" and apart(self.predict, x):
            drawn = torch.get_rng_state()
            with torch.no_grad():
                found = self._found(x, y)
            if found is not None:
                return found
            torch.set_rng_state(drawn)
        numbers, best = super().attack_single_run(x, y)
        return numbers, best

    def _found(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor] | None:
        """By how much the true class still leads, (B,), and the best images; None where an answer
        is not finite."""
        stripes = self.random_choice([len(x), x.shape[1], 1, x.shape[3]])
        best = torch.clamp(x + self.eps * stripes, 0.0, 1.0)
        lead, _ = self.margin_and_loss(best, y)
        queries, none = self._drawn(x), torch.full_like(y, -1)
        search = Search(torch.arange(len(x), device=x.device), none + 1, none)
        while lead.isfinite().all():
            search = search.only((lead[search.row] > 0) & (search.query < self.n_queries))
            if not len(search.row):
                return lead, best
            asked = self._next(queries, search, x, best)
            if len(asked.query):
                self._ask(asked, search, y, best, lead)
        return None

    def _drawn(self, x: Tensor) -> Queries:
        """All queries, from the same random numbers as the package's."""
        channels, height, width = x.shape[1:]
        values = torch.rand(self.n_queries, 2 + channels)
        side = torch.tensor([self._side(k, channels, height, width) for k in range(len(values))])
        row = ((height - side) * values[:, 0]).long()
        column = ((width - side) * values[:, 1]).long()
        sign = torch.sign(2 * values[:, 2:] - 1)
        asked = torch.cat([torch.stack([side, row, column], 1), sign.long()], 1)
        of = (side, row, column, sign, before(asked))
        return Queries(*(each.to(x.device) for each in of))

    def _side(self, number: int, channels: int, height: int, width: int) -> int:
        """Of the square of a query: its area shrinks by the paper's schedule."""
        area = self.p_selection(number) * (channels * height * width) / channels
        return int(min(max(round(math.sqrt(area)), 1), height, width))

    def _next(self, queries: Queries, search: Search, x: Tensor, best: Tensor) -> Asked:
        """What is worth asking next, at most as many questions as the batch has images.

        search goes on to what follows if all are declined.
        """
        many = min(AHEAD, 2 * len(x) // len(search.row))
        ahead = search.query[:, None] + torch.arange(WINDOW, device=x.device)
        inside = ahead < self.n_queries
        earlier = queries.before[ahead.clamp(max=self.n_queries - 1)]
        fresh = inside & (earlier <= search.changed[:, None])
        number = fresh.cumsum(1)
        chosen = fresh & (number <= many)
        order = number[chosen].argsort(stable=True)  # the first of each image, then the second
        place, query = chosen.nonzero()[order, 0], ahead[chosen][order]
        row = search.row[place]
        image = self._coloured(x[row], best[row], queries.noise(query, x, self.eps))
        new = (image != best[row]).flatten(1).any(1)
        late = new & (new.cumsum(0) > len(x))
        search.query += (inside & (number <= many)).sum(1)
        search.query.scatter_reduce_(0, place[late], query[late], "amin")
        kept = new & ~late
        return Asked(place[kept], query[kept], image[kept])

    def _coloured(self, x: Tensor, best: Tensor, noise: Tensor) -> Tensor:
        """The best images with that noise, brought back to the ball and to [0, 1]."""
        radius = torch.full((len(x),), self.eps, device=x.device)
        return lp.project(best + noise, x, radius, "Linf")

    def _ask(self, asked: Asked, search: Search, y: Tensor, best: Tensor, lead: Tensor) -> None:
        """Ask, and keep of each image what lessens the lead first; what it was asked beyond that
        is forgotten. search, best, (B, C, H, W), and lead, (B,), are changed in place."""
        place, query = asked.place, asked.query
        row = search.row[place]
        answers = self.predict(filled(asked.image, len(search.row)))[: len(row)]
        leads = -losses.margin(answers, y[row])
        lead[row[~leads.isfinite()]] = torch.nan  # which ends the search
        less = leads < lead[row]
        first = torch.full_like(search.query, self.n_queries)
        first.scatter_reduce_(0, place[less], query[less], "amin")
        kept = less & (query == first[place])
        best[row[kept]], lead[row[kept]] = asked.image[kept], leads[kept]
        search.changed[place[kept]], search.query[place[kept]] = query[kept], query[kept] + 1
