"""Trainings on several ranks, as processes or as threads of this one, and what is compared."""

import threading
from dataclasses import dataclass, replace

import torch

from smd import data
from smd.config.schema import TrainConfig
from smd.data.batches import OnDevice
from smd.ranks.group import Ranks, within
from smd.training.loop import Training, prepare

CPU = torch.device("cpu")
drawing = threading.Lock()  # first weights are drawn from the one generator of all threads
WAIT = 60.0  # seconds, after which a thread that nobody comes to gives up


class Threads(Ranks):
    """A rank whose others are threads of this process."""

    def __init__(self, rank, size, barrier, board):
        super().__init__(rank, size, CPU)
        self.met, self.board = barrier, board

    def stacked(self, tensor):
        self.board[self.rank] = tensor.detach().clone()
        self.met.wait(WAIT)
        every = torch.stack(list(self.board))
        self.met.wait(WAIT)
        return every

    def reduce(self, tensor):
        return self.stacked(tensor).sum(0).to(tensor.dtype)

    def broadcast(self, tensor):
        self.board[self.rank] = tensor.detach().clone()
        self.met.wait(WAIT)
        value = self.board[0].clone()
        self.met.wait(WAIT)
        return value

    def barrier(self):
        self.met.wait(WAIT)

    def tell(self, word):
        self.broadcast(torch.tensor(word))

    def heard(self):
        return int(self.broadcast(torch.tensor(0)))


def in_threads(size, work):
    """`work()` on each of so many ranks at once: what each returns, in order; the first error."""
    barrier, board = threading.Barrier(size), [None] * size
    answers, errors = [None] * size, []

    def run(rank):
        with within(Threads(rank, size, barrier, board)):
            try:
                answers[rank] = work()
            except BaseException as error:
                errors.append(error)
                barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,), daemon=True) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers


@dataclass(frozen=True)
class Exact(OnDevice):
    """Rows in float64, where the sums of the ranks and that of one agree to the last flag."""

    def take(self, idx):
        batch = super().take(idx)
        return replace(batch, x=batch.x.double())


def training(net="small-cnn", **options) -> Training:
    """A short training in float64 on digits; on a network of one's own if `net` is a module."""
    sizes = {"epochs": 2, "n_train": 22, "batch": 7, "seed": 3}  # the last batch has one image
    name = net if isinstance(net, str) else "small-cnn"
    with drawing:
        state = prepare(TrainConfig(net=name, **{**sizes, **options}), data.load("digits"), CPU)
    state.model.double()
    if state.averaged is not None:
        state.averaged.module.double()
    if state.weights is not None:
        state.weights = state.weights.double()
    if "margin" in state.state:
        state.state["margin"] = state.state["margin"].double()
    exact = (Exact(rows.pixels, rows.labels) for rows in (state.sets.train, state.sets.val))
    state.sets = replace(state.sets, **dict(zip(("train", "val"), exact, strict=True)))
    return state
