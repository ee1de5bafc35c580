"""A sweep on many nodes, simulated: how long it takes as nodes are more, and as they are lost.

The queue is that of the cluster: whoever waits longest gets the node that is free first. A node
that is lost is back after a while; its run goes on elsewhere from its last epoch.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from smd.bench.part import Part, Row

HOURS = {"std": 1.0, "at": 6.0, "trades": 8.0, "mart": 8.0, "smd": 9.0, "mma": 20.0}
SEEDS = 25  # runs of each: 150 in all
EPOCHS = 120
NODES = (1, 8, 16, 32, 64)
START = 1 / 60  # hours until a node has a run's images and its network
GONE = 0.5  # hours until a lost node is back
LOSSES = (0.0, 24.0)  # hours between two losses of one node, on average; 0: none
REPETITIONS = 20


@dataclass(frozen=True)
class Outcome:
    """One simulated sweep."""

    hours: float  # until the last run is over
    again: float  # hours of computing that were done twice, and of starts


def measure(quick: bool) -> Part:
    """A sweep of 150 runs on 1 to 64 nodes, without and with losses."""
    seeds, repetitions = (2, 2) if quick else (SEEDS, REPETITIONS)
    runs = [hours for hours in HOURS.values() for _ in range(seeds)]
    rows = [
        _row(runs, nodes, mean, longest, repetitions)
        for longest in (False, True)
        for mean in LOSSES
        for nodes in NODES
    ]
    note = (
        f"{len(runs)} runs of {min(HOURS.values()):g} to {max(HOURS.values()):g} hours; means of"
        f" {repetitions} simulations. A start takes a minute, a lost node is back after half an"
        f" hour, and its run goes on from its last of {EPOCHS} epochs. Efficiency is the hours of"
        " computing by the hours that all nodes stood for the sweep. Nothing of this was measured"
        " on so many nodes."
    )
    return Part("schedule", "A sweep on many nodes, simulated", rows, note)


def _row(runs: list[float], nodes: int, mean: float, longest: bool, repetitions: int) -> Row:
    outcomes = []
    for k in range(repetitions):
        drawn = np.random.default_rng((nodes, k))
        order = sorted(runs, reverse=True) if longest else drawn.permutation(runs).tolist()
        outcomes.append(simulated(order, nodes, mean, drawn))
    hours = float(np.mean([each.hours for each in outcomes]))
    return {
        "nodes": nodes,
        "queued": "longest first" if longest else "shuffled",
        "a node is lost": f"every {mean:g} h" if mean else "never",
        "hours": hours,
        "times as fast": sum(runs) / hours,
        "efficiency in %": 100 * sum(runs) / (hours * nodes),
        "hours done twice": float(np.mean([each.again for each in outcomes])),
    }


def simulated(runs: list[float], nodes: int, mean: float, drawn: np.random.Generator) -> Outcome:
    """One sweep of runs in the order in which they were queued, in hours; mean: hours between two
    losses of a node, 0: none."""
    # since when, place in the queue, hours left
    waiting = [(0.0, place, hours) for place, hours in enumerate(runs)]
    free = [0.0] * nodes
    over, again = 0.0, 0.0
    while waiting:
        moment = heapq.heappop(free)
        since, place, left = heapq.heappop(waiting)
        begins = max(moment, since) + START
        lost = begins - START + drawn.exponential(mean) if mean else float("inf")
        if begins + left <= lost:
            over = max(over, begins + left)
            heapq.heappush(free, begins + left)
            again += START
            continue
        epoch, worked = runs[place] / EPOCHS, max(0.0, lost - begins)
        kept = epoch * (worked // epoch)
        again += START + worked - kept
        heapq.heappush(waiting, (lost, place, left - kept))
        heapq.heappush(free, lost + GONE)
    return Outcome(over, again)
