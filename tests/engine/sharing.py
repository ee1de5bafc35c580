"""Trainings on several ranks, as processes or as threads of this one, and what is compared."""

import multiprocessing
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, replace

import numpy as np
import torch

from smd import data
from smd.config.schema import TrainConfig
from smd.data.batches import OnDevice
from smd.ranks.group import Ended, Ranks, current, joined, within
from smd.training.joining import join
from smd.training.loop import Training, epochs, prepare

CPU = torch.device("cpu")
drawing = threading.Lock()  # first weights are drawn from the one generator of all threads
OF_THE_CLOCK = ("seconds", "samples_per_s", "finished_at")
NOISE = 1e-9
WAIT = 20.0  # seconds, after which a thread that nobody comes to gives up


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


def training(**options) -> Training:
    """A short training in float64 on digits."""
    sizes = {"epochs": 30, "n_train": 22, "batch": 7, "seed": 3}  # the last batch has one image
    with drawing:
        state = prepare(TrainConfig(**{**sizes, **options}), data.load("digits"), CPU)
    state.model.double()
    if state.averaged is not None:
        state.averaged.module.double()
    if state.weights is not None:
        state.weights = state.weights.double()
    if "margin" in state.state:
        state.state["margin"] = state.state["margin"].double()
    rows = Exact(state.sets.train.pixels, state.sets.train.labels)
    with torch.no_grad():  # most are classified correctly, so that a defense has much to do
        right = state.model.eval()(rows.take(torch.arange(len(rows))).x).argmax(1)
    rows.labels.copy_((right + (torch.arange(len(rows)) % 4 == 0)) % 10)
    state.sets = replace(state.sets, train=rows, val=rows)
    return state


def result_of(state, results):
    """What a training has made, as arrays: flags, which must be equal, and numbers."""
    flags = {
        f"{name} {r.epoch}": getattr(r, name)
        for r in results
        for name in ("clean_ok", "adv_ok", "crossed", "drawn")
    }
    numbers = {name: value.numpy().copy() for name, value in state.model.state_dict().items()}
    if state.averaged is not None:
        numbers |= {f"mean {k}": v.numpy().copy() for k, v in state.averaged.state_dict().items()}
    for r in results:
        numbers |= {f"{name} {r.epoch}": values for name, values in r.state.items()}
        numbers |= {
            f"{m.name} {r.epoch}": np.array(m.value)
            for m in r.metrics
            if m.split == "train" and m.eps == 0 and m.name not in OF_THE_CLOCK
        }
    return flags, numbers


def finished(turns=2, **options):
    """`result_of` so many epochs of a training of the current group."""
    state, results = training(**options), []
    join(state)
    with suppress(Ended), closing(epochs(state, lambda *_: None)) as following:
        for result in following:
            results.append(result)
            if len(results) == turns and current().rank == 0:
                break
    return result_of(state, results)


def assert_same(one, other, noise=NOISE):
    """Flags are equal, and numbers to float noise."""
    (flags, numbers), (other_flags, other_numbers) = one, other
    assert flags.keys() == other_flags.keys()
    assert numbers.keys() == other_numbers.keys()
    for name, values in flags.items():
        assert np.array_equal(values, other_flags[name]), name
    for name, values in numbers.items():
        np.testing.assert_allclose(other_numbers[name], values, noise, noise, err_msg=name)


def in_processes(size, work, store):
    """`work()`, a function of a module, in so many processes that have joined at the file `store`:
    what each returns, in order; what it raises is returned too."""
    several = multiprocessing.get_context("forkserver")
    several.set_forkserver_preload(["sharing"])  # torch is loaded once
    pipes = [several.Pipe(duplex=False) for _ in range(size)]
    processes = [
        several.Process(target=_joined, args=(rank, size, store, work, end))
        for rank, (_, end) in enumerate(pipes)
    ]
    for process in processes:
        process.start()
    for _, end in pipes:
        end.close()
    answers = [here.recv() for here, _ in pipes]
    for process in processes:
        process.join()
    return answers


def _joined(rank, size, store, work, end):
    torch.set_num_threads(1)
    try:
        with joined(store, rank, size, "cpu"):
            end.send(work())
    except BaseException as error:
        end.send(error)
