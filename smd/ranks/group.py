"""The processes that train one network together, each a rank; alone, everything is the identity.

Two kinds of waiting are told apart. Sums and rows are exchanged while all ranks compute, so whoever
lets the others wait for `timeout` seconds has failed. What rank 0 does on its own (storing, looking
at the network, loading images) may take hours: the others wait for its word as long as it lives.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from smd.errors import UserError

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

GO, STOP = 0, 1
PATIENCE = timedelta(days=365)  # for rank 0's word; where its process ends, the wait does at once
T = TypeVar("T")


class Ended(Exception):
    """Rank 0 has ended the training, for a reason that it tells itself."""


class Lost(UserError):
    """Another rank's process has ended before its time, or does not answer."""


class Group:
    """One rank alone: nothing is exchanged, nothing is copied."""

    rank: int = 0
    size: int = 1
    device: torch.device = torch.device("cpu")  # where the tensors are that are exchanged

    def reduce(self, tensor: Tensor) -> Tensor:
        """The sum over all ranks of tensors of one shape and type."""
        return tensor

    def stacked(self, tensor: Tensor) -> Tensor:
        """Every rank's tensor, all of one shape and type, in their order: (size, ...)."""
        return tensor[None]

    def gather(self, rows: Tensor, counts: Sequence[int] | None = None) -> Tensor:
        """All ranks' rows, each (n_r, ...), in the order of the ranks: (sum of n_r, ...).

        counts: every rank's n_r where they are known; else they are asked for, which makes a GPU
        wait.
        """
        return rows

    def broadcast(self, tensor: Tensor) -> Tensor:
        """Rank 0's tensor, of the same shape and type."""
        return tensor

    def barrier(self) -> None:
        """Wait until all ranks are here, as long as they live."""

    def led(self) -> AbstractContextManager[None]:
        """A body at whose end the others wait for rank 0, as long as that lives; where rank 0's
        body raises, they raise Ended there."""
        return nullcontext()

    def lead(self, action: Callable[[], T]) -> T | None:
        """What rank 0 alone does, its result there; the others wait for it and have None. Errors as
        of `led`."""
        return action()


class Ranks(Group):
    """One rank of several, whatever they exchange tensors by."""

    def __init__(self, rank: int, size: int, device: torch.device) -> None:
        self.rank, self.size, self.device = rank, size, device

    def gather(self, rows: Tensor, counts: Sequence[int] | None = None) -> Tensor:
        """As of Group: padded to the longest, exchanged, cut again."""
        if counts is None:
            own = torch.tensor(len(rows), device=self.device)
            counts = [int(count) for count in self.stacked(own).tolist()]
        padded = rows.new_zeros((max(counts), *rows.shape[1:]))
        padded[: len(rows)] = rows
        parts = zip(self.stacked(padded), counts, strict=True)
        return torch.cat([part[:count] for part, count in parts])

    @contextmanager
    def led(self) -> Iterator[None]:
        """As of Group."""
        try:
            yield
        except BaseException:
            if not self.rank:
                with suppress(Lost):
                    self.tell(STOP)
            raise
        if not self.rank:
            self.tell(GO)
        elif self.heard() != GO:
            raise Ended("Rank 0 has ended this training.")

    def lead(self, action: Callable[[], T]) -> T | None:
        """As of Group; what rank 0 does alone exchanges nothing."""
        with self.led():
            if self.rank:
                return None
            with within(ALONE):
                return action()

    def tell(self, word: int) -> None:
        """Rank 0's word to the others, which all must hear."""
        raise NotImplementedError

    def heard(self) -> int:
        """Rank 0's word."""
        raise NotImplementedError


class _Joined(Ranks):
    """Processes that exchange by torch.distributed."""

    def __init__(self, rank: int, size: int, device: torch.device, words: Any) -> None:
        super().__init__(rank, size, device)
        self._words = words  # the process group of rank 0's words, on CPUs: no GPU waits for them

    def reduce(self, tensor: Tensor) -> Tensor:
        total = tensor.detach().to(self.device, copy=True).contiguous()
        with _losses():
            dist.all_reduce(total)
        return total.to(tensor.device)

    def stacked(self, tensor: Tensor) -> Tensor:
        own = tensor.detach().to(self.device).contiguous()
        parts = [torch.empty_like(own) for _ in range(self.size)]
        with _losses():
            dist.all_gather(parts, own)
        return torch.stack(parts).to(tensor.device)

    def broadcast(self, tensor: Tensor) -> Tensor:
        value = tensor.detach().to(self.device, copy=True).contiguous()
        with _losses():
            dist.broadcast(value, 0)
        return value.to(tensor.device)

    def barrier(self) -> None:
        with _losses():
            dist.barrier(group=self._words)

    def tell(self, word: int) -> None:
        with _losses():
            dist.broadcast(torch.tensor(word), 0, group=self._words)

    def heard(self) -> int:
        word = torch.tensor(STOP)
        with _losses():
            dist.broadcast(word, 0, group=self._words)
        return int(word)


ALONE = Group()
_current: ContextVar[Group] = ContextVar("group", default=ALONE)


def current() -> Group:
    """The group of this process, or thread, as `joined` or `within` has set it; else ALONE."""
    return _current.get()


@contextmanager
def within(group: Group) -> Iterator[Group]:
    """Within, `current()` is that group."""
    before = _current.set(group)
    try:
        yield group
    finally:
        _current.reset(before)


@contextmanager
def joined(
    store: "Path | Store", rank: int, size: int, device: str, timeout: float = 60.0
) -> Iterator[Group]:
    """Be rank `rank` of `size` processes for the length of the body; `current()` is the group.

    store: where they meet, new to this group. On one machine a file, the same for every rank, in a
    folder that only its owner may enter; on several a store that all reach (smd.ranks.meeting).
    device: "cpu" (gloo) or "cuda:1" (NCCL), each rank's own. timeout: seconds for all ranks to
    come, and for which one may let the others wait while they compute; raises Lost (a UserError)
    after them, or as soon as a rank's process has ended. What rank 0 raises out
    of the body ends the others with Ended where they wait for its word. With size 1 the group is
    ALONE and the store stays untouched.
    """
    if size == 1:
        yield ALONE
        return
    where = torch.device(device)
    _begin(store, rank, size, where, timedelta(seconds=timeout))
    try:
        words = dist.new_group(backend="gloo", timeout=PATIENCE)
        group = _Joined(rank, size, where, words)
        with within(group):
            yield group
    finally:
        # a rank that has failed is not waited for
        with suppress(RuntimeError):
            dist.destroy_process_group()


def _begin(
    store: "Path | Store", rank: int, size: int, device: torch.device, timeout: timedelta
) -> None:
    """Meet the other ranks at the store."""
    if isinstance(store, Path):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        store = dist.FileStore(str(store), size)  # type: ignore[attr-defined]
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.set_device(device)
    with _losses():
        dist.init_process_group(
            "nccl" if cuda else "gloo",
            store=store,
            rank=rank,
            world_size=size,
            timeout=timeout,
        )


@contextmanager
def _losses() -> Iterator[None]:
    """Raise Lost where the exchange fails."""
    try:
        yield
    except RuntimeError as error:
        raise Lost(
            "Another process of this training has ended or does not answer: the last lines of the"
            " log say why."
        ) from error
