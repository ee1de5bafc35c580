"""What SMD's schedule alone does to a margin.

How far it would grow if the network had no say (Eq. 12 and 13).

Needs no torch, so that pages can draw it beside the margins that a network has left.
"""

import math

RHO = 0.9  # App. D
# a floor that a whole number of units, divided in floating point, does not fall through
EXACT = 0.0001


def alone(epochs: int, delta: float, unit: float) -> list[float]:
    """The margin after each epoch of a sample that never meets the boundary, its gamma2 always 1.

    Unit of x.

    delta: the first margin and the longest expansion (Eq. 12); unit: what gamma1's exponent counts
    (Eq. 13). No
    bound of a real margin: gamma1 falls in steps, so a margin that is a little behind may take a
    longer step.
    """
    margins = [delta]
    for _ in range(epochs):
        margins.append(margins[-1] + delta * RHO ** math.floor(margins[-1] / unit + EXACT))
    return margins[1:]
