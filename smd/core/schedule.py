"""SMD's margin schedule without a network: growth by Eq. 12 and 13 alone.

Needs no torch, so that pages can draw it beside the margins of a run.
"""

import math

RHO = 0.9  # decay of gamma1 per unit of margin, App. D
EXACT = 0.0001  # added before a floor: k units, divided in floating point, count as k


def alone(epochs: int, delta: float, unit: float) -> list[float]:
    """The margin after each epoch, in the unit of x, of a sample that never crosses, gamma2 = 1.

    delta: the first margin and the longest expansion (Eq. 12); unit: what gamma1's exponent counts
    (Eq. 13). It is no bound of a real margin: gamma1 falls in steps, so a margin that is a little
    behind may grow more.
    """
    margins = [delta]
    for _ in range(epochs):
        margins.append(margins[-1] + delta * RHO ** math.floor(margins[-1] / unit + EXACT))
    return margins[1:]
